"""Tests for imgfeat/_cli_info.py, as a user would type it."""

import numpy as np
import pytest
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import imgfeat
from imgfeat.deploy import _bundle, _weights
from imgfeat.estimators import RidgeProbe
from imgfeat.features import HOG, CNNEmbedding
from imgfeat.nets.inference import _choice, _machine
from tests._commands import run


def lines(result):
    """Texts by what stands in front of them, in order."""
    found = {}
    for line in result.stdout.splitlines():
        found.setdefault(line[:13].strip(), []).append(line[14:])
    return found


@pytest.fixture
def model(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (6, 40, 40, 3), dtype=np.uint8)
    net = CNNEmbedding(size=32, engine="torch", device="cpu", precision="float32")
    pipeline = make_pipeline(net, LogisticRegression())
    path = tmp_path / "model.imgfeat"
    imgfeat.save(pipeline.fit(images, ["cat", "dog\x1b[2J"] * 3), path)
    return path


def test_machine_is_described(monkeypatch, tmp_path):
    monkeypatch.setenv("IMGFEAT_HOME", str(tmp_path))
    (tmp_path / "onnx").mkdir()
    (tmp_path / "onnx" / "net.onnx-cache").write_bytes(bytes(2_000_000))
    record = _choice._here() | {
        "net": "resnet18",
        "size": [224, 224],
        "chosen": ["openvino", "bfloat16"],
        "timed": [
            {
                "engine": "onnx",
                "precision": "float32",
                "images_per_s": 12.34,
                "least_cosine": 1.0,
            }
        ],
    }
    _choice._write(tmp_path / "engines" / "x.json", record)  # no folder yet
    (tmp_path / "engines").mkdir()
    _choice._write(tmp_path / "engines" / "x.json", record)
    (tmp_path / "engines" / "damaged.json").write_text("{")
    _choice._write(tmp_path / "engines" / "other.json", record | {"cores": -1})
    monkeypatch.setattr(_machine, "cpu_model", lambda: "A Processor")
    monkeypatch.setattr(_machine, "cpu_features", lambda: ("amx_bf16",))
    monkeypatch.setattr(_machine, "has_bfloat16", lambda: True)
    monkeypatch.setattr("imgfeat.nets.list_weights", list)  # of the hub's cache, too
    found = lines(run("info"))
    assert found["imgfeat"] == [imgfeat.__version__]
    assert found["numpy"] == [np.__version__]
    assert found["weights"] == ["none but those that are installed"]
    assert found["cpu"][0].startswith("A Processor, ")
    assert found[""][:2] == ["amx_bf16", "bfloat16: yes"]
    assert "torch: installed" in found["engine"]
    assert found["choice"] == ["resnet18 of 224 x 224 pixels: openvino in bfloat16"]
    assert found[""][2].split() == [
        "onnx", "in", "float32", "12.3", "images/s,", "cosine", "1.00000",
    ]  # fmt: skip
    assert found["home"] == [str(tmp_path)]
    assert found["exports"] == ["1 nets, 2.0 MB"]
    assert found["cache"] == ["0 rows, 0.0 MB"]


def test_missing_engines_name_their_extra(monkeypatch):
    monkeypatch.setattr("imgfeat.nets.inference._engines.has_module", lambda name: None)
    found = lines(run("info"))["engine"]
    assert found == [
        "onnx: not installed; pip install 'imgfeat[onnx]'",
        "openvino: not installed; pip install 'imgfeat[openvino]'",
        "torch: installed",
    ]


def test_model_is_described_and_not_loaded(model, monkeypatch):
    def loaded(*args):
        raise AssertionError("the model was loaded")

    monkeypatch.setattr(_bundle, "load_model", loaded)
    monkeypatch.setattr(_weights, "read_weights", loaded)
    found = lines(run("info", model))
    assert found["file"][0].startswith(str(model))
    assert found["classes"] == ["2: cat, dog?[2J"]  # a terminal gets no commands
    assert found["parameters"][0] == "of cnnembedding"
    assert found["step"][-1] == "logisticregression: LogisticRegression()"
    assert found["fitted with"] == ["engine='torch', device='cpu', precision='float32'"]
    assert f"imgfeat='{imgfeat.__version__}'" in found["versions"][0]
    assert found["weights"] == ["none in the file"]


def test_what_is_no_model_is_named(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("no model")
    assert "was not written by imgfeat.save" in complaint(path)
    assert "There is no file" in complaint(tmp_path / "none")


def test_damaged_model_is_refused(tmp_path):
    path = tmp_path / "model.imgfeat"
    imgfeat.save(LogisticRegression().fit([[0], [1]] * 32, [0, 1] * 32), path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert "is damaged: its seal does not match" in complaint(path)


def complaint(path):
    return " ".join(run("info", path, code=2).stderr.split())


def test_markdown_is_the_card(model):
    assert run("info", model, "--markdown").stdout == imgfeat.deploy.model_card(model)
    result = run("info", "--markdown", code=2)
    assert "--markdown is of a model; name its file" in result.stderr


def test_data_and_scores_are_told(tmp_path):
    path = tmp_path / "model.imgfeat"
    known = {
        "trained_on": {"n_images": 64, "by_class": {"cat": 32, "dog": 32}},
        "held_out": {"n_images": 8, "scores": {"accuracy": 0.875}},
    }
    fitted = LogisticRegression().fit([[0], [1]] * 32, ["cat", "dog"] * 32)
    imgfeat.save(fitted, path, facts=known)
    found = lines(run("info", path))
    assert found["trained on"] == ["64 images"]
    assert found["held out"] == ["8 images"]
    assert found[""] == ["cat=32, dog=32", "accuracy=0.875"]


def test_members_of_a_vote_are_told_once(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (8, 16, 16), dtype=np.uint8)
    members = [
        (name, make_pipeline(HOG(orientations=n), RidgeProbe()))
        for name, n in (("eight", 8), ("nine", 9))
    ]
    path = tmp_path / "vote.imgfeat"
    vote = VotingClassifier(members).fit(images, ["ant", "bee"] * 4)
    imgfeat.save(vote, path)
    steps = lines(run("info", path))["parameters"]
    parts = "hog", "ridgeprobe"
    assert steps == [f"of {name}__{part}" for name, _ in members for part in parts]

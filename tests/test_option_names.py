"""Errors on the command line speak of options and files, not of Python."""

import re

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from typer.testing import CliRunner

from imgfeat import evaluate
from imgfeat._option_names import text_of
from imgfeat.cli import app
from tests._photos import write_photo_folder

# What only somebody who writes Python knows.
OF_PYTHON = re.compile(
    r"\w+=|\w+\(\)|_|n_splits|parameter of|instance of|None\b|imgfeat\.\w+\.\w+|Error:"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wrong")
    write_photo_folder(folder / "photos", n_per_class=6)
    (folder / "bare").mkdir()
    (folder / "table.csv").write_text("file,kind\na.jpg,cat\n")
    photo = next((folder / "photos").glob("*/*.jpg"))
    rows = "".join(f"{photo},{kind},kitchen\n" for kind in ["a", "b"] * 5)
    (folder / "rooms.csv").write_text(f"path,label,scene\n{rows}")
    for kind in "ab":
        broken = folder / "unreadable" / kind / "text.jpg"
        broken.parent.mkdir(parents=True)
        broken.write_text("this is text")
    (folder / "rows.csv").write_text("path,label\n")
    return folder


@pytest.mark.parametrize(
    "command",
    [
        "compare bare",
        "compare table.csv",
        "compare rows.csv",
        "compare nowhere",
        "compare photos --recipe hog-svn",
        "compare photos --recipe hog-svm:resnet50",
        "compare photos --recipe cnn-lr:resnet5",
        "compare photos --recipe hog-lr --cv 1",
        "compare photos --recipe hog-lr --cv 0",
        "compare photos --recipe hog-lr --cv 500",
        "compare photos --recipe hog-lr --size 0",
        "compare photos --recipe hog-lr --minutes 0",
        "compare photos --recipe hog-lr --scoring quality",
        "compare photos --recipe hog-lr --scoring r2",
        "compare photos --recipe hog-lr --groups scene",
        "compare rooms.csv --recipe hog-lr --groups scene",
        "compare rooms.csv --recipe hog-lr --groups place",
        "compare photos --recipe hog-lr --val rooms.csv --split val",
        "compare photos --recipe hog-lr --seed -1",
        "compare photos --quick --thorough",
        "compare photos --split val",
        "train bare --out m.imgfeat",
        "train photos --out bare",
        "train photos --out nowhere/m.imgfeat",
        "train photos --out m.imgfeat --recipe hog-svm --seed -1",
        "train photos --out m.imgfeat --recipe hog-lr --jobs 0",
        "train unreadable --out m.imgfeat --skip-unreadable",
        "compare unreadable --skip-unreadable",
        "evaluate table.csv photos --seed -1",
        "audit photos --split dev",
        "train photos --out m.imgfeat --recipe hog-lr --epochs 3",
        "train photos --out m.imgfeat --label-column kind --recipe none",
        "evaluate table.csv photos",
        "evaluate nowhere photos",
        "predict table.csv photos",
        "weights fetch nowhere",
    ],
)
def test_an_error_names_no_python(folder, monkeypatch, command):
    monkeypatch.chdir(folder)
    result = CliRunner().invoke(app, command.split())
    assert result.exit_code == 2, result.output
    text = " ".join(result.stderr.split())
    text = re.sub("left out .*? starts with b'this is text'", "", text).strip()
    assert text.startswith("error: ")
    left = re.sub(r"efficientnet_lite0|vit_b_16|timm/\w+", "", text)  # nets
    left = re.sub("balanced_accuracy|f1_macro|neg_log_loss|max_error", "", left)
    assert not OF_PYTHON.search(left), text


@pytest.mark.parametrize("unknown", ["raise", "tabel"])
def test_unknown_classes_are_spoken_of_as_an_option(unknown):
    model = DummyClassifier().fit([[0], [1]], ["ant", "bee"])
    with pytest.raises(ValueError, match="unknown") as caught:
        evaluate(model, np.zeros((1, 1)), ["wasp"], unknown=unknown)
    text = text_of(caught.value)
    assert "--unknown" in text and not OF_PYTHON.search(text), text


def test_nothing_is_trained_that_could_not_be_written(folder, monkeypatch):
    monkeypatch.chdir(folder)
    never = "imgfeat.studies.train_recipe"
    monkeypatch.setattr(never, lambda *args, **options: pytest.fail("trained"))
    result = CliRunner().invoke(app, ["train", "photos", "--out", "bare"])
    assert "--out needs a file name" in result.stderr

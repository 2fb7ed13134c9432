"""Tests for imgfeat/cli.py, as a user would type it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import warnings

import pytest
from PIL import Image
from sklearn.pipeline import make_pipeline

from imgfeat.features import HOG, CachedFeatures
from imgfeat.sources import ImageReader
from tests._commands import rows_of, run
from tests._photos import write_photo_folder


def test_help_names_every_command():
    shown = run("--help").output
    for command in ("demo", "compare", "train", "evaluate", "predict", "suggest"):
        assert command in shown


def test_version_is_shown():
    assert run("--version").output.startswith("imgfeat 0.")


def test_recipes_are_listed():
    assert "hybrid-lr" in run("recipes").output


def test_model_with_coverage_says_what_it_does_not_know(photos, tmp_path):
    path = tmp_path / "open.imgfeat"
    promise = "--coverage", 0.9, "--false-alarms", 0.1
    run("train", photos, "--recipe", "hog-svm", "--size", 64, *promise, "--out", path)
    Image.new("RGB", (64, 64), "red").save(tmp_path / "plain.png")
    files = *sorted(photos.glob("*/*.jpg")), tmp_path / "plain.png"
    *rows, plain = rows_of(run("predict", path, *files))
    assert list(plain) == ["path", "label", "probability", "error", "set", "score"]
    assert plain["label"] == plain["probability"] == plain["error"] == ""
    assert float(plain["score"]) > max(float(row["score"]) for row in rows)
    right = [row["label"] != "" and row["label"] in row["path"] for row in rows]
    assert sum(right) >= 0.8 * len(rows)
    assert {label for row in rows for label in row["set"].split("|")} >= {"brick"}
    line = json.loads(run("predict", path, files[-1], "--format", "jsonl").stdout)
    assert line["label"] is None and isinstance(line["set"], list)
    assert "accuracy" in run("evaluate", path, photos).stdout


def test_coverage_of_too_few_images_says_how_many_it_takes(photos, tmp_path):
    arguments = "--recipe", "hog-svm", "--size", 64, "--out", tmp_path / "m.imgfeat"
    shown = run("train", photos, *arguments, "--coverage", 0.99, code=2).stderr
    shown = " ".join(shown.split())
    assert (
        "at least 99 images" in shown and "give more images, or promise less" in shown
    )


def test_evaluate_prints_metrics_and_confusions(model, photos):
    shown = run("evaluate", model, photos).output
    assert "accuracy" in shown and "Confusion" in shown and "gravel" in shown


def test_evaluate_writes_a_page(model, photos, tmp_path):
    run("evaluate", model, photos, "--out", tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "model.imgfeat on photos" in page and "Matthews" in page


def test_evaluate_prints_for_programs(model, photos):
    rows = rows_of(run("evaluate", model, photos, "--format", "csv"))
    assert rows[0]["metric"] == "accuracy" and 0 <= float(rows[0]["low"]) <= 1
    found = json.loads(run("evaluate", model, photos, "--format", "json").stdout)
    assert found["n_images"] == 36
    assert {row["class"] for row in found["per_class"]} == {"brick", "grass", "gravel"}
    assert found["confusion"]["true"] == found["confusion"]["predicted"]
    assert list(map(sum, found["confusion"]["counts"])) == [12, 12, 12]


def test_evaluate_tells_groups_apart(model, photos, tmp_path):
    files = sorted(photos.glob("*/*.jpg"))
    cameras = ["A" if number % 3 else "B" for number in range(len(files))]
    lines = [f"{file},{file.parent.name}" for file in files]
    rows = [f"{line},{name}" for line, name in zip(lines, cameras, strict=True)]
    table = tmp_path / "more.csv"
    table.write_text("\n".join(["path,label,camera", *rows]))
    arguments = "evaluate", model, table, "--groups", "camera"
    assert "Per group, the worst first" in run(*arguments).stdout
    found = json.loads(run(*arguments, "--format", "json").stdout)["per_group"]
    assert {row["group"]: row["n_images"] for row in found} == {"A": 24, "B": 12}
    failed = run(*arguments[:-1], "site", code=2).stderr
    assert "needs a column 'site' for the groups" in " ".join(failed.split())


def test_evaluate_lists_classes_never_seen_on_request(model, photos, tmp_path):
    shutil.copytree(photos, tmp_path / "more")
    (tmp_path / "more" / "grass").rename(tmp_path / "more" / "moss")
    refused = run("evaluate", model, tmp_path / "more", code=2).output
    assert "--unknown table" in " ".join(refused.split())
    shown = run("evaluate", model, tmp_path / "more", "--unknown", "table").output
    assert "Only in the model" in shown and "moss" in shown


def test_evaluate_refuses_a_page_in_no_folder_before_it_works(model, photos, tmp_path):
    shown = run("evaluate", model, photos, "--out", tmp_path / "no" / "r.html", code=2)
    assert "in a folder that is there" in shown.output


def test_compare_writes_report_and_best_model(photos, tmp_path):
    to = tmp_path / "out"
    shown = run(
        "compare", photos, "--out", to, "--recipe", "hog-lr", "--size", 64, "--cv", 3
    ).output
    assert "hog-lr" in shown
    assert (to / "report.html").stat().st_size > 1000
    assert len(rows_of(run("predict", to / "model.imgfeat", photos / "grass"))) == 12


def test_compare_reads_a_table_of_paths(photos, tmp_path):
    table = tmp_path / "images.csv"
    lines = [f"{path},{path.parent.name}" for path in sorted(photos.glob("*/*.jpg"))]
    table.write_text("\n".join(["path,label", *lines]))
    to = tmp_path / "out"
    run("compare", table, "--out", to, "--recipe", "hog-lr", "--size", 64)
    rows = rows_of(run("predict", to / "model.imgfeat", photos / "grass"))
    assert [row["label"] for row in rows].count("grass") > 6


def test_broken_file_is_named_and_can_be_skipped(photos, tmp_path):
    folder = write_photo_folder(tmp_path / "p", n_per_class=8)
    broken = folder / "brick" / "aaa.jpg"
    broken.write_text("this is text")
    to = tmp_path / "m.imgfeat"
    command = ["train", folder, "--recipe", "hog-lr", "--size", 64, "--out", to]
    result = run(*command, code=2)
    assert "aaa.jpg" in result.stderr.replace("\n", "")
    assert "--skip-unreadable" in result.stderr
    assert not to.exists()
    result = run(*command, "--skip-unreadable")
    assert "left out" in result.stderr
    assert "24 images of 3 classes" in result.output.replace("\n", " ")


@pytest.mark.parametrize("command", ["compare", "train"])
@pytest.mark.parametrize(
    "make, message",
    [
        (lambda folder: None, "sub-folder"),
        (lambda folder: (folder / "a").mkdir(), "image"),
    ],
    ids=["empty folder", "empty class"],
)
def test_folder_without_images_is_a_plain_error(tmp_path, command, make, message):
    make(tmp_path)
    result = run(command, tmp_path, "--out", tmp_path / "o.imgfeat", code=2)
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_one_class_is_a_plain_error(photos, tmp_path):
    (tmp_path / "p").mkdir()
    os.symlink(photos / "brick", tmp_path / "p" / "brick")
    result = run("train", tmp_path / "p", "--out", tmp_path / "m.imgfeat", code=2)
    assert "at least two classes" in result.stderr.replace("\n", " ")


def test_wrong_paths_are_plain_errors(model, tmp_path):
    assert "nowhere" in run("train", "nowhere", "--out", "x.imgfeat", code=2).stderr
    assert "nowhere" in run("predict", "nowhere.imgfeat", "x.jpg", code=2).stderr


def test_file_that_is_no_model_is_a_plain_error(tmp_path):
    path = tmp_path / "model.imgfeat"
    path.write_bytes(b"PK not really")
    result = run("predict", path, "x.jpg", code=2)
    assert "model.imgfeat" in result.stderr.replace("\n", "")


def test_cache_is_listed_and_cleared(photos, tmp_path):
    where = ["--location", tmp_path / "cache"]
    assert "empty" in run("cache", "info", *where).output
    reader = make_pipeline(ImageReader((32, 32), mode="gray"), HOG())
    cached = CachedFeatures(reader, location=tmp_path / "cache")
    cached.fit_transform([str(path) for path in sorted(photos.glob("brick/*.jpg"))])
    shown = run("cache", "info", *where).output
    assert "HOG" in shown.replace("\n", "") and "12" in shown
    assert "Freed" in run("cache", "clear", *where).output
    assert "empty" in run("cache", "info", *where).output


@pytest.mark.parametrize(
    "recipe", ["hog-svm", pytest.param("cnn-scratch", marks=pytest.mark.slow)]
)
def test_interrupt_during_compare_exits_cleanly(tmp_path, recipe):
    folder = write_photo_folder(tmp_path / "photos", n_per_class=30)
    to = tmp_path / "out"
    command = [sys.executable, "-m", "imgfeat", "compare", folder, "--out", to]
    command += ["--recipe", recipe]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        # The output folder is made when the work begins.
        while not to.exists() and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate()
    assert process.returncode == 130, stderr
    assert "Interrupted" in stderr and "Traceback" not in stderr
    assert {path.name for path in to.iterdir()} <= {"folds", "report.html"}


# However slow the machine is, it may end by itself.
PATIENT = (
    "from imgfeat import cli; cli.end_soon_after_ctrl_c = lambda: None; cli.main()"
)


def test_interrupted_comparison_shows_what_it_has_and_goes_on(tmp_path):
    folder = write_photo_folder(tmp_path / "photos", n_per_class=30)
    command = [sys.executable, "-c", PATIENT, "compare", folder, "--out", "out"]
    command += ["--recipe", "hog-lr", "--recipe", "cnn-scratch"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=tmp_path, **pipes) as process:
        assert any("(1 of 2)" in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate()
    assert process.returncode == 130, stderr
    assert "hog-lr" in stdout
    assert "the same command with --resume goes on" in stderr
    page = (tmp_path / "out" / "report.html").read_text()
    assert "photos, interrupted" in page and "cnn-scratch" in page
    n_kept = len(list((tmp_path / "out" / "folds").iterdir()))
    assert n_kept == 5
    run("compare", folder, "--out", tmp_path / "out", "--recipe", "hog-lr", "--resume")
    assert len(list((tmp_path / "out" / "folds").iterdir())) == n_kept
    assert (tmp_path / "out" / "model.imgfeat").exists()


@pytest.fixture
def weights_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("IMGFEAT_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hf"))
    folder = tmp_path / "weights"
    folder.mkdir()
    return folder


def test_weights_are_listed_with_the_folders_that_are_searched(weights_folder):
    assert "There are none yet" in run("weights", "list").output
    (weights_folder / "net.pth").write_bytes(b"some")
    assert "net.pth" in run("weights", "list").stdout
    assert run("weights", "where").stdout.splitlines()[0] == str(weights_folder)


def test_weights_verify_names_damaged_files(weights_folder):
    (weights_folder / "net.pth").write_bytes(b"some")
    done = run("weights", "verify")
    assert done.stdout == "0 checked, 0 damaged, 1 without a hash.\n"
    (weights_folder / "net-00000000.pth").write_bytes(b"some")
    done = run("weights", "verify", code=1)
    assert "1 checked, 1 damaged, 1 without a hash." in done.stdout
    assert f"damaged: {weights_folder / 'net-00000000.pth'}" in done.output


def test_weights_fetch_prints_where_they_are(weights_folder):
    done = run("weights", "fetch", "efficientnet_lite0")
    assert "efficientnet" in done.stdout
    done = run("weights", "fetch", "resnet_50", code=2)
    assert "Did you mean 'resnet50'" in " ".join(done.output.split())


def test_train_shows_a_line_an_epoch(photos, tmp_path):
    path = tmp_path / "net.imgfeat"
    shown = run(
        "train", photos, "--recipe", "cnn-scratch", "--size", 32, "--epochs", 2,
        "--out", path,
    ).output  # fmt: skip
    assert "epoch   1/2" in shown
    assert "min left" in shown
    assert path.is_file()


def test_epochs_need_a_net_that_learns(photos, tmp_path):
    result = run(
        "train", photos, "--recipe", "hog-svm", "--epochs", 2, "--out", tmp_path / "x",
        code=2,
    )  # fmt: skip
    assert "trains no net, so it has no epochs" in " ".join(result.stderr.split())


def test_warnings_are_a_line_without_code(photos, tmp_path, monkeypatch):
    def warn(*args, **kwargs):
        warnings.warn("beware of [dogs]", stacklevel=1)
        raise ValueError("over")

    monkeypatch.setattr("imgfeat.studies.train_recipe", warn)
    with warnings.catch_warnings(action="always"):
        result = run("train", photos, "--out", tmp_path / "no.imgfeat", code=2)
    assert "warning: beware of [dogs]\n" in result.output
    assert "UserWarning" not in result.output

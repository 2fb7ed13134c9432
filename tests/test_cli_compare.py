"""Tests for `imgfeat compare` in imgfeat/cli.py, as a user would type it."""

import csv
import os
import shutil

import pytest
from typer.testing import CliRunner

from imgfeat import load
from imgfeat.cli import app
from imgfeat.features import HOG
from tests._counting import count_rows
from tests._photos import write_photo_folder

runner = CliRunner()
# Of which some are held out, and their likes trained on.
SAME_PHOTOS = pytest.mark.filterwarnings("ignore:Some images are nearly the same")
FAST = ("--recipe", "hog-lr", "--size", 32)


def run(*arguments, code=0):
    """Run one command; return its result after checking the exit code."""
    result = runner.invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


def in_one_line(text):
    return " ".join(text.split())


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare") / "photos"
    return write_photo_folder(folder, n_per_class=12)


def write_table(path, photos, group_of):
    """A table of the photos with a group each; `group_of` takes a row and its class."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "label", "scene"])
        for row, photo in enumerate(sorted(photos.glob("*/*.jpg"))):
            rows.writerow([photo, photo.parent.name, group_of(row, photo.parent.name)])
    return path


@SAME_PHOTOS
def test_held_out_images_come_from_a_folder(photos, tmp_path):
    other = write_photo_folder(tmp_path / "other", n_per_class=3)
    shown = run("compare", photos, "--val", other, *FAST, "--out", tmp_path / "o")
    page = (tmp_path / "o" / "report.html").read_text()
    assert "45: 36 to train, 9 held out" in page
    assert "hog-lr" in shown.output


def test_classes_to_hold_out_that_are_not_trained_on_are_named(photos, tmp_path):
    other = write_photo_folder(tmp_path / "other", n_per_class=3)
    (other / "grass").rename(other / "moss")
    shown = run(
        "compare", photos, "--val", other, *FAST, "--out", tmp_path / "o", code=2
    )
    assert "Got 'moss', and to train on 'brick', 'grass', 'gravel'" in in_one_line(
        shown.stderr
    )
    assert not (tmp_path / "o").exists()


@SAME_PHOTOS
def test_held_out_class_that_is_missing_is_noted(photos, tmp_path):
    other = write_photo_folder(tmp_path / "other", n_per_class=3)
    shutil.rmtree(other / "grass")
    shown = run("compare", photos, "--val", other, *FAST, "--out", tmp_path / "o")
    assert "No image of 'grass' is held out." in shown.stderr


def test_groups_are_a_column_of_the_table(photos, tmp_path):
    table = write_table(tmp_path / "t.csv", photos, lambda row, kind: f"{row // 2}")
    run("compare", table, "--groups", "scene", *FAST, "--out", tmp_path / "o")
    page = (tmp_path / "o" / "report.html").read_text()
    assert "4, on the training part" in page  # of 6 groups of a class 2 are held out


@pytest.mark.parametrize(
    "group_of, column, message",
    [
        (lambda row, kind: kind, "scene", "at least 4 groups of every class. Got 1"),
        (lambda row, kind: "", "scene", "a group in every row of 'scene'. Got 36"),
        (lambda row, kind: row, "place", "needs a column 'place' for the groups"),
    ],
    ids=["too few", "empty", "no such column"],
)
def test_groups_that_cannot_be_kept_are_refused(
    photos, tmp_path, group_of, column, message
):
    table = write_table(tmp_path / "t.csv", photos, group_of)
    shown = run(
        "compare", table, "--groups", column, *FAST, "--out", tmp_path / "o", code=2
    )
    assert message in in_one_line(shown.stderr)


def test_groups_of_a_folder_are_refused_with_the_remedy(photos, tmp_path):
    shown = run(
        "compare", photos, "--groups", "scene", *FAST, "--out", tmp_path / "o", code=2
    )
    assert "write a CSV with columns path, label and scene" in in_one_line(shown.stderr)


def test_another_score_decides(photos, tmp_path):
    shown = run(
        "compare", photos, "--scoring", "neg_log_loss", *FAST, "--out", tmp_path / "o"
    )
    assert "neg_log_loss on the held-out images" in shown.output
    assert "By neg_log_loss: hog-lr is the only candidate" in shown.output
    assert "neg_log_loss" in (tmp_path / "o" / "report.html").read_text()


def test_score_that_is_unknown_lists_those_near_it(photos, tmp_path):
    shown = run(
        "compare", photos, "--scoring", "f1_makro", *FAST, "--out", tmp_path / "o",
        code=2,
    )  # fmt: skip
    assert "Got 'f1_makro'; near it are f1_macro" in in_one_line(shown.stderr)
    assert not (tmp_path / "o").exists()


def test_one_class_is_a_plain_error(photos, tmp_path):
    os.makedirs(tmp_path / "p")
    os.symlink(photos / "brick", tmp_path / "p" / "brick")
    shown = run("compare", tmp_path / "p", "--out", tmp_path / "o", code=2)
    assert "at least two classes. Got one, 'brick'" in in_one_line(shown.stderr)


def test_learning_curve_is_said_and_written(photos, tmp_path):
    more = ("--learning-curve", "--cv", 2)
    shown = run("compare", photos, *FAST, *more, "--out", tmp_path / "o")
    assert "more of them would bring to hog-lr" in in_one_line(shown.output)
    lines = (tmp_path / "o" / "learning_curve.csv").read_text().splitlines()
    assert lines[0].startswith("n_train,mean_test_accuracy")


def test_folder_that_cannot_be_is_said_before_the_work(photos, tmp_path, monkeypatch):
    def work(*args, **kwargs):
        raise AssertionError("it had begun")

    monkeypatch.setattr("imgfeat.studies._study.compare", work)
    (tmp_path / "o").write_text("a file")
    shown = run("compare", photos, *FAST, "--out", tmp_path / "o", code=2)
    assert "need a folder that can be written to" in in_one_line(shown.stderr)
    monkeypatch.setattr("imgfeat.deploy._archive.is_writable", lambda folder: False)
    shown = run("compare", photos, *FAST, "--out", tmp_path / "p", code=2)
    assert "nothing can be written to its folder" in in_one_line(shown.stderr)


def test_time_for_one_fold_only_still_gives_a_model(photos, tmp_path):
    more = ("--minutes", 1e-6, "--recipe", "hog-svm")
    shown = run("compare", photos, *FAST, *more, "--out", tmp_path / "o")
    assert "too little for more than one fold" in in_one_line(shown.output)
    assert (tmp_path / "o" / "model.imgfeat").exists()


def test_train_after_compare_extracts_nothing(photos, tmp_path, monkeypatch):
    monkeypatch.setenv("IMGFEAT_HOME", str(tmp_path / "home"))
    run("compare", photos, *FAST, "--out", tmp_path / "o")
    seen = count_rows(monkeypatch, HOG)
    run("train", photos, *FAST, "--out", tmp_path / "m.imgfeat")
    assert sum(seen) < 10  # `save` tries the model on a few
    assert load(tmp_path / "m.imgfeat")[1].__class__ is HOG

"""Tests of the commands on images of several labels each, as a user would type them."""

import json

import pytest

from imgfeat import load
from tests._commands import rows_of, run
from tests._composites import TEXTURES, write_composites

COLUMNS = [part for name in TEXTURES for part in ("--label-columns", name)]
SMALL = ("--size", 32)
# Of which some are held out, and their likes trained on.
SAME_PHOTOS = pytest.mark.filterwarnings("ignore:Some images are nearly the same")


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return write_composites(tmp_path_factory.mktemp("composites"), 90)


@pytest.fixture(scope="module")
def model(tables, tmp_path_factory):
    to = tmp_path_factory.mktemp("trained") / "m.imgfeat"
    said = run("train", tables[0], *COLUMNS, "--recipe", "hog-lr", *SMALL, "--out", to)
    assert "90 images of 3 classes" in said.output
    return to


def test_train_keeps_names_and_evaluate_scores_each_label(model, tables, tmp_path):
    assert load(model).classes_.tolist() == TEXTURES
    page = tmp_path / "report.html"
    found = run("evaluate", model, tables[1], "--label-separator", ";", "--out", page)
    assert "hamming_loss" in found.output and "rightly_without" in found.output
    assert "F1 is" in page.read_text()
    found = run("evaluate", model, tables[0], *COLUMNS, "--format", "json")
    said = json.loads(found.stdout)
    assert [row["class"] for row in said["confusion"]] == TEXTURES
    assert {"metrics", "per_class", "mistakes"} <= set(said)
    assert "confused" not in said


def test_predict_writes_labels_with_a_bar_between(model, tables):
    found = rows_of(run("predict", model, tables[0].parent))
    assert len(found) == 90 and list(found[0])[:2] == ["path", "labels"]
    for row in found[:20]:
        given = [n for n in TEXTURES if float(row[f"probability_{n}"]) > 0.5]
        assert sorted(filter(None, row["labels"].split("|"))) == given


@SAME_PHOTOS
def test_compare_reports_and_saves_the_best(tables, tmp_path):
    recipes = ("--recipe", "hog-lr", "--recipe", "hog-svm")
    found = run(
        "compare", tables[0], *COLUMNS, *recipes, *SMALL, "--cv", 3, "--out", tmp_path
    )
    assert "f1_macro" in found.output
    page = (tmp_path / "report.html").read_text()
    assert "rightly without" in page and "gravel" in page
    assert load(tmp_path / "model.imgfeat").classes_.tolist() == TEXTURES


def test_thresholds_are_tuned_saved_and_used(tables, tmp_path):
    to = tmp_path / "m.imgfeat"
    train = ("train", tables[0], *COLUMNS, "--recipe", "hog-lr", *SMALL, "--out", to)
    said = run(*train, "--tune-thresholds").output
    bounds = load(to)[-1].thresholds_
    assert f"brick {bounds[0]:.2f}" in " ".join(said.split())
    assert f"brick {bounds[0]:.4f}, " in run("info", to).output
    for row in rows_of(run("predict", to, tables[0].parent)):
        shares = [float(row[f"probability_{name}"]) for name in TEXTURES]
        above = zip(TEXTURES, shares, bounds, strict=True)
        given = [name for name, share, bound in above if share > bound]
        assert sorted(filter(None, row["labels"].split("|"))) == given


@SAME_PHOTOS
def test_compare_chooses_thresholds_out_of_fold(tables, tmp_path):
    options = ("--recipe", "hog-lr", *SMALL, "--cv", 3, "--out", tmp_path)
    run("compare", tables[0], *COLUMNS, *options, "--tune-thresholds")
    bounds = load(tmp_path / "model.imgfeat")[-1].thresholds_
    assert bounds.shape == (3,) and (bounds != 0.5).all()
    page = (tmp_path / "report.html").read_text()
    assert f"brick {bounds[0]:.2f}" in page and "of highest F1 out of fold" in page


@pytest.mark.parametrize(
    "options, said",
    [
        (["--label-columns", "brick"], "two columns or more"),
        ([*COLUMNS, "--label-columns", "moss"], "needs the columns"),
        ([*COLUMNS, "--label-separator", ";"], "leave it out"),
        ([*COLUMNS, "--coverage", "0.9"], "needs one label an image"),
    ],
)
def test_options_that_cannot_be_are_refused(tables, tmp_path, options, said):
    to = tmp_path / "m.imgfeat"
    found = run("train", tables[0], *options, "--recipe", "hog-lr", "--out", to, code=2)
    assert said in " ".join(found.output.split())


def test_columns_that_the_model_does_not_know_are_refused(model, tables):
    found = run("evaluate", model, tables[0], *COLUMNS[:4], code=2)
    assert "knows the labels" in " ".join(found.output.split())


@pytest.mark.parametrize(
    "cells, said",
    [
        (["grass"] * 9, "n_images 9"),
        ([""] * 9, "n_images 9"),
        (["grass", "moss"], "needs labels that the model was trained on. Got 'moss'"),
    ],
    ids=["one label", "none", "unknown"],
)
def test_images_to_evaluate_may_have_one_of_the_labels(model, tables, cells, said):
    to = tables[0].parent / "some.csv"
    rows = [f"photo {row}.png,{cell}" for row, cell in enumerate(cells)]
    to.write_text("\n".join(["path,label", *rows, ""]))
    code = 2 if "Got" in said else 0
    found = run("evaluate", model, to, "--label-separator", ";", code=code)
    to.unlink()
    assert said in " ".join(found.output.split())
    if code:
        return
    to.write_text("\n".join(["path,label", *rows, ""]))
    found = run("train", to, "--label-separator", ";", "--out", "m.imgfeat", code=2)
    to.unlink()
    assert "needs two labels or more" in found.output


def test_the_table_of_an_audit_is_read_with_the_same_options(tables, tmp_path):
    fixed, page, out = (tmp_path / name for name in ("f.csv", "a.html", "m.imgfeat"))
    for table, options in (
        (tables[0], COLUMNS),
        (tables[1], ["--label-separator", ";"]),
    ):
        said = run(
            *("audit", table, *options, "--no-embeddings"),
            *("--fixed", fixed, "--out", page),
        )
        assert f"imgfeat train {fixed}" in " ".join(said.stderr.split())
        assert "--label-" in said.stderr
    trained = run("train", fixed, *options, "--recipe", "hog-lr", *SMALL, "--out", out)
    assert "of 3 classes" in trained.output
    assert load(out).classes_.tolist() == TEXTURES

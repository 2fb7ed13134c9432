"""Tests for imgfeat/studies/_study.py: from a folder to a report and a model."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from imgfeat import load, load_image_folder
from imgfeat.studies import quick_recipes, run_study, train_recipe
from tests._photos import write_photo_folder


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = write_photo_folder(tmp_path_factory.mktemp("photos") / "p", n_per_class=15)
    data = load_image_folder(folder)
    return data.images, data.target_names[data.target]


@pytest.fixture(scope="module")
def study(photos, tmp_path_factory):
    images, labels = photos
    out = tmp_path_factory.mktemp("study")
    return run_study(images, labels, out=out, recipes=["hog-lr", "hog-svm"], size=64)


def test_table_has_a_row_a_recipe_best_first(study):
    assert set(study.table.index) >= {"hog-lr", "hog-svm"}  # and perhaps their vote
    assert set(study.evaluations) == {"hog-lr", "hog-svm"}
    assert study.table["mean_test_accuracy"].is_monotonic_decreasing
    assert study.best in study.comparison.verdict.tied


def test_held_out_images_are_a_stratified_fifth(study, photos):
    predictions = study.evaluations[study.best].predictions
    assert len(predictions) == round(0.2 * len(photos[0]))
    assert predictions["true"].value_counts().tolist() == [3, 3, 3]


def test_saved_model_is_the_evaluated_one(study):
    predictions = study.evaluations[study.best].predictions
    model = load(study.model)
    assert model.predict(list(predictions["image"])).tolist() == (
        predictions["predicted"].tolist()
    )


def test_report_is_one_file_that_fetches_nothing(study):
    html = study.report.read_text()
    assert "<script" not in html
    assert "http://" not in html and "https://" not in html
    for name in study.evaluations:
        assert html.count(f"<h2>{name}</h2>") == 1


def test_report_shows_every_mistake_as_a_picture(study):
    html = study.report.read_text()
    n_mistakes = sum(min(12, len(e.mistakes)) for e in study.evaluations.values())
    assert html.count("data:image/png;base64,") == n_mistakes


def test_report_escapes_file_names(tmp_path):
    from imgfeat.evaluation.report._html import write_report

    nasty = "<script>alert(1)</script>.png"
    mistakes = pd.DataFrame(
        {"image": [nasty], "true": ["a"], "predicted": ["b"], "probability": [0.9]}
    )
    confusion = pd.DataFrame([[0, 1], [0, 0]], index=["a", "b"], columns=["a", "b"])
    metrics = pd.Series({"accuracy": 0.0, "n_images": 1})
    tables = {"confusion": confusion, "mistakes": mistakes}
    evaluation = SimpleNamespace(metrics=metrics, **tables)
    columns = ["mean_test_accuracy", "std_test_accuracy", "mean_fit_time"]
    table = pd.DataFrame([[0.5, 0.1, 1.0, 9.0]], index=["x"])
    table.columns = [*columns, "predict_images_per_s"]
    write_report(
        tmp_path / "r.html",
        title=nasty,
        about={"a": nasty},
        table=table,
        evaluations={"x": evaluation},
        images=[np.zeros((4, 4), dtype=np.uint8)],
    )
    html = (tmp_path / "r.html").read_text()
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_trained_recipe_has_the_winner_in_place_of_the_search(photos):
    model = train_recipe("hog-lr", *photos, size=64)
    assert [name for name, _ in model.steps] == [
        "reader",
        "hog",
        "scaler",
        "classifier",
    ]
    assert model.classes_.tolist() == ["brick", "grass", "gravel"]


def test_one_class_is_refused(photos):
    images, labels = photos
    with pytest.raises(ValueError, match=r"at least two classes. Got one, 'brick'"):
        train_recipe("hog-lr", images[:15], labels[:15])


def test_class_with_one_image_is_refused(photos):
    images, labels = photos
    with pytest.raises(
        ValueError, match=r"at least 5 images .* Got 1 of class 'grass'"
    ):
        train_recipe("hog-lr", images[:16], labels[:16])


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """Classes as small as `compare` promises to take, at most."""
    folder = write_photo_folder(tmp_path_factory.mktemp("few") / "p", n_per_class=5)
    data = load_image_folder(folder)
    return data.images, data.labels


@pytest.mark.parametrize("recipe", quick_recipes())
def test_every_quick_recipe_is_compared_on_classes_of_five(few, recipe, tmp_path):
    study = run_study(*few, out=tmp_path, recipes=[recipe], size=64)
    assert study.table.notna().all(axis=None)
    assert study.table["mean_test_accuracy"].iloc[0] > 1 / 3
    assert load(study.model).classes_.tolist() == ["brick", "grass", "gravel"]


def test_recipe_is_trained_on_classes_of_five(few):
    assert train_recipe("hog-svm", *few, size=64).score(*few) > 0.8


def test_part_that_is_trained_on_has_enough_for_folds_within_folds(few, tmp_path):
    images, labels = few
    held_out = np.arange(len(images)) % 5 < 3
    with pytest.raises(
        ValueError, match=r"Training takes at least 4 images .* Got 2 of cla"
    ):
        run_study(
            images,
            labels,
            held_out=held_out,
            out=tmp_path,
            recipes=["hog-svm"],
            size=64,
        )
    options = {"out": tmp_path, "recipes": ["hog-svm"], "size": 64}
    assert run_study(images, labels, cv=2, **options).best == "hog-svm"


def test_copies_in_the_training_part_and_held_out_are_warned_of(photos, tmp_path):
    images, labels = photos
    rows = np.r_[np.arange(len(images)), 0, 20]
    held_out = np.isin(np.arange(len(rows)), [0, 5, 20])
    # Warnings are errors here, so nothing is compared.
    with pytest.raises(UserWarning, match="2 pairs in the training part and among"):
        run_study(
            images[rows],
            labels[rows],
            held_out=held_out,
            out=tmp_path,
            recipes=["hog-svm"],
        )

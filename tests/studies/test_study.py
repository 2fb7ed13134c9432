"""Tests for imgfeat/studies/_study.py: from a folder to a report and a model."""

import re

import numpy as np
import pandas as pd
import pytest

from imgfeat import load, load_image_folder
from imgfeat.deploy import read_manifest
from imgfeat.evaluation.comparison import _compared
from imgfeat.evaluation.comparison._soft_vote import SoftVote
from imgfeat.sources import ImageReader
from imgfeat.studies import _report, _study, quick_recipes, run_study, train_recipe
from tests._photos import write_photo_folder

WRONG = [3, 20, 33]  # rows


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


def test_saved_model_tells_data_and_scores(study):
    known = read_manifest(study.model)["facts"]
    evaluation = study.evaluations[study.best]
    by_class = known["trained_on"]["by_class"]
    assert sum(by_class.values()) == known["trained_on"]["n_images"]
    held = known["held_out"]
    assert held["scores"]["accuracy"] == evaluation.metrics["accuracy"]
    assert held["confusion"] == evaluation.confusion.to_numpy().tolist()
    assert held["refitted"] is study.refitted


def test_report_is_one_file_with_a_section_a_recipe(study):
    html = study.report.read_text()
    assert "http://" not in html and "https://" not in html
    for name in study.evaluations:
        assert html.count(f"<h3><bdi>{name}</bdi></h3>") == 1


def test_vote_that_is_the_best_is_fitted_and_saved(photos, tmp_path, monkeypatch):
    members = ["hog-lr", "hog-svm"]

    def far_ahead(shares, y, folds, scorers, alone):
        scores = pd.DataFrame(2.0, index=range(2), columns=list(scorers))
        said = [np.mean([shares[m][i] for m in members], axis=0) for i in range(2)]
        return SoftVote(tuple(members), 1.0, 0.0, scores, said)

    monkeypatch.setattr(_compared, "find_soft_vote", far_ahead)
    study = run_study(
        *photos, out=tmp_path, recipes=members, cv=2, refit=False, size=32
    )
    assert study.best == "soft-vote (hog-lr + hog-svm)"
    assert set(study.evaluations) == {study.best, *members}
    predictions = study.evaluations[study.best].predictions
    model = load(study.model)
    assert [name for name, _ in model.steps] == ["reader", "hog", "vote"]
    assert model.predict(list(predictions["image"])).tolist() == (
        predictions["predicted"].tolist()
    )
    assert f"<h3><bdi>{study.best}</bdi></h3>" in study.report.read_text()


@pytest.fixture(scope="module")
def mislabelled(photos, tmp_path_factory):
    """A study of arrays, three of which have a wrong label; labels and arrays."""
    images, labels = photos[0], photos[1].copy()
    labels[WRONG] = ["grass", "gravel", "brick"]
    pixels = ImageReader((64, 64)).transform(images)
    out = tmp_path_factory.mktemp("mislabelled")
    study = run_study(pixels, labels, out=out, recipes=["hog-lr"], size=64)
    return study, labels, pixels


def test_report_shows_every_mistake_as_a_picture(mislabelled):
    study, _, _ = mislabelled
    html = study.report.read_text()
    n_mistakes = len(study.evaluations["hog-lr"].mistakes)
    n_mistakes += len(study.comparison.shared_mistakes())
    assert html.count('<img src="data:image/jpeg;base64,') >= n_mistakes > 2


def test_report_shows_what_the_model_looked_at_in_its_mistakes(mislabelled):
    study, _, _ = mislabelled
    html = study.report.read_text()
    n_mistakes = len(study.evaluations["hog-lr"].mistakes)
    assert html.count('alt="What the model looked at in image') == n_mistakes


def test_another_run_takes_what_was_drawn_before(mislabelled, tmp_path, monkeypatch):
    _, labels, pixels = mislabelled
    job = {"recipes": ["hog-lr"], "cv": 2, "size": 32}
    shown = re.compile(r"<img[^>]*What the model looked at[^>]*>")
    study = run_study(pixels, labels, out=tmp_path / "1", **job)
    drawn = shown.findall(study.report.read_text())
    monkeypatch.setattr(_report, "explain_thumbnails", None)
    study = run_study(pixels, labels, out=tmp_path / "2", **job)
    assert shown.findall(study.report.read_text()) == drawn != []


@pytest.mark.parametrize("error", [RuntimeError("no room"), KeyboardInterrupt()])
def test_the_model_is_kept_whatever_becomes_of_another_recipe(
    photos, tmp_path, monkeypatch, error
):
    def fail_the_second_time(*args, **options):
        if (tmp_path / "called").exists():
            raise error
        (tmp_path / "called").touch()
        return {}

    monkeypatch.setattr(_study, "looks_at_mistakes", fail_the_second_time)
    with pytest.raises(type(error), match=r"no room|the model is in .*model.imgfeat"):
        run_study(*photos, out=tmp_path, recipes=["hog-lr", "hog-svm"], cv=2, size=32)
    assert load(tmp_path / "model.imgfeat").predict(photos[0][:1]).shape == (1,)


def test_report_shows_wrong_labels_first_and_names_arrays_by_row(mislabelled):
    study, labels, _ = mislabelled
    html = study.report.read_text()
    first = html[html.index('id="shared"') : html.index("Each candidate")]
    cards = re.findall(r"is <b><bdi>(\w+)<.*?<bdi>image (\d+)</bdi>", first, re.DOTALL)
    assert len(cards) >= len(study.comparison.shared_mistakes())
    assert all(labels[int(row)] == label for label, row in cards)
    assert len(set(WRONG) & {int(row) for _, row in cards}) >= 2


def test_report_says_how_it_was_made(study):
    html = study.report.read_text()
    foot = html[html.index("<footer>") :]
    for word in ("seed", "time taken", "machine", "scikit-learn"):
        assert word in foot


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


def test_recipe_for_few_images_comes_in_where_there_are_few():
    few, many = np.repeat(["a", "b", "c"], [5, 6, 40]), np.repeat(["a", "b"], 7)
    for effort in ("quick", "default", "thorough"):
        assert quick_recipes(effort, few)[0] == "prototype"
        assert "prototype" not in quick_recipes(effort, many) + quick_recipes(effort)
        assert set(quick_recipes(effort, few)) - {"prototype"} == set(
            quick_recipes(effort)
        )


@pytest.mark.slow
def test_recipe_for_few_images_is_trained_on_one_of_each(photos):
    images, labels = photos
    few = np.unique(labels, return_index=True)[1]
    model = train_recipe("prototype", images[few], labels[few])
    assert model.score(images, labels) > 0.8
    with pytest.raises(
        ValueError, match=r"takes at least 5 .* recipe prototype is tra"
    ):
        train_recipe("cnn-ridge", images[few], labels[few])
    with pytest.raises(ValueError, match="takes at least 5 images of every class"):
        train_recipe("prototype", images[few], labels[few], coverage=0.9)


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


@pytest.mark.parametrize("scoring", ["average_precision", "roc_auc"])
def test_two_labels_with_names_are_scored_on_held_out_images(photos, tmp_path, scoring):
    images, labels = photos
    y = pd.DataFrame({"rough": labels != "grass", "odd": np.arange(len(labels)) % 2})
    study = run_study(
        images, y, out=tmp_path, recipes=["hog-lr"], size=64, cv=2, scoring=scoring
    )
    (name,) = study.held_out.index
    of_each = study.evaluations[name].per_class[scoring]
    np.testing.assert_allclose(study.held_out[name], of_each.mean(), atol=1e-6)


def test_groups_that_are_missing_are_refused_before_anything_is_drawn(photos, tmp_path):
    images, labels = photos
    groups = np.arange(len(labels), dtype=float)
    groups[4] = np.nan
    with pytest.raises(ValueError, match="run_study needs a group for each image"):
        run_study(images, labels, groups=groups, out=tmp_path, recipes=["hog-lr"])


@pytest.mark.parametrize("fit", [train_recipe, run_study])
def test_no_image_at_all_is_refused(fit, tmp_path):
    nothing = np.array([], dtype=object)
    options = {"out": tmp_path} if fit is run_study else {}
    first = {"recipes": ["hog-lr"]} if fit is run_study else {"recipe": "hog-lr"}
    with pytest.raises(ValueError, match=r"two classes\. Got no image"):
        fit(images=nothing, labels=nothing.astype(str), **first, **options)


@pytest.mark.parametrize("name", ["report.html", "learning_curve.csv"])
def test_a_folder_in_the_place_of_a_result_is_refused_at_once(photos, tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(IsADirectoryError, match=f"writes a file {name} to its folder"):
        run_study(*photos, out=tmp_path, recipes=["hog-lr"])

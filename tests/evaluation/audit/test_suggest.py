"""Tests for imgfeat/evaluation/audit/_suggest.py."""

import numpy as np
import pytest
from PIL import Image
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import make_blobs
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC, LinearSVC

from imgfeat.evaluation import suggest
from imgfeat.evaluation.audit import _uncertain
from imgfeat.evaluation.audit._suggest import _diverse
from imgfeat.sources import ImageReader


def points(n=300, seed=0):
    """Rows of two numbers, and classes that a diagonal tells apart."""
    X = np.random.default_rng(seed).uniform(-1, 1, (n, 2))
    return X, np.where(X.sum(axis=1) > 0, "up", "down")


@pytest.fixture(scope="module")
def model():
    X, y = points(seed=1)
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)


def brightness(images):
    """Mean of each channel, (n_images, 3)."""
    return np.array([np.mean(image, axis=(0, 1)) / 255 for image in images])


@pytest.fixture(scope="module")
def photo_model():
    rng = np.random.default_rng(0)
    X, y = rng.uniform(0, 1, (80, 3)), np.arange(80) % 2
    X[:, 0] = 0.5 * X[:, 0] + 0.5 * y
    model = make_pipeline(
        ImageReader((4, 4), mode="rgb"),
        FunctionTransformer(brightness),
        LogisticRegression(C=10),
    )
    model.steps[-1][1].fit(X, y)
    model.steps[0][1].fit(np.zeros((1, 4, 4, 3), np.uint8))
    model.steps[1][1].fit(X)
    return model


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    paths = []
    for number in range(30):
        paths.append(str(tmp_path / f"{number:02}.png"))
        color = tuple(rng.integers(0, 256, 3).tolist())
        Image.new("RGB", (6, 5 + number % 3), color).save(paths[-1])
    return paths


def test_the_table_says_what_the_model_says(model):
    X, _ = points()
    found = suggest(model, X, 12, random_state=0)
    assert found.columns.tolist() == [
        *("row", "path", "label", "probability", "margin", "rank"),
    ]
    proba = np.sort(model.predict_proba(X[found["row"]]), axis=1)
    np.testing.assert_allclose(found["probability"], proba[:, -1])
    np.testing.assert_allclose(found["margin"], proba[:, -1] - proba[:, -2])
    assert found["label"].tolist() == model.predict(X[found["row"]]).tolist()
    assert found["rank"].tolist() == list(range(1, 13))
    assert found["margin"].is_monotonic_increasing
    assert found["row"].is_unique
    assert found.attrs["errors"] == []


def test_all_come_from_the_least_sure_and_lie_apart(model):
    X, _ = points(n=600)
    rows = suggest(model, X, 6, random_state=0)["row"]
    proba = model.predict_proba(X).max(axis=1)
    assert set(rows) <= set(np.argsort(proba)[:60])
    along = np.sort(X[rows] @ [0.5, -0.5])  # the diagonal, along which none is sure
    assert along.min() < -0.5
    assert along.max() > 0.5
    assert np.diff(along).max() < 0.7


def test_copies_are_not_all_suggested(model):
    X, _ = points(n=200)
    X[:20] = [0.01, -0.01]  # as unsure as can be, and all the same
    rows = suggest(model, X, 10, random_state=0)["row"]
    assert (rows < 20).sum() == 1


def test_where_all_are_copies_there_are_n_all_the_same(model):
    rows = suggest(model, np.tile([0.1, 0.2], (40, 1)), 5, random_state=0)["row"]
    assert len(set(rows)) == 5


def test_the_seed_decides(model):
    X, _ = points()
    first = suggest(model, X, 8, random_state=0)
    assert first.equals(suggest(model, X, 8, random_state=0))


def test_the_middle_of_each_cluster_is_taken():
    features = np.array([[0.0], [1], [2], [10], [11], [12]])
    picked = _diverse(features, np.full(6, 0.5), 2, random_state=0)
    assert sorted(picked) == [1, 4]


def test_more_than_there_are_gives_all_and_says_so(model):
    X, _ = points(n=7)
    with pytest.warns(UserWarning, match="n=50 is more than there are: all 7 images"):
        found = suggest(model, X)
    assert sorted(found["row"]) == list(range(7))
    assert len(suggest(model, X, 7)) == 7


def test_files_that_cannot_be_read_are_listed_and_the_others_go_on(photo_model, files):
    with open(files[3], "wb") as file:
        file.write(b"no image")
    missing = files[0] + ".gone"
    with pytest.warns(UserWarning, match=r"2 images cannot be read .* the first is"):
        found = suggest(photo_model, [*files, missing], 6, random_state=0)
    assert len(found) == 6
    assert [found["path"][i] for i in range(6)] == [files[row] for row in found["row"]]
    errors = found.attrs["errors"]
    assert [(error["row"], error["path"]) for error in errors] == [
        (3, files[3]),
        (30, missing),
    ]
    assert all(error["reason"] for error in errors)


def test_no_readable_file_is_an_error_with_the_reason(photo_model, tmp_path):
    with pytest.raises(ValueError, match=r"Got none of 1; the first: .+"):
        suggest(photo_model, [tmp_path / "gone.jpg"], 2)


def test_arrays_have_no_path(photo_model):
    images = np.random.default_rng(0).integers(0, 256, (20, 4, 4, 3), dtype=np.uint8)
    found = suggest(photo_model, images, 3, random_state=0)
    assert found["path"].tolist() == ["", "", ""]


@pytest.mark.parametrize("n_classes", [2, 3])
def test_decision_values_serve_without_probabilities(n_classes):
    X, _ = points()
    y = np.digitize(X.sum(axis=1), [0, 0.8][: n_classes - 1])
    model = LinearSVC().fit(X, y)
    with pytest.warns(UserWarning, match="no probabilities; margins are of its"):
        found = suggest(model, X, 5, random_state=0)
    assert found["probability"].isna().all()
    assert found["label"].tolist() == model.predict(X[found["row"]]).tolist()
    values = np.abs(model.decision_function(X))
    if n_classes == 2:
        np.testing.assert_allclose(found["margin"], 2 * values[found["row"]])


class Whole(ClassifierMixin, BaseEstimator):
    """A net trained as a whole: no features to tell images apart by."""

    classes_ = np.array(["dark", "light"])

    def predict_proba(self, X):
        light = np.array([np.mean(image) / 255 for image in X])
        return np.column_stack([1 - light, light])


class Halves(BaseEstimator):
    """In the place of a net, which takes seconds to load."""

    def __init__(self, n_jobs=None):
        self.n_jobs = n_jobs

    def transform(self, X):
        return np.array([[np.mean(x[:16]), np.mean(x[:, :16])] for x in X])


def test_without_features_an_embedding_tells_images_apart(monkeypatch):
    monkeypatch.setattr(_uncertain, "CNNEmbedding", Halves)
    images = np.full((15, 32, 32, 3), 127, dtype=np.uint8)
    images[5:10, :16], images[10:, :, :16] = 100, 100
    rows = suggest(Whole(), images, 3, random_state=0)["row"]
    assert sorted(row // 5 for row in rows) == [0, 1, 2]


@pytest.mark.parametrize("n", [0, -1, 2.5, True, "all"])
def test_n_must_be_a_number_of_images(model, n):
    with pytest.raises(ValueError, match="n must be the number of images"):
        suggest(model, points()[0], n)


def test_a_model_that_does_not_say_how_sure_it_is_is_refused():
    class Mute(ClassifierMixin, BaseEstimator):
        classes_ = np.array([0, 1])

        def predict(self, X):
            return np.zeros(len(X))

    with pytest.raises(ValueError, match=r"says how sure it is.* Got Mute"):
        suggest(Mute(), points()[0], 3)


def test_scores_that_are_no_numbers_are_refused():
    class Broken(Whole):
        def predict_proba(self, X):
            return np.full((len(X), 2), np.nan)

    with pytest.raises(ValueError, match="needs a finite score an image and class"):
        suggest(Broken(), points()[0], 3)


def test_decisions_of_pairs_are_no_decisions_of_classes():
    X, y = make_blobs(60, 4, centers=3, random_state=0)
    svc = SVC(decision_function_shape="ovo").fit(X, y)
    with pytest.raises(ValueError, match="set decision_function_shape='ovr'"):
        suggest(svc, X, 3)

"""Tests for imgfeat/_on_arrays.py, and of those who compute where tables rule."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler

from imgfeat import Predictor, explain, load, load_sample, save
from imgfeat._on_arrays import on_arrays
from imgfeat.deploy import export_onnx
from imgfeat.evaluation import audit_images, find_similar, plot_hog, suggest
from imgfeat.features import HOG, LBP, VLAD, DenseSIFT
from imgfeat.sources import ImageReader

HOG_OF_FACES = make_pipeline(
    ImageReader((32, 32), mode="gray"), HOG(), StandardScaler(), LogisticRegression()
)
WORDS_OF_FACES = make_pipeline(
    ImageReader((48, 48), mode="gray"),
    DenseSIFT(step=8),
    VLAD(4, random_state=0),
    StandardScaler(),
    LogisticRegression(),
)
UNION_OF_FACES = make_pipeline(
    ImageReader((32, 32), mode="gray"),
    FeatureUnion([("hog", make_pipeline(HOG(), Normalizer())), ("lbp", LBP())]),
    LogisticRegression(),
)


@pytest.fixture(scope="module")
def faces():
    sample = load_sample("faces")
    return sample.images[::4], sample.target[::4]


@pytest.fixture
def tables():
    """Let all of scikit-learn give tables."""
    with config_context(transform_output="pandas"):
        yield


@pytest.mark.usefixtures("tables")
def test_takes_arrays_and_gives_them_whatever_it_was_fitted_on(faces):
    fitted = make_pipeline(*HOG_OF_FACES[:-1]).fit(*faces)
    table = fitted.transform(faces[0])
    plain = on_arrays(fitted)
    assert type(plain.transform(faces[0])) is np.ndarray
    assert_array_equal(plain.transform(faces[0]), table)
    assert not hasattr(plain[-1], "feature_names_in_")
    assert list(fitted[-1].feature_names_in_) == list(table.columns)


def test_what_gives_arrays_stays_as_it_is(faces):
    fitted = make_pipeline(*HOG_OF_FACES[:-1]).fit(*faces)
    assert on_arrays(fitted) is fitted


@pytest.mark.parametrize(
    "pipeline", [HOG_OF_FACES, WORDS_OF_FACES], ids=["hog", "sift"]
)
def test_explains_what_was_fitted_on_tables(faces, pipeline):
    expected = explain(pipeline.fit(*faces), faces[0][:3])
    with config_context(transform_output="pandas"):
        found = explain(pipeline.fit(*faces), faces[0][:3])
    assert found.method == expected.method != "occlusion"
    assert_allclose(np.stack(found.maps), np.stack(expected.maps), atol=1e-5)


def test_saves_what_was_fitted_on_tables(faces, tmp_path):
    with config_context(transform_output="pandas"):
        fitted = UNION_OF_FACES.fit(*faces)
        save(fitted, tmp_path / "model.imgfeat")
        names = fitted[:-1].get_feature_names_out()
        expected = fitted.predict(faces[0])
    ready = Predictor(tmp_path / "model.imgfeat")
    assert [answer.label for answer in ready.predict(faces[0])] == expected.tolist()
    again = load(tmp_path / "model.imgfeat")
    assert_array_equal(again[-1].feature_names_in_, names)
    with config_context(transform_output="pandas"):
        assert_array_equal(again.predict(faces[0]), expected)


def test_exports_what_was_fitted_on_tables(faces, tmp_path):
    with config_context(transform_output="pandas"):
        fitted = HOG_OF_FACES.fit(*faces)
    assert export_onnx(fitted, tmp_path / "model.onnx").worst < 1e-4


@pytest.mark.usefixtures("tables")
def test_looks_at_images_where_tables_are_the_rule(faces):
    X, y = faces
    features = np.random.default_rng(0).normal(size=(len(X), 120)) + 3 * y[:, None]
    audit = audit_images(X, y, embeddings=features)
    with config_context(transform_output="default"):
        expected = audit_images(X, y, embeddings=features)
    assert audit.issues.equals(expected.issues)
    assert len(suggest(HOG_OF_FACES.fit(X, y), X, 3)) == 3
    assert len(find_similar(HOG_OF_FACES, X, X[0])) == 5
    assert plot_hog(HOG(), X[0]) is not None

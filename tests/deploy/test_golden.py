"""Tests for imgfeat/deploy/_golden.py."""

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from imgfeat.deploy import BundleError, load, save
from imgfeat.deploy._archive import read_bundle
from imgfeat.deploy._example import picture
from imgfeat.sources import ImageReader
from tests.deploy._forge import rewrite, swap_model


def golden_of(path):
    _, parts = read_bundle(path)
    return sorted(name.split("/")[1] for name in parts if name.startswith("golden/"))


def test_picture_is_the_same_every_time_and_not_flat():
    image = picture((96, 128, 3), seed=0)
    assert image.dtype == np.uint8
    assert image.shape == (96, 128, 3)
    assert image.std() > 20
    np.testing.assert_array_equal(image, picture((96, 128, 3), seed=0))
    assert (image != picture((96, 128, 3), seed=1)).any()
    assert picture((3, 1), seed=0).shape == (3, 1)


def test_file_keeps_features_scores_and_labels(saved):
    assert golden_of(saved) == [
        "decision_function.npy",
        "features.npy",
        "image0.npy",
        "image1.npy",
        "predict.npy",
        "predict_proba.npy",
    ]


@pytest.mark.parametrize(
    "attribute, change, complaint",
    [
        ("coef_", lambda a: a * 1.1, "decision_function is off by 0"),
        ("intercept_", lambda a: a[::-1], "decision_function is off"),
        ("classes_", lambda a: a[::-1], "predict gives shape .*digit.*it gave .*digit"),
    ],
)
def test_changed_answer_is_an_error(saved, attribute, change, complaint):
    swap_model(
        saved, lambda p: setattr(p[-1], attribute, change(vars(p[-1])[attribute]))
    )
    with pytest.raises(BundleError, match=f"does not behave as .*{complaint}"):
        load(saved)


def test_changed_feature_is_named_as_such(saved):
    swap_model(saved, lambda p: setattr(p[0], "mean_", p[0].mean_ + 1))
    with pytest.raises(BundleError, match="features is off by"):
        load(saved)


def test_tiny_change_is_none(saved, fitted):
    changed = fitted[-1].coef_ * (1 + 1e-6)
    swap_model(saved, lambda p: setattr(p[-1], "coef_", changed))
    np.testing.assert_array_equal(load(saved)[-1].coef_, changed)


@pytest.mark.parametrize(("is_old", "change"), [(True, 1.05), (False, 1.0005)])
def test_features_of_before_pixels_were_exact_may_be_off_by_more(saved, is_old, change):
    def edit(manifest, parts):
        assert manifest["resize"] == "exact"
        if is_old:
            del manifest["resize"]

    rewrite(saved, edit)
    scale = load(saved)[0].scale_
    swap_model(saved, lambda p: setattr(p[0], "scale_", scale * change))
    assert load(saved)[0].scale_[5] == scale[5] * change
    swap_model(saved, lambda p: setattr(p[0], "scale_", scale / 4))
    with pytest.raises(BundleError, match="features is off by"):
        load(saved)


@pytest.mark.parametrize("is_old", [True, False])
def test_pixels_of_before_they_were_exact_may_be_a_level_off(tmp_path, is_old):
    path = tmp_path / "reader.imgfeat"
    images = np.random.default_rng(0).integers(0, 256, (2, 9, 9), dtype=np.uint8)
    save(ImageReader(size=6).fit(images), path, example=images)

    def edit(manifest, parts):
        if is_old:
            del manifest["resize"]
        golden = np.load(io.BytesIO(parts["golden/transform.npy"]))
        golden[0, 3, 3] ^= 1
        stored = io.BytesIO()
        np.save(stored, golden)
        parts["golden/transform.npy"] = stored.getvalue()

    rewrite(path, edit)
    if is_old:
        assert load(path).size == 6
        return
    with pytest.raises(BundleError, match="transform gives shape"):
        load(path)


def test_pipeline_that_fails_here_is_an_error_that_names_versions(saved):
    def edit(manifest, parts):
        manifest["versions"]["scikit-learn"] = "0.1"
        manifest["versions"]["torch"] = None

    swap_model(saved, lambda pipeline: delattr(pipeline[-1], "coef_"))
    rewrite(saved, edit)
    expected = r"does not run here.*scikit-learn 0\.1 \(here .*; install these"
    with pytest.raises(BundleError, match=expected):
        load(saved)


def test_other_versions_alone_are_quiet(saved, fitted, digits):
    def edit(manifest, parts):
        manifest["versions"] = {"scikit-learn": "0.1"}

    swap_model(saved, lambda p: setattr(p[-1], "_sklearn_version", "0.1"))
    rewrite(saved, edit)
    answer = load(saved).predict(digits[0])  # warnings are errors here
    np.testing.assert_array_equal(answer, fitted.predict(digits[0]))


def test_method_that_is_gone_is_an_error(saved):
    swap_model(saved, lambda pipeline: pipeline.steps.pop())
    with pytest.raises(
        BundleError, match=r"does not behave.*it offers \['transform'\]"
    ):
        load(saved)


@pytest.mark.parametrize("data", [b"", b"\x93NUMPY", b"PK\x03\x04", b"\x80\x04."])
def test_golden_array_that_is_none_is_an_error(saved, data):
    rewrite(saved, lambda _, parts: parts.update({"golden/image0.npy": data}))
    with pytest.raises(BundleError, match="a golden array is broken"):
        load(saved)


def test_file_without_golden_images_is_an_error(saved):
    def edit(manifest, parts):
        for name in [name for name in parts if name.startswith("golden/")]:
            del parts[name]

    rewrite(saved, edit)
    with pytest.raises(BundleError, match="does not run here"):
        load(saved)


def test_label_may_flip_where_scores_tie(tmp_path, digits):
    X, y = digits
    tied = LogisticRegression().fit(X, y)
    tied.coef_[:] = 0
    tied.intercept_[:] = 0
    path = tmp_path / "tied.imgfeat"
    save(tied, path)
    swap_model(path, lambda p: p.intercept_.__setitem__(3, 1e-9))
    assert load(path).predict(X[:1]) == y[3:4]


@pytest.mark.parametrize(
    "estimator, answers",
    [
        (KMeans(2, n_init=1, random_state=0), ["predict.npy"]),
        (MultinomialNB(), ["predict.npy", "predict_proba.npy"]),
        (StandardScaler().set_output(transform="pandas"), ["transform.npy"]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_other_kinds_of_estimators_have_golden_answers(
    tmp_path, digits, estimator, answers
):
    path = tmp_path / "model.imgfeat"
    save(estimator.fit(*digits), path)
    assert golden_of(path) == ["image0.npy", "image1.npy", *answers]
    method = answers[0].removesuffix(".npy")
    np.testing.assert_array_equal(
        getattr(load(path), method)(digits[0]), getattr(estimator, method)(digits[0])
    )


def test_regressor_is_compared_with_the_tolerance(tmp_path, digits):
    X, _ = digits
    path = tmp_path / "model.imgfeat"
    save(Ridge().fit(X, np.arange(len(X))), path)
    swap_model(path, lambda ridge: setattr(ridge, "coef_", ridge.coef_ * (1 + 1e-7)))
    load(path)
    swap_model(path, lambda ridge: setattr(ridge, "coef_", ridge.coef_ * 1.5))
    with pytest.raises(BundleError, match="predict is off by"):
        load(path)


def test_columns_with_names_do_not_warn(tmp_path, digits):
    X, y = digits
    table = pd.DataFrame(X).add_prefix("pixel")
    path = tmp_path / "model.imgfeat"
    save(LogisticRegression(C=0.01).fit(table, y), path)
    assert list(load(path).feature_names_in_) == list(table.columns)


def test_object_labels_are_kept_without_pickle(tmp_path, digits):
    X, y = digits
    labels = y.astype(object)
    path = tmp_path / "model.imgfeat"
    save(LogisticRegression(C=0.01).fit(X, labels), path)
    assert list(load(path).predict(X[:5])) == list(labels[:5])


def test_example_takes_the_place_of_synthetic_images(saved, fitted, digits):
    save(fitted, saved, example=digits[0][:3])
    _, parts = read_bundle(saved)
    assert "golden/image2.npy" in parts
    load(saved)


def test_example_of_other_kind_is_refused_by_the_pipeline(saved, fitted):
    with pytest.raises(ValueError, match="7 features"):
        save(fitted, saved, example=np.zeros((1, 7)))


@pytest.mark.parametrize("n_images", [0, 17])
def test_example_must_be_a_few(saved, fitted, n_images):
    with pytest.raises(ValueError, match=f"1 to 16 images. Got {n_images}"):
        save(fitted, saved, example=np.zeros((n_images, 64)))


def test_estimator_that_tells_nothing_of_its_input_needs_an_example(tmp_path):
    step = FunctionTransformer().fit(np.zeros((2, 3)))
    del step.n_features_in_
    with pytest.raises(ValueError, match=r"Cannot tell which images .* Pass example="):
        save(step, tmp_path / "model.imgfeat")


def test_synthetic_input_that_does_not_suit_asks_for_an_example(tmp_path, digits):
    X, y = digits
    picky = FunctionTransformer(np.log, validate=True, feature_names_out="one-to-one")
    pipeline = make_pipeline(picky, LogisticRegression()).fit(X + 1, y)
    pipeline[0].n_features_in_ = 5
    with pytest.raises(ValueError, match=r"synthetic golden images.*Pass example="):
        save(pipeline, tmp_path / "model.imgfeat")


def test_step_that_was_never_fitted_is_said_to_be_so(tmp_path, digits):
    fitted = LogisticRegression(C=0.01).fit(*digits)
    pipeline = make_pipeline(StandardScaler(), fitted)
    with pytest.raises(NotFittedError, match="StandardScaler instance is not fitted"):
        save(pipeline, tmp_path / "model.imgfeat")


def test_estimator_without_answers_has_nothing_to_serve(tmp_path):
    class Silent(BaseEstimator):
        n_features_in_ = 2

        def fit(self, X, y=None):
            return self

    with pytest.raises((TypeError, ValueError), match="Silent"):
        save(Silent(), tmp_path / "model.imgfeat")


def test_images_of_a_file_may_be_pil_images_or_paths(tmp_path, saved, fitted):
    # Two pictures that a pipeline of rows refuses: they were read all the same.
    Image.new("RGB", (4, 3)).save(tmp_path / "a.png")
    example = [tmp_path / "a.png", Image.new("RGB", (4, 3))]
    with pytest.raises(ValueError, match="dim"):
        save(fitted, saved, example=example)

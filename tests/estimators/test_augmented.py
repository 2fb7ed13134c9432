"""Tests for imgfeat/estimators/_augmented.py and _views.py."""

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.linear_model import LogisticRegression, Perceptron, Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from imgfeat import compare, load, load_sample, make_recipe, save
from imgfeat.deploy import UntrustedFileError
from imgfeat.estimators import AugmentedClassifier, _augmented
from imgfeat.estimators._views import fixed_view, join, training_views
from imgfeat.features import HOG, CachedFeatures
from imgfeat.preprocess import Policy, Resize, find_policy
from imgfeat.sources import ImageDecodeError, ImageReader
from tests._checks import WITHOUT_DATA, behind_adapter, expected_to_fail
from tests.estimators._pixels import flat, pixels
from tests.sources._batches import batch_kinds

SMALL = {"pixels_per_cell": (4, 4), "cells_per_block": (1, 1)}
UPRIGHT = replace(find_policy("light"), mirrors=False)
SHADES = Policy(color=0.1)


def hog(**parameters):
    return make_pipeline(HOG(**SMALL), LogisticRegression(**parameters))


@pytest.mark.parametrize("check", WITHOUT_DATA, ids=lambda check: check.__name__)
def test_follows_estimator_api(check):
    check("AugmentedClassifier", AugmentedClassifier(hog()))


# Each of the adapter's columns is a pixel with a meaning of its own: colours only.
@parametrize_with_checks(
    [
        behind_adapter(
            AugmentedClassifier(
                pixels(), SHADES, n_augmented=2, n_views=2, random_state=0
            ),
            unit_range=True,
        )
    ],
    expected_failed_checks=expected_to_fail,
)
def test_behaves_in_a_pipeline(estimator, check):
    check(estimator)


class Spy(TransformerMixin, BaseEstimator):
    """Passes images on; notes how many `fit` and `transform` are given."""

    seen: list = []

    def fit(self, X, y=None):
        Spy.seen.append(("fit", len(X)))
        return self

    def fit_transform(self, X, y=None):
        return self.fit(X, y)._pass(X)

    def transform(self, X):
        Spy.seen.append(("transform", len(X)))
        return self._pass(X)

    def _pass(self, X):
        return X


class WeightedMean(NearestCentroid):
    """A classifier that keeps what it was fitted on."""

    def fit(self, X, y, sample_weight=None, groups=None, mode=None):
        self.given_ = {
            "X": np.array(X),
            "y": y,
            "sample_weight": sample_weight,
            "groups": groups,
            "mode": mode,
        }
        return super().fit(np.reshape(X, (len(X), -1)), y)


@pytest.fixture(scope="module")
def digits():
    sample = load_sample("digits")
    keep = sample.target < 3
    return sample.images[keep][:60], sample.target[keep][:60]


@pytest.fixture
def labels():
    return np.array(["ant", "bee", "ant", "bee", "ant", "bee"])


def test_pipeline_is_fitted_on_images_and_copies_side_by_side(images, labels):
    model = AugmentedClassifier(WeightedMean(), n_augmented=3, random_state=0)
    given = model.fit(images, labels).pipeline_.given_
    policy = find_policy("standard")
    expected = [
        view
        for image in images
        for view in training_views(image, policy, 3, model.seed_)
    ]
    assert_array_equal(given["X"], expected)
    assert given["X"].dtype == np.uint8
    assert_array_equal(given["X"][::3], images)
    assert_array_equal(given["y"], np.repeat(labels, 3))
    assert (given["X"][1::3] != images).any() and (given["X"][2::3] != images).any()
    assert (given["X"][1::3] != given["X"][2::3]).any()


@pytest.mark.parametrize("kind", ["array", "list"])
def test_chunks_of_a_stateless_front_fit_what_all_views_at_once_fit(
    digits, kind, monkeypatch
):
    X, y = digits if kind == "array" else (list(digits[0]), digits[1])
    monkeypatch.setattr(_augmented, "CHUNK", 7)
    pipeline = make_pipeline(
        ImageReader((16, 16), mode="gray"),
        HOG(**SMALL),
        StandardScaler(),
        LogisticRegression(),
    )
    model = AugmentedClassifier(pipeline, n_augmented=3, random_state=0).fit(X, y)
    policy = find_policy("standard")
    views = [v for x in X for v in training_views(x, policy, 3, model.seed_)]
    expected = clone(pipeline).fit(views, np.repeat(y, 3))
    assert [name for name, _ in model.pipeline_.steps] == list(expected.named_steps)
    assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
    assert_array_equal(model.pipeline_[-1].coef_, expected[-1].coef_)


def test_one_view_is_the_pipeline_itself(digits):
    X, y = digits
    model = AugmentedClassifier(hog(), n_augmented=1, random_state=0).fit(X, y)
    assert_array_equal(model.predict_proba(X), hog().fit(X, y).predict_proba(X))


def test_only_the_training_part_of_a_fold_is_augmented(digits):
    X, y = digits
    Spy.seen = []
    model = AugmentedClassifier(
        make_pipeline(Spy(), hog()), n_augmented=4, random_state=0
    )
    cross_val_score(model, X, y, cv=3)
    assert Spy.seen == 3 * [("fit", 160), ("transform", 20)]


def test_weights_groups_and_what_else_has_rows_are_repeated(images, labels):
    weights, groups = np.arange(6.0), pd.Series(list("aabbcc"))
    model = AugmentedClassifier(WeightedMean(), n_augmented=2, random_state=0)
    model.fit(images, list(labels), weights, groups=groups, mode="fast")
    given = model.pipeline_.given_
    assert_array_equal(given["sample_weight"], np.repeat(weights, 2))
    assert_array_equal(given["groups"], np.repeat(list("aabbcc"), 2))
    assert given["mode"] == "fast" and given["y"] == list(np.repeat(labels, 2))


def test_weights_reach_the_last_step_of_pipelines_and_searches(digits):
    X, y = digits
    weights = np.random.default_rng(0).uniform(0.1, 3, len(y))
    inner = make_pipeline(StandardScaler(), LogisticRegression())
    search = GridSearchCV(inner, {"logisticregression__C": [0.01]}, cv=2)
    for last in (inner, search):
        pipeline = make_pipeline(HOG(**SMALL), last)
        one = AugmentedClassifier(pipeline, n_augmented=1).fit(X, y, weights)
        name = f"{type(last).__name__.lower()}__logisticregression__sample_weight"
        expected = clone(pipeline).fit(X, y, **{name: weights})
        assert_allclose(one.predict_proba(X), expected.predict_proba(X))
        without = AugmentedClassifier(pipeline, n_augmented=1).fit(X, y)
        assert not np.allclose(one.predict_proba(X), without.predict_proba(X))


def test_weights_are_routed_where_scikit_learn_routes(digits):
    X, y = digits
    weights = np.random.default_rng(0).uniform(0.1, 3, len(y))
    expected = AugmentedClassifier(hog(), random_state=0).fit(X, y, weights)
    with sklearn.config_context(enable_metadata_routing=True):
        last = LogisticRegression().set_fit_request(sample_weight=True)
        model = AugmentedClassifier(make_pipeline(HOG(**SMALL), last), random_state=0)
        model.fit(X, y, sample_weight=weights)
    assert_array_equal(model.predict_proba(X), expected.predict_proba(X))


def test_values_of_views_are_refused(images, labels):
    model = AugmentedClassifier(WeightedMean(), n_augmented=2, random_state=0)
    with pytest.raises(ValueError, match="groups needs a value for each of 6 images"):
        model.fit(images, labels, groups=np.arange(12))


def test_groups_keep_views_of_an_image_in_one_fold_of_an_inner_search(digits):
    X, y = digits
    search = GridSearchCV(hog(), {"logisticregression__C": [0.1, 1]}, cv=GroupKFold(3))
    groups = np.arange(len(y)) // 5
    model = AugmentedClassifier(search, n_augmented=2, random_state=0)
    model.fit(X, y, groups=groups)
    views = [
        v for x in X for v in training_views(x, find_policy("standard"), 2, model.seed_)
    ]
    expected = clone(search).fit(
        np.array(views), np.repeat(y, 2), groups=np.repeat(groups, 2)
    )
    assert_array_equal(
        model.pipeline_.cv_results_["mean_test_score"],
        expected.cv_results_["mean_test_score"],
    )


def test_same_random_state_gives_the_same_result(digits):
    X, y = digits
    first, again, other = (
        AugmentedClassifier(hog(), random_state=state, n_jobs=n_jobs).fit(X, y)
        for state, n_jobs in ((0, None), (0, 2), (1, None))
    )
    assert_array_equal(first.predict_proba(X), again.predict_proba(X))
    assert (first.predict_proba(X) != other.predict_proba(X)).any()
    assert first.seed_ == again.seed_ != other.seed_


def test_an_image_has_the_same_copies_wherever_it_stands(images):
    policy = find_policy("randaugment")
    here = training_views(images[0].copy(), policy, 3, 5)
    assert_array_equal(here, training_views(images[0], policy, 3, 5))
    assert (here[1] != training_views(images[0], policy, 3, 6)[1]).any()
    assert (here[1] != training_views(images[1], policy, 3, 5)[1]).any()


def test_cached_features_know_the_copies_again(digits, tmp_path, monkeypatch):
    X, y = digits
    described, transform = [], HOG.transform

    def counted(self, X):
        described.append(len(X))
        return transform(self, X)

    monkeypatch.setattr(HOG, "transform", counted)
    cached = CachedFeatures(HOG(**SMALL), tmp_path)
    model = AugmentedClassifier(
        make_pipeline(cached, LogisticRegression()), n_augmented=3, random_state=0
    )
    model.fit(X[:40], y[:40])
    n_first = sum(described)
    model.fit(X[:40][::-1], y[:40][::-1])
    assert n_first >= 120
    assert sum(described) - n_first <= 1  # the example that its fit looks at


@pytest.mark.parametrize("method", ["predict_proba", "decision_function"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_views_are_averaged_at_predict(digits, method, n_classes, monkeypatch):
    X, y = digits
    X, y = X[y < n_classes], y[y < n_classes]
    monkeypatch.setattr(_augmented, "CHUNK", 11)
    model = AugmentedClassifier(hog(), n_views=3, random_state=0).fit(X, y)
    policy = find_policy("standard")
    scores = [
        getattr(model.pipeline_, method)(
            np.array([fixed_view(x, policy, view, model.seed_) for x in X])
            if view
            else X
        )
        for view in range(3)
    ]
    assert_allclose(getattr(model, method)(X), np.mean(scores, axis=0), atol=1e-5)
    assert (scores[0] != scores[1]).any() and (scores[1] != scores[2]).any()
    labels = model.classes_[model.predict_proba(X).argmax(axis=1)]
    assert_array_equal(model.predict(X), labels)


@pytest.mark.parametrize("augment", ["standard", "trivialaugment"])
def test_row_of_averaged_views_depends_on_no_other_row(digits, augment):
    X, y = digits
    model = AugmentedClassifier(hog(), augment, n_views=3, random_state=0).fit(X, y)
    whole = model.predict_proba(X[:10])
    assert_array_equal(whole, model.predict_proba(X[:10]))
    assert_allclose(whole[::-1], model.predict_proba(X[:10][::-1]), atol=1e-6)
    alone = np.concatenate([model.predict_proba(x[None]) for x in X[:10]])
    assert_allclose(whole, alone, atol=1e-6)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_decisions_are_averaged_where_there_are_no_probabilities(digits, n_classes):
    X, y = digits
    X, y = X[y < n_classes], y[y < n_classes]
    pipeline = make_pipeline(HOG(**SMALL), Perceptron(random_state=0))
    model = AugmentedClassifier(pipeline, UPRIGHT, n_views=4, random_state=0).fit(X, y)
    assert not hasattr(model, "predict_proba")
    decisions = model.decision_function(X)
    expected = decisions > 0 if n_classes == 2 else decisions.argmax(axis=1)
    assert_array_equal(model.predict(X), model.classes_[expected.astype(int)])
    assert model.score(X, y) > 0.8


def test_methods_are_those_of_the_pipeline(digits):
    X, y = digits
    pipeline = make_pipeline(HOG(**SMALL), KNeighborsClassifier())
    model = AugmentedClassifier(pipeline, random_state=0)
    assert hasattr(model, "predict_proba") and not hasattr(model, "decision_function")
    with pytest.raises(AttributeError, match="decision_function"):
        model.fit(X, y).decision_function(X)
    assert model.score(X, y) > 0.8


@pytest.mark.parametrize("kind", ["gray", "rgb"])
def test_every_kind_of_batch_gives_the_same_model(
    images, color_images, kind, tmp_path, labels
):
    batch = images if kind == "gray" else np.concatenate([color_images] * 2)[:6]
    pipeline = make_pipeline(ImageReader((16, 16)), HOG(**SMALL), LogisticRegression())
    expected = AugmentedClassifier(pipeline, n_augmented=2, n_views=2, random_state=0)
    expected = expected.fit(batch, labels).predict_proba(batch)
    for name, X in batch_kinds(batch, tmp_path).items():
        shape = batch.shape[1:] if name == "flattened" else None
        model = clone(pipeline).set_params(imagereader__image_shape=shape)
        model = AugmentedClassifier(
            model, n_augmented=2, n_views=2, image_shape=shape, random_state=0, n_jobs=2
        )
        model.fit(X, labels)
        assert_array_equal(model.predict_proba(X), expected, err_msg=name)
        model.set_params(n_views=1)
        at_once = model.pipeline_.predict_proba(batch)
        assert_array_equal(model.predict_proba(X), at_once, err_msg=name)


def test_rows_of_pixels_stay_rows(digits):
    X, y = digits
    rows = pd.DataFrame(X.reshape(len(X), -1))
    pipeline = make_pipeline(StandardScaler(), SVC())
    model = AugmentedClassifier(pipeline, "light", n_views=2, random_state=0)
    model.fit(rows, y)
    assert model.n_features_in_ == 64
    assert model.score(rows, y) > 0.9
    assert not hasattr(AugmentedClassifier(SVC()), "n_features_in_")


def test_images_of_any_sizes_and_kinds_in_one_list(digits, color_images):
    X, y = list(digits[0][:20]), np.append(digits[1][:20], 9)
    X.append(Image.fromarray(color_images[0]))
    pipeline = make_pipeline(ImageReader((16, 16)), HOG(**SMALL), LogisticRegression())
    model = AugmentedClassifier(pipeline, n_views=2, random_state=0).fit(X, y)
    assert_array_equal(model.predict(X), y)


def test_tables_of_features_keep_their_column_names(digits, monkeypatch):
    X, y = digits
    monkeypatch.setattr(_augmented, "CHUNK", 50)
    pipeline = make_pipeline(HOG(**SMALL), StandardScaler(), LogisticRegression())
    pipeline.set_output(transform="pandas")
    model = AugmentedClassifier(pipeline, random_state=0).fit(X, y)
    assert model.pipeline_[1].feature_names_in_[0].startswith("hog")
    assert model.predict(X).shape == y.shape


def test_join_keeps_one_chunk_as_it_is():
    chunk = np.zeros((2, 3))
    assert join([chunk]) is chunk


def test_search_over_augmentations_and_over_the_pipeline(digits):
    X, y = digits
    model = AugmentedClassifier(hog(), n_augmented=2, random_state=0)
    grid = {"augment": ["none", "light"], "pipeline__logisticregression__C": [1e-4, 1]}
    search = GridSearchCV(model, grid, cv=2).fit(X, y)
    assert search.best_params_["pipeline__logisticregression__C"] == 1
    assert len(set(search.cv_results_["mean_test_score"])) > 1
    assert search.predict(X).shape == y.shape


def test_compared_beside_the_plain_pipeline(digits):
    candidates = {"plain": hog(), "augmented": AugmentedClassifier(hog(), "light", 2)}
    assert set(compare(candidates, *digits, cv=2).table.index) == set(candidates)


def test_callables_and_policies_augment_too(digits):
    X, y = digits
    for augment in (UPRIGHT, lambda image: image[::-1]):
        model = AugmentedClassifier(hog(), augment, n_views=2, random_state=0)
        assert clone(model).fit(X, y).score(X, y) > 0.9


def test_mirrored_digits_are_read_better_after_mirror_images():
    sample = load_sample("digits")
    X, y = sample.images, sample.target
    train = np.arange(len(y)) % 6 == 0
    plain, augmented = (
        AugmentedClassifier(hog(max_iter=1000), "light", n_augmented, random_state=0)
        .fit(X[train], y[train])
        .score(X[~train][:, :, ::-1], y[~train])
        for n_augmented in (1, 4)
    )
    assert augmented > plain + 0.1


def test_faces_are_known_from_nearer_after_windows():
    sample = load_sample("faces")
    X, y = sample.images, sample.target
    train = np.arange(len(y)) % 4 == 0
    near = Resize(X.shape[1:]).transform(np.ascontiguousarray(X[~train][:, 4:21, 4:21]))
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    plain, augmented = (
        AugmentedClassifier(pipeline, "standard", n_augmented, random_state=0)
        .fit(flat(X[train]), y[train])
        .score(flat(near), y[~train])
        for n_augmented in (1, 6)
    )
    assert augmented > plain + 0.1


def test_tags_are_those_of_the_pipeline():
    tags = get_tags(AugmentedClassifier(hog()))
    assert tags.estimator_type == "classifier"
    assert tags.input_tags.three_d_array and tags.input_tags.string
    assert not tags.input_tags.sparse
    inner = get_tags(hog()).classifier_tags
    assert tags.classifier_tags == inner


def test_pickles_and_predicts_the_same(digits):
    X, y = digits
    model = AugmentedClassifier(hog(), n_views=2).fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(again.predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize("n_views", [1, 3])
def test_saved_model_draws_the_same_views(digits, tmp_path, n_views):
    X, y = digits
    recipe = make_recipe("hog-lr", size=32)
    model = AugmentedClassifier(recipe, n_views=n_views).fit(X, y)
    save(model, tmp_path / "digits.imgfeat")
    again = load(tmp_path / "digits.imgfeat")
    assert again.seed_ == model.seed_
    assert_array_equal(again.predict_proba(X), model.predict_proba(X))


def test_saved_file_holds_no_callable(digits, tmp_path):
    model = AugmentedClassifier(hog(), lambda image: image).fit(*digits)
    with pytest.raises(UntrustedFileError, match="augment"):
        save(model, tmp_path / "digits.imgfeat")


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"n_augmented": 0}, "'n_augmented' parameter .* int in the range"),
        ({"n_views": 0}, "'n_views' parameter .* int in the range"),
        ({"augment": "standart"}, "did you mean 'standard'"),
        ({"augment": 3}, "'augment' parameter"),
        ({"pipeline": "hog"}, "'pipeline' parameter .* 'fit' and 'predict'"),
        ({"pipeline": make_pipeline(HOG())}, "'pipeline' parameter .* 'predict'"),
    ],
)
def test_bad_parameters_are_refused_in_fit(digits, parameters, message):
    model = AugmentedClassifier(hog()).set_params(**parameters)
    with pytest.raises(ValueError, match=message):
        model.fit(*digits)


@pytest.mark.parametrize("pipeline", [Ridge(), make_pipeline(HOG(), Ridge())])
def test_regressor_is_refused(digits, pipeline):
    with pytest.raises(TypeError, match=r"needs a classifier, .* Got Ridge"):
        AugmentedClassifier(pipeline).fit(*digits)


@pytest.mark.parametrize("y", [[0, 1], 3])
def test_labels_of_another_number_are_refused(images, y):
    n_labels = len(y) if isinstance(y, list) else 0
    with pytest.raises(ValueError, match=f"Got 6 images and {n_labels} labels"):
        AugmentedClassifier(hog()).fit(images, y)


@pytest.mark.parametrize("n_views", [1, 2])
def test_unreadable_file_is_named_in_fit_and_predict(digits, tmp_path, n_views):
    X, y = list(digits[0]), digits[1]
    pipeline = make_pipeline(ImageReader((16, 16)), HOG(**SMALL), LogisticRegression())
    model = AugmentedClassifier(pipeline, n_views=n_views, random_state=0).fit(X, y)
    (tmp_path / "bad.jpg").write_bytes(b"no image")
    X[7] = str(tmp_path / "bad.jpg")
    with pytest.raises(ImageDecodeError, match=r"bad\.jpg"):
        clone(model).fit(X, y)
    with pytest.raises(ImageDecodeError, match=r"bad\.jpg"):
        model.predict(X)


def test_averaging_needs_probabilities_or_decisions(digits):
    X, y = digits
    model = AugmentedClassifier(SVC(decision_function_shape="ovo"), n_views=2)
    model.fit(X.reshape(len(X), -1), y)
    model.classes_ = np.arange(4)  # three classes have three pairs
    with pytest.raises(ValueError, match=r"a decision a class\. Got 3 for 4 classes"):
        model.predict(X.reshape(len(X), -1))


def test_floats_beyond_unit_range_are_told_how_to_scale(digits):
    X, y = digits
    with pytest.raises(ValueError, match=r"needs float pixels in 0\.\.1.*by 255"):
        AugmentedClassifier(hog()).fit(X.astype(float), y)
    AugmentedClassifier(hog(), "light").fit(X.astype(float), y)

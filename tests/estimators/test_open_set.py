"""Tests for imgfeat/estimators/_open_set.py and _calibrated_fit.py."""

import pickle

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_blobs
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    ShuffleSplit,
    StratifiedShuffleSplit,
    train_test_split,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from imgfeat import load_sample
from imgfeat.estimators import AugmentedClassifier, OpenSet
from imgfeat.features import HOG
from imgfeat.sources import ImageReader
from tests._checks import WITHOUT_DATA, behind_adapter, expected_to_fail
from tests.estimators._pixels import pixels
from tests.estimators.cnn._tiny_net import TinyNet, tiny

SMALL = {"pixels_per_cell": (4, 4), "cells_per_block": (1, 1)}


def vectors():
    return make_pipeline(StandardScaler(), LogisticRegression())


def hog(*before, **parameters):
    return make_pipeline(*before, HOG(**SMALL), LogisticRegression(**parameters))


@pytest.mark.parametrize("check", WITHOUT_DATA, ids=lambda check: check.__name__)
def test_follows_estimator_api(check):
    check("OpenSet", OpenSet(hog()))


# The checks have ten rows or so, of which hardly any promise can be learned.
@parametrize_with_checks(
    [behind_adapter(OpenSet(pixels(), coverage=0.5, false_alarms=0, calibration=2))],
    expected_failed_checks=expected_to_fail,
)
def test_behaves_in_a_pipeline(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def blobs():
    """Three overlapping classes in eight dimensions."""
    centers = 2.5 * np.eye(3, 8)
    return make_blobs(900, centers=centers, cluster_std=1.0, random_state=0)


@pytest.fixture(scope="module")
def digits():
    sample = load_sample("digits")
    # In the order of the sample the next ones are by other writers.
    rows = np.random.default_rng(0).permutation(np.flatnonzero(sample.target < 4))
    return sample.images[rows[:300]], sample.target[rows[:300]]


# Folds measure to fewer neighbours than there are in the end: fewer false alarms.
@pytest.mark.parametrize("calibration, fewest_alarms", [(0.3, 0.085), (3, 0.04)])
def test_sets_and_false_alarms_are_as_promised_on_average(
    blobs, calibration, fewest_alarms
):
    X, y = blobs
    covered, alarms = [], []
    for seed in range(12):
        parts = train_test_split(X, y, test_size=0.3, random_state=seed)
        X_train, X_test, y_train, y_test = parts
        model = OpenSet(
            GaussianNB(),
            0.9,
            false_alarms=0.1,
            calibration=calibration,
            random_state=seed,
        ).fit(X_train, y_train)
        answer = model.predict_open(X_test)
        covered.append(answer.sets[np.arange(len(y_test)), y_test].mean())
        alarms.append(1 - answer.known.mean())
    assert abs(np.mean(covered) - 0.9) < 0.015
    assert fewest_alarms < np.mean(alarms) < 0.115


def test_sets_are_those_of_mapie(blobs):
    mapie = pytest.importorskip("mapie.classification")
    X, y = blobs
    inner = vectors().fit(X[:300], y[:300])
    model = OpenSet(FrozenEstimator(inner), 0.85).fit(X[300:421], y[300:421])
    theirs = mapie.SplitConformalClassifier(inner, confidence_level=0.85)
    theirs.conformalize(X[300:421], y[300:421])
    labels, sets = theirs.predict_set(X[421:])
    assert_array_equal(model.predict_set(X[421:]), sets[:, :, 0])
    assert_array_equal(model.predict_proba(X[421:]).argmax(axis=1), labels)
    assert (sets.sum(axis=1) == 0).any()


def test_held_out_rows_are_not_fitted_on(blobs):
    X, y = blobs
    model = OpenSet(vectors(), calibration=0.25, random_state=3).fit(X, y)
    seed = np.random.RandomState(3).randint(2**31 - 1)
    splitter = StratifiedShuffleSplit(1, test_size=0.25, random_state=seed)
    train, test = next(splitter.split(X, y))
    expected = vectors().fit(X[train], y[train])
    assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
    assert model.n_calibration_ == len(test) == 225
    right = np.sort(expected.predict_proba(X[test])[np.arange(225), y[test]])
    assert model.min_probability_ == right[int(0.05 * 226) - 1]  # 11 of 226


def test_score_is_the_mean_distance_to_neighbours_of_unit_length(blobs):
    X, y = blobs
    model = OpenSet(vectors(), n_neighbors=4, calibration=5).fit(X, y)
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)  # as before the scaler
    new = np.random.default_rng(0).normal(size=(20, 8))
    gaps = new / np.linalg.norm(new, axis=1, keepdims=True) - unit[:, np.newaxis]
    nearest = np.sort(np.linalg.norm(gaps, axis=2), axis=0)[:4]
    assert_allclose(model.score_unknown(new), nearest.mean(axis=0), rtol=1e-4)
    assert_array_equal(model.is_known(new), nearest.mean(axis=0) <= model.threshold_)
    assert_allclose(
        model.score_unknown(7 * new), model.score_unknown(new), rtol=1e-4, atol=1e-6
    )


def test_folds_calibrate_on_each_row_once_and_fit_on_all(blobs):
    X, y = blobs
    model = OpenSet(vectors(), calibration=KFold(3), coverage=0.8).fit(X, y)
    assert model.n_calibration_ == len(X)
    expected = vectors().fit(X, y)
    assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
    right = np.empty(len(X))
    for train, test in KFold(3).split(X):
        shares = vectors().fit(X[train], y[train]).predict_proba(X[test])
        right[test] = shares[np.arange(len(test)), y[test]]
    assert model.min_probability_ == np.sort(right)[int(0.2 * 901) - 1]


def test_strangers_are_unknown_and_digits_are_not(digits):
    X, y = digits
    faces = load_sample("faces").images
    pipeline = hog(ImageReader((16, 16), mode="gray"))
    model = OpenSet(pipeline, random_state=0).fit(X[:200], y[:200])
    unknown = ~model.is_known(faces)
    assert unknown.mean() > 0.85
    assert_array_equal(model.predict(faces) == -1, unknown)
    assert np.mean(model.predict(X[200:]) == y[200:]) > 0.8
    assert 1 - np.mean(model.is_known(X[200:])) < 0.2
    scores = np.append(model.score_unknown(X[200:]), model.score_unknown(faces))
    strange = np.arange(len(scores)) >= 100
    assert roc_auc_score(strange, scores) > 0.97


def test_all_answers_agree_and_unknown_images_have_sets(digits):
    X, y = digits
    model = OpenSet(hog(), 0.8, false_alarms=0.2).fit(X, y)
    answer = model.predict_open(X)
    assert_array_equal(answer.labels, model.predict(X))
    assert_array_equal(answer.proba, model.predict_proba(X))
    assert_array_equal(answer.sets, model.predict_set(X))
    assert_array_equal(answer.scores, model.score_unknown(X))
    assert_array_equal(answer.known, model.is_known(X))
    assert_array_equal(answer.labels == -1, ~answer.known)
    known = answer.known
    best = model.classes_[answer.proba.argmax(axis=1)]
    assert_array_equal(answer.labels[known], best[known])
    assert_array_equal(answer.sets, answer.proba >= model.min_probability_)
    assert answer.sets[~known].any()
    assert model.score(X, y) == np.mean(answer.labels == y)


def test_features_in_front_are_computed_once(digits, monkeypatch):
    X, y = digits
    described, transform = [], HOG.transform

    def counted(self, X):
        described.append(len(X))
        return transform(self, X)

    monkeypatch.setattr(HOG, "transform", counted)
    model = OpenSet(hog(), calibration=5).fit(X, y)
    assert sum(described) == len(X)
    assert [name for name, _ in model.pipeline_.steps] == ["hog", "logisticregression"]
    described.clear()
    model.predict_open(X[:10])
    assert described == [10]


def test_front_gives_what_the_pipeline_gives(digits):
    X, y = digits
    pipeline = make_pipeline(HOG(**SMALL), StandardScaler(), LogisticRegression())
    model = OpenSet(pipeline, calibration=3).fit(X, y)
    assert_allclose(
        model.predict_proba(X), clone(pipeline).fit(X, y).predict_proba(X), atol=1e-6
    )
    plain = make_pipeline(HOG(**SMALL), KNeighborsClassifier()).fit(X, y)
    unscaled = plain[0].transform(X)
    lengths = np.linalg.norm(unscaled, axis=1, keepdims=True)
    assert_allclose(model.neighbors_._fit_X, unscaled / lengths, rtol=1e-5)


def test_tables_of_features_keep_their_column_names(digits):
    X, y = digits
    pipeline = make_pipeline(HOG(**SMALL), StandardScaler(), LogisticRegression())
    pipeline.set_output(transform="pandas")
    model = OpenSet(pipeline).fit(X, y)
    assert model.pipeline_[1].feature_names_in_[0].startswith("hog")
    assert model.predict(X).shape == y.shape


def test_frozen_pipeline_stays_and_all_rows_calibrate(digits):
    X, y = digits
    inner = hog().fit(X[:150], y[:150])
    model = OpenSet(FrozenEstimator(inner)).fit(X[150:], y[150:])
    assert model.n_calibration_ == 150
    assert model.pipeline_.estimator is inner
    assert_array_equal(model.predict_proba(X), inner.predict_proba(X))
    # By leave-one-out: no row is a neighbour of its own.
    unit = inner[0].transform(X[150:]).astype(float)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    gaps = np.linalg.norm(unit[:, np.newaxis] - unit, axis=2)
    nearest = np.sort(gaps, axis=1)[:, 1:11].mean(axis=1)
    assert_allclose(model.threshold_, np.sort(nearest)[143], rtol=1e-4)  # 144 of 151


def test_no_false_alarms_wanted_calls_nothing_unknown(digits):
    X, y = digits
    model = OpenSet(hog(), false_alarms=0).fit(X, y)
    assert model.threshold_ == np.inf
    assert model.is_known(np.zeros_like(X)).all()


@pytest.mark.parametrize("classifier", [LinearSVC(), SVC()])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_decisions_become_probabilities(blobs, classifier, n_classes):
    X, y = blobs
    X, y = X[y < n_classes], y[y < n_classes]
    model = OpenSet(classifier, 0.9).fit(X[:400], y[:400])
    proba = model.predict_proba(X)
    assert proba.shape == (len(X), n_classes)
    assert_allclose(proba.sum(axis=1), 1)
    known = model.is_known(X)
    assert_array_equal(model.predict(X)[known], model.pipeline_.predict(X)[known])
    covered = model.predict_set(X[400:])[np.arange(len(X) - 400), y[400:]]
    assert abs(covered.mean() - 0.9) < 0.08
    assert model.temperature_ != 1


def test_decisions_of_pairs_are_refused(blobs):
    with pytest.raises(ValueError, match=r"a decision a class.*shape='ovr'"):
        OpenSet(SVC(decision_function_shape="ovo")).fit(*blobs)


class Oracle(ClassifierMixin, BaseEstimator):
    """Has labels, and nothing else."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.zeros(len(X), dtype=int)


def test_labels_alone_are_refused(blobs):
    with pytest.raises(
        ValueError, match=r"predict_proba or decision_function. Got Ora"
    ):
        OpenSet(Oracle()).fit(*blobs)


def test_classifier_of_images_without_features_is_refused(digits):
    X = np.empty(len(digits[0]), dtype=object)
    X[:] = list(digits[0])
    with pytest.raises(TypeError, match=r"must be numbers\. Got object"):
        OpenSet(Oracle()).fit(X, digits[1])


@pytest.mark.parametrize(
    "names, given, unknown, dtype",
    [
        (np.array([0, 1, 2]), None, -1, "i"),
        (np.array([0, 1, 2]), 9, 9, "i"),
        (np.array([-1, 0, 1]), None, -2, "i"),
        (np.array([0, 1, 2]), "strange", "strange", "O"),
        (np.array([0, 1, 2], dtype=np.uint8), None, -1, "i"),
        (np.array(["a", "b", "c"]), None, "unknown", "U"),
        (np.array(["a", "b", "c"], dtype=object), None, "unknown", "O"),
        (np.array(["a", "b", "c"]), -1, -1, "O"),
    ],
)
def test_unknown_label_is_of_the_kind_of_the_labels(
    blobs, names, given, unknown, dtype
):
    X, y = blobs
    model = OpenSet(vectors(), unknown_label=given).fit(X, names[y])
    found = model.predict(np.vstack([X, -X]))
    assert model.unknown_label_ == unknown
    assert found.dtype.kind == dtype
    assert set(found.tolist()) == {*names.tolist(), unknown}


@pytest.mark.parametrize(
    "given, names", [(-1, [-1, 0, 1]), (None, ["a", "b", "unknown"])]
)
def test_unknown_label_is_none_of_the_classes(blobs, given, names):
    X, y = blobs
    with pytest.raises(ValueError, match="unknown_label that is none of the classes"):
        OpenSet(vectors(), unknown_label=given).fit(X, np.array(names)[y])


@pytest.mark.parametrize(
    "parameters, n_rows, message",
    [
        ({}, 90, r"at least 19 images .* Got 18 with calibration=0.2 of 90 images"),
        ({"coverage": 0.99, "calibration": 5}, 98, "at least 99 .* Got 98 with calib"),
        ({"false_alarms": 0.01}, 300, "at least 99 images .* Got 60"),
        ({"calibration": ShuffleSplit(1, test_size=9)}, 90, "at least 19 .* Got 9"),
    ],
)
def test_too_few_rows_to_calibrate_on_are_refused(blobs, parameters, n_rows, message):
    X, y = blobs
    with pytest.raises(ValueError, match=message):
        OpenSet(vectors(), **parameters).fit(X[:n_rows], y[:n_rows])


def test_frozen_pipeline_with_too_few_rows_is_refused(blobs):
    X, y = blobs
    inner = FrozenEstimator(vectors().fit(X, y))
    with pytest.raises(ValueError, match=r"at least 19 images .* Got 18; give more"):
        OpenSet(inner).fit(X[:18], y[:18])
    OpenSet(inner).fit(X[:19], y[:19])


def test_class_of_one_image_is_refused(blobs):
    X, y = blobs
    with pytest.raises(ValueError, match="Got 1 of class 7; add images"):
        OpenSet(vectors()).fit(X, np.append(y[1:], 7))


def test_more_classes_than_rows_held_out_are_refused():
    X, y = np.random.default_rng(0).random((240, 3)), np.repeat(np.arange(60), 4)
    with pytest.raises(ValueError, match="240 images of 60 classes, which is 48"):
        OpenSet(vectors()).fit(X, y)


def test_overlapping_folds_are_refused(blobs):
    with pytest.raises(ValueError, match="hold out each image at most once"):
        OpenSet(vectors(), calibration=ShuffleSplit(4)).fit(*blobs)


def test_fold_without_a_class_is_refused(blobs):
    X, y = blobs
    order = np.argsort(y)
    with pytest.raises(ValueError, match="a part without class 0"):
        OpenSet(vectors(), calibration=KFold(3)).fit(X[order], y[order])


@pytest.mark.parametrize("calibration", [0.25, 4, GroupKFold(4)])
def test_groups_are_held_out_together(blobs, calibration, monkeypatch):
    X, y = blobs
    groups = np.arange(len(y)) // 6
    seen = []
    fit = LogisticRegression.fit

    def noted(self, X, y, sample_weight=None):
        seen.append(X)
        return fit(self, X, y, sample_weight)

    monkeypatch.setattr(LogisticRegression, "fit", noted)
    OpenSet(LogisticRegression(), calibration=calibration).fit(X, y, groups=groups)
    assert len(seen) == (1 if calibration == 0.25 else 5)
    row_of = {row.tobytes(): number for number, row in enumerate(X)}
    for part in seen[:4]:
        fitted = np.array([row_of[row.tobytes()] for row in part])
        counts = np.bincount(groups[fitted], minlength=150)
        assert set(counts.tolist()) == {0, 6}
        assert abs((counts == 0).mean() - 0.25) < 0.05


def test_weights_reach_the_classifier_and_count_in_the_bounds(blobs):
    X, y = blobs
    weights = np.random.default_rng(0).integers(0, 3, len(y)).astype(float)
    model = OpenSet(vectors(), calibration=0.3).fit(X, y, sample_weight=weights)
    there = weights > 0
    again = OpenSet(vectors(), calibration=0.3)
    again.fit(X[there], y[there], sample_weight=weights[there])
    assert_array_equal(model.predict_proba(X), again.predict_proba(X))
    assert model.threshold_ == again.threshold_
    assert model.n_calibration_ == again.n_calibration_ == np.ceil(0.3 * there.sum())
    plain = OpenSet(vectors(), calibration=0.3).fit(X[there], y[there])
    assert (model.predict_proba(X) != plain.predict_proba(X)).any()
    same = OpenSet(vectors(), calibration=0.3).fit(X, y, sample_weight=7 + 0 * y)
    assert same.threshold_ == OpenSet(vectors(), calibration=0.3).fit(X, y).threshold_


def test_weights_are_routed_where_scikit_learn_routes(blobs):
    X, y = blobs
    weights = np.random.default_rng(0).uniform(0.1, 3, len(y))
    expected = OpenSet(vectors()).fit(X, y, sample_weight=weights)
    with sklearn.config_context(enable_metadata_routing=True):
        last = LogisticRegression().set_fit_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        model = OpenSet(make_pipeline(scaler, last))
        model.fit(X, y, sample_weight=weights)
    assert_array_equal(model.predict_proba(X), expected.predict_proba(X))


def test_negative_weights_are_refused(blobs):
    X, y = blobs
    with pytest.raises(ValueError, match="Negative values"):
        OpenSet(vectors()).fit(X, y, sample_weight=np.where(y, 1, -1))


def test_search_over_the_pipeline_and_over_promises(digits):
    X, y = digits
    grid = {"pipeline__logisticregression__C": [1e-4, 1], "false_alarms": [0.05, 0.3]}
    search = GridSearchCV(OpenSet(hog()), grid, cv=2).fit(X, y)
    assert search.best_params_["pipeline__logisticregression__C"] == 1
    assert search.best_params_["false_alarms"] == 0.05
    assert search.predict(X).shape == y.shape


def test_looks_into_searches_and_augmented_classifiers(digits):
    X, y = digits
    search = make_pipeline(
        HOG(**SMALL), GridSearchCV(vectors(), {"logisticregression__C": [0.1, 1]}, cv=2)
    )
    views = {"n_augmented": 2, "n_views": 2, "random_state": 0}
    augmented = AugmentedClassifier(hog(), "light", **views)
    plain = OpenSet(hog()).fit(X, y)
    for pipeline in (search, augmented):
        model = OpenSet(pipeline).fit(X, y)
        assert_array_equal(model.score_unknown(X), plain.score_unknown(X))
    assert_array_equal(model.predict_proba(X), model.pipeline_.predict_proba(X))


def test_few_references_are_shared_by_the_classes(digits):
    X, y = digits
    model = OpenSet(hog(), max_references=40, calibration=3).fit(X, y)
    assert model.neighbors_._fit_X.shape[0] == 40
    assert abs((~model.is_known(X)).mean() - 0.05) < 0.05


def test_same_random_state_gives_the_same_result(blobs):
    X, y = blobs
    first, again, other = (
        OpenSet(vectors(), random_state=state).fit(X, y) for state in (0, 0, 1)
    )
    assert first.threshold_ == again.threshold_ != other.threshold_
    assert first.min_probability_ == again.min_probability_ != other.min_probability_


def test_tags_are_those_of_the_pipeline():
    tags = get_tags(OpenSet(hog()))
    assert tags.estimator_type == "classifier"
    assert tags.input_tags.three_d_array and tags.input_tags.string
    assert get_tags(hog()).classifier_tags == tags.classifier_tags


def test_pickles_and_predicts_the_same(digits):
    X, y = digits
    model = OpenSet(hog()).fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(again.predict(X), model.predict(X))
    assert model.n_features_in_ == 64


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"coverage": 1.0}, "'coverage' parameter"),
        ({"false_alarms": 1.0}, "'false_alarms' parameter"),
        ({"calibration": 1}, "'calibration' parameter"),
        ({"calibration": 1.5}, "'calibration' parameter"),
        ({"n_neighbors": 0}, "'n_neighbors' parameter"),
        ({"max_references": 1}, "'max_references' parameter"),
        ({"unknown_label": 0.5}, "'unknown_label' parameter"),
    ],
)
def test_bad_parameters_are_refused_in_fit(blobs, parameters, message):
    with pytest.raises(ValueError, match=message):
        OpenSet(vectors(), **parameters).fit(*blobs)


def test_regressor_is_refused(blobs):
    with pytest.raises(TypeError, match=r"OpenSet needs a classifier, .* Got Ridge"):
        OpenSet(make_pipeline(Ridge())).fit(*blobs)


def test_one_class_is_refused(blobs):
    with pytest.raises(ValueError, match=r"two classes\. Got one class"):
        OpenSet(vectors()).fit(blobs[0], 0 * blobs[1])


def test_labels_of_another_number_are_refused(blobs):
    with pytest.raises(ValueError, match="Got 900 images and 3 labels"):
        OpenSet(vectors()).fit(blobs[0], [0, 1, 2])


def test_one_image_is_told_how_to_be_a_batch(digits):
    model = OpenSet(hog()).fit(*digits)
    with pytest.raises(ValueError, match=r"OpenSet expects a batch .* a list: \[X\]"):
        model.predict("a.jpg")


def test_net_that_learns_gives_what_its_head_is_given():
    sample = load_sample("digits")
    keep = sample.target < 2
    X, y = sample.images[keep][:60], sample.target[keep][:60]
    net = tiny(TinyNet(), max_epochs=1)
    model = OpenSet(net, 0.8, false_alarms=0.2).fit(X, y)
    answer = model.predict_open(X)
    assert_allclose(answer.proba, model.pipeline_.predict_proba(X), atol=1e-6)
    assert model.neighbors_.n_features_in_ == 4  # maps of TinyNet

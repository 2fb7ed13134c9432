"""Tests for imgfeat/estimators/_probe_by_chunks.py and _gram_sums.py."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from imgfeat.deploy._uncached import without_caches
from imgfeat.estimators import RidgeProbe

LEARNED = "coef_", "intercept_", "loo_scores_", "loo_decisions_", "temperature_"
CLASSES = np.array(["ash", "elm", "fir", "oak"])


def rows(n_samples, n_features, n_classes=3, *, spread=3.0):
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.arange(n_samples) % n_classes)
    centres = rng.normal(size=(n_classes, n_features))
    X = centres[labels] + spread * rng.normal(size=(n_samples, n_features)) + 50
    return X, CLASSES[labels]


def chunks_of(size, *arrays):
    starts = range(0, len(arrays[0]), size)
    return [tuple(array[at : at + size] for array in arrays) for at in starts]


def by_chunks(probe, chunks, classes):
    """A copy of the probe that has added all chunks, and seen them again."""
    probe = clone(probe)
    for X, y, *weights in chunks:
        probe.partial_fit(X, y, classes, *weights)
    return probe.choose_alpha(chunks)


def assert_same(probe, whole, atol=1e-8):
    assert probe.alpha_ == whole.alpha_
    assert_array_equal(probe.classes_, whole.classes_)
    for name in LEARNED:
        assert_allclose(
            getattr(probe, name), getattr(whole, name), rtol=0, atol=atol, err_msg=name
        )


@pytest.mark.parametrize("shape", [(60, 8), (40, 60)])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("size", [17, 200])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_chunks_give_what_fit_gives(shape, n_classes, size, fit_intercept):
    X, y = rows(*shape, n_classes)
    probe = RidgeProbe(fit_intercept=fit_intercept)
    chunked = by_chunks(probe, chunks_of(size, X, y), np.unique(y))
    assert_same(chunked, clone(probe).fit(X, y))
    assert_allclose(chunked.predict_proba(X), probe.fit(X, y).predict_proba(X))


def test_one_row_is_a_chunk():
    X, y = rows(16, 4)
    chunked = by_chunks(RidgeProbe(), chunks_of(1, X, y), np.unique(y))
    assert_same(chunked, RidgeProbe().fit(X, y))


@pytest.mark.parametrize("scoring", ["accuracy", "neg_mean_squared_error"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_weights_of_rows_and_classes_count_as_in_fit(n_classes, scoring):
    X, y = rows(120, 8, n_classes)
    weights = np.random.default_rng(1).uniform(0, 3, len(X))
    weights[::5] = 0
    weights[:20] = 0  # a chunk that does not count
    probe = RidgeProbe(scoring=scoring, class_weight={"elm": 3.0})
    chunked = by_chunks(probe, chunks_of(20, X, y, weights), np.unique(y))
    assert_same(chunked, probe.fit(X, y, weights))


def test_float32_is_scored_as_in_fit():
    X, y = rows(400, 8)
    X = X.astype(np.float32)
    chunked = by_chunks(RidgeProbe(), chunks_of(30, X, y), np.unique(y))
    assert chunked.coef_.dtype == chunked.loo_decisions_.dtype == np.float32
    assert_same(chunked, RidgeProbe().fit(X, y), atol=1e-5)
    mixed = [*chunks_of(30, X, y)[:-1], (X[390:].astype(np.float64), y[390:])]
    assert by_chunks(RidgeProbe(), mixed, np.unique(y)).coef_.dtype == np.float64


def test_rows_far_from_the_origin_keep_their_digits():
    X, y = rows(200, 5)
    near = by_chunks(RidgeProbe(1.0), chunks_of(16, X - 50, y), np.unique(y))
    far = by_chunks(RidgeProbe(1.0), chunks_of(16, X + 1e5, y), np.unique(y))
    assert_allclose(far.coef_, near.coef_, atol=1e-9)


def test_one_alpha_predicts_after_each_chunk():
    X, y = rows(90, 8)
    probe = RidgeProbe(2.0)
    for n_seen, (part, labels) in zip((30, 60, 90), chunks_of(30, X, y), strict=True):
        probe.partial_fit(part, labels, np.unique(y))
        whole = RidgeProbe(2.0).fit(X[:n_seen], y[:n_seen])
        assert_allclose(probe.decision_function(X), whole.decision_function(X))
    with pytest.raises(NotFittedError, match="call choose_alpha with the same chunks"):
        probe.predict_proba(X)


def test_next_to_no_penalty_on_features_that_repeat_has_a_fit():
    X, y = rows(60, 4)
    X = np.round(np.repeat(X, 2, axis=1))
    probe = RidgeProbe(1e-14).partial_fit(X, y, np.unique(y))
    whole = RidgeProbe(1e-6).fit(X, y)
    assert_allclose(probe.decision_function(X), whole.decision_function(X), atol=1e-7)


def test_several_alphas_wait_for_the_rows_once_more():
    X, y = rows(60, 4)
    probe = RidgeProbe().partial_fit(X, y, np.unique(y))
    with pytest.raises(NotFittedError, match="the sums of 60 rows"):
        probe.predict(X)
    probe.choose_alpha([(X, y)]).predict_proba(X)
    probe.partial_fit(X, y)
    with pytest.raises(NotFittedError, match="the sums of 120 rows"):
        probe.predict_proba(X)


def test_class_without_rows_is_never_predicted():
    X, y = rows(60, 4)
    probe = by_chunks(RidgeProbe(), [(X, y)], CLASSES)
    assert_array_equal(probe.classes_, CLASSES)
    assert_allclose(probe.decision_function(X)[:, 3], -1)
    three = RidgeProbe(probe.alpha_).fit(X, y)
    assert_allclose(probe.decision_function(X)[:, :3], three.decision_function(X))


def test_names_of_columns_are_kept_and_checked():
    X, y = rows(60, 4)
    frame = pd.DataFrame(X, columns=list("abcd"))
    probe = RidgeProbe(1.0).partial_fit(frame, y, np.unique(y))
    assert_array_equal(probe.feature_names_in_, list("abcd"))
    with pytest.raises(ValueError, match="feature names should match"):
        probe.partial_fit(frame[list("bacd")], y)


def test_a_pickle_goes_on_where_it_was_left():
    X, y = rows(120, 8)
    chunks = chunks_of(40, X, y)
    probe = RidgeProbe().partial_fit(*chunks[0], np.unique(y))
    probe = pickle.loads(pickle.dumps(probe))
    for chunk in chunks[1:]:
        probe.partial_fit(*chunk)
    assert_same(probe.choose_alpha(chunks), RidgeProbe().fit(X, y))


def test_saved_file_holds_no_sums():
    X, y = rows(60, 4)
    probe = by_chunks(RidgeProbe(), [(X, y)], np.unique(y))
    saved = without_caches(probe)
    assert not any("sums" in name for name in vars(saved))
    assert_array_equal(saved.predict_proba(X), probe.predict_proba(X))
    probe.partial_fit(X, y)  # it has its own still


def test_fit_forgets_the_chunks():
    X, y = rows(60, 4)
    probe = RidgeProbe().partial_fit(X[:9], y[:9], CLASSES)
    assert_same(probe.fit(X, y), RidgeProbe().fit(X, y))
    with pytest.raises(ValueError, match="adds to sums, and fit keeps none"):
        probe.partial_fit(X, y)


def test_refuses_first_chunk_without_classes_and_begins_after_it():
    X, y = rows(60, 4)
    probe = RidgeProbe(1.0)
    with pytest.raises(ValueError, match="all labels with the first chunk"):
        probe.partial_fit(X, y)
    with pytest.raises(ValueError, match=r"one class, \['elm'\]"):
        probe.partial_fit(X, y, ["elm"])
    with pytest.raises(ValueError, match="NaN"):
        probe.partial_fit(np.full_like(X, np.nan), y, np.unique(y))
    probe.partial_fit(X, y, np.unique(y)).predict(X)


def test_refuses_labels_and_classes_that_it_was_not_told():
    X, y = rows(60, 4)
    probe = RidgeProbe(1.0).partial_fit(X, y, np.unique(y))
    before = probe.coef_.copy()
    with pytest.raises(ValueError, match="Got the label 'oak'; name all labels"):
        probe.partial_fit(X[:1], ["oak"])
    with pytest.raises(ValueError, match="is not the same as on last call"):
        probe.partial_fit(X, y, CLASSES)
    with pytest.raises(ValueError, match="at least 0"):
        probe.partial_fit(X[:1], y[:1], sample_weight=[-1.0])
    assert_array_equal(probe.coef_, before)


def test_refuses_to_balance_classes_of_unknown_size():
    X, y = rows(60, 4)
    with pytest.raises(ValueError, match="class_weight as a dict"):
        RidgeProbe(class_weight="balanced").partial_fit(X, y, np.unique(y))


def test_choose_alpha_refuses_other_rows():
    X, y = rows(60, 4)
    probe = RidgeProbe().partial_fit(X, y, np.unique(y))
    for others in ([(X[:59], y[:59])], [(X + 1, y)], [(X, np.roll(y, 1))]):
        with pytest.raises(ValueError, match="needs the rows that partial_fit has se"):
            probe.choose_alpha(others)
    with pytest.raises(ValueError, match="needs the rows that partial_fit has se"):
        probe.choose_alpha([(X, y, np.full(60, 2.0))])
    assert not hasattr(probe, "alpha_")


def test_choose_alpha_refuses_what_it_cannot_read_twice():
    X, y = rows(60, 4)
    probe = RidgeProbe()
    with pytest.raises(ValueError, match="call partial_fit with each chunk first"):
        probe.choose_alpha([(X, y)])
    probe.partial_fit(X, y, np.unique(y))
    with pytest.raises(TypeError, match="goes through the chunks twice"):
        probe.choose_alpha(iter([(X, y)]))
    with pytest.raises(ValueError, match=r"chunks of \(X, y\)"):
        probe.choose_alpha([X])


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_choose_alpha_refuses_fewer_than_two_classes_that_count(weight):
    X, y = rows(60, 4)
    weights = weight * (y == "ash")
    probe = RidgeProbe().partial_fit(X, y, np.unique(y), weights)
    with pytest.raises(ValueError, match="at least two classes"):
        probe.choose_alpha([(X, y, weights)])


def several(n_samples=60, n_features=8):
    X, y = rows(n_samples, n_features)
    labels = np.column_stack([y == "ash", y != "elm", X[:, 0] > 50]).astype(int)
    return X, labels


@pytest.mark.parametrize("shape", [(60, 8), (40, 60)])
@pytest.mark.parametrize("n_labels", [2, 3])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_chunks_of_several_labels_give_what_fit_gives(shape, n_labels, fit_intercept):
    X, labels = several(*shape)
    weights = np.random.default_rng(0).integers(3, size=len(X))
    names = ["worn", "moss", "rust"][:n_labels]
    table = pd.DataFrame(labels[:, :n_labels], columns=names)
    probe = RidgeProbe(fit_intercept=fit_intercept)
    chunked = by_chunks(probe, chunks_of(17, X, table, weights), names)
    whole = clone(probe).fit(X, table, weights)
    assert_same(chunked, whole)
    assert chunked.multilabel_ and chunked.classes_.tolist() == names
    assert_allclose(chunked.predict_proba(X), whole.predict_proba(X))


def test_chunks_of_several_labels_may_be_lists_and_lack_a_label():
    X, labels = several()
    lists = [[n for n, has in zip("cab", row, strict=True) if has] for row in labels]
    chunked = by_chunks(RidgeProbe(), chunks_of(7, X, lists), list("cab"))
    assert_same(chunked, RidgeProbe().fit(X, pd.DataFrame(labels, columns=list("cab"))))


def test_chunks_of_several_labels_that_cannot_be_are_refused():
    X, labels = several()
    probe = RidgeProbe().partial_fit(X, labels, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="Got one label a row after several labels a"):
        probe.partial_fit(X, labels[:, 0])
    with pytest.raises(ValueError, match=r"needs the classes of the first .* \[0, 1\]"):
        probe.partial_fit(X, labels, classes=[0, 1])
    with pytest.raises(ValueError, match=r"each of 3 labels. Got y of shape \(60, 2\)"):
        probe.partial_fit(X, labels[:, :2])
    with pytest.raises(ValueError, match=r"one weight a row\. Got class_weight='balan"):
        RidgeProbe(class_weight="balanced").partial_fit(X, labels, classes=[0, 1, 2])
    for value, what in ((0, "no row with it"), (1, "no row without it")):
        labels[:, 1] = value
        probe = RidgeProbe().partial_fit(X, labels, classes=[0, 1, 2])
        with pytest.raises(ValueError, match=f"Got {what} of 1; add rows"):
            probe.choose_alpha([(X, labels)])

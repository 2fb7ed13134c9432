"""Tests of the probes on several labels a row: as many decisions of one label."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_multilabel_classification
from sklearn.linear_model import Ridge, RidgeClassifier
from sklearn.multiclass import OneVsRestClassifier

from imgfeat.estimators import LinearProbe, RidgeProbe

X, Y = make_multilabel_classification(90, 12, n_classes=4, n_labels=2, random_state=1)
NAMES = ["brick", "grass", "gravel", "moss"]


@pytest.mark.parametrize(
    "probe",
    [
        LinearProbe(C=0.1),
        LinearProbe(C=[0.01, 0.1, 1.0]),
        LinearProbe("svm", [0.001, 0.01]),
        LinearProbe("svm", 0.01, class_weight="balanced"),
    ],
)
@pytest.mark.parametrize("some", [slice(None), slice(25, 35)], ids=["many", "few"])
def test_a_linear_probe_is_one_against_the_rest(probe, some):
    rows, labels = X[some], Y[some]
    found = probe.fit(rows, labels)
    each = OneVsRestClassifier(LinearProbe(**probe.get_params())).fit(rows, labels)
    assert_allclose(found.predict_proba(X), each.predict_proba(X), atol=1e-4)
    assert_array_equal(found.predict(X), each.predict(X))
    assert_array_equal(found.C_, [one.C_ for one in each.estimators_])


@pytest.mark.parametrize("groups", [None, np.arange(90) // 2])
def test_a_ridge_probe_leaves_rows_out_of_all_labels(groups):
    probe = RidgeProbe(3.0).fit(X, Y, groups=groups)
    unit = np.arange(90) if groups is None else groups
    for row in (0, 41):
        rest = unit != unit[row]
        ridge = Ridge(3.0).fit(X[rest], 2.0 * Y[rest] - 1)
        assert_allclose(probe.loo_decisions_[row], ridge.predict(X[row : row + 1])[0])
    expected = ((probe.loo_decisions_ > 0) == Y).mean()
    assert probe.loo_scores_ == pytest.approx([expected])
    ridge = RidgeClassifier(3.0).fit(X, Y)
    assert_array_equal(probe.predict(X), ridge.predict(X))
    assert_allclose(probe.decision_function(X), ridge.decision_function(X))


@pytest.mark.parametrize("probe", [RidgeProbe(), LinearProbe(C=0.1)])
def test_names_of_labels_are_kept(probe):
    table = pd.DataFrame(Y, columns=NAMES)
    lists = [[n for n, has in zip(NAMES, row, strict=True) if has] for row in Y]
    found = probe.fit(X, table)
    assert found.classes_.tolist() == NAMES
    expected = found.predict_proba(X)
    assert_allclose(probe.fit(X, lists).predict_proba(X), expected)
    assert_allclose(probe.fit(X, Y).predict_proba(X), expected)
    assert probe.classes_.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("probe", [RidgeProbe(), LinearProbe("svm", 0.1)])
def test_the_probability_of_a_predicted_label_is_above_one_half(probe):
    shares = probe.fit(X, Y).predict_proba(X)
    assert_array_equal(probe.predict(X), shares > 0.5)
    assert probe.temperature_.shape == (4,)


@pytest.mark.parametrize("probe", [RidgeProbe(), LinearProbe(C=0.1)])
def test_two_labels_are_not_two_classes(probe):
    found = probe.fit(X, Y[:, :2])
    assert found.decision_function(X).shape == found.predict(X).shape == (90, 2)
    again = probe.fit(X, Y[:, 0])
    assert again.predict(X).shape == (90,) and not again.multilabel_


@pytest.mark.parametrize("probe", [RidgeProbe(), LinearProbe(C=0.1)])
def test_rows_of_no_weight_are_as_if_they_were_not_there(probe):
    weights = (np.arange(90) % 3 > 0).astype(float)
    found = probe.fit(X, Y, sample_weight=weights).predict_proba(X)
    expected = probe.fit(X[weights > 0], Y[weights > 0]).predict_proba(X)
    assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.parametrize("probe", [RidgeProbe(), LinearProbe()])
def test_a_label_that_no_row_has_is_refused(probe):
    table = pd.DataFrame(Y, columns=NAMES).assign(rust=0)
    with pytest.raises(ValueError, match="Got 0 of 90 with 'rust'; add images, or"):
        probe.fit(X, table)
    with pytest.raises(ValueError, match="Got 90 of 90 with 'rust'"):
        probe.fit(X, table.assign(rust=1))


def test_a_label_of_one_row_cannot_be_held_out():
    y = pd.DataFrame(Y, columns=NAMES).assign(rust=np.arange(90) == 5)
    with pytest.raises(ValueError, match="Label 'rust': To hold out a part"):
        LinearProbe("svm").fit(X, y)


def test_weights_of_labels_are_those_of_rows_that_have_them():
    y = pd.DataFrame(Y, columns=NAMES)
    found = LinearProbe(C=0.1, class_weight={"grass": 5.0}).fit(X, y)
    one = LinearProbe(C=0.1, class_weight={1: 5.0}).fit(X, Y[:, 1])
    assert_allclose(found.coef_[1], one.coef_[0])
    assert_allclose(found.coef_[0], LinearProbe(C=0.1).fit(X, Y[:, 0]).coef_[0])
    with pytest.raises(ValueError, match="Got class_weight with 'gras'"):
        LinearProbe(class_weight={"gras": 2.0}).fit(X, y)
    with pytest.raises(ValueError, match=r"one weight a row. Got class_weight='bal"):
        RidgeProbe(class_weight="balanced").fit(X, y)

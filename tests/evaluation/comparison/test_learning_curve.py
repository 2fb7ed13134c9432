"""Tests for imgfeat/evaluation/comparison/_learning_curve.py."""

import matplotlib

matplotlib.use("agg")

import pickle

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression

from imgfeat import compare
from imgfeat.evaluation.comparison._learning_curve import fit_power_law


@pytest.fixture(scope="module")
def noisy():
    """Many columns, few of which tell: more rows help."""
    rng = np.random.default_rng(0)
    y = np.array(["ant", "bee"])[np.arange(240) % 2]
    X = rng.standard_normal((240, 40))
    X[:, :4] += 0.7 * (y == "bee")[:, None]
    return X, y


@pytest.fixture(scope="module")
def found(noisy):
    candidates = {"lr": LogisticRegression(), "dummy": DummyClassifier()}
    return compare(candidates, *noisy, learning_curve=True)


def test_curve_ends_with_the_scores_of_the_comparison(found):
    curve = found.learning_curve
    assert curve["n_train"].tolist() == [24, 48, 96, 144, 192]
    assert curve["mean_test_accuracy"].iloc[-1] == pytest.approx(
        found.table.loc["lr", "mean_test_accuracy"]
    )
    assert curve["mean_test_accuracy"].iloc[0] < curve["mean_test_accuracy"].iloc[-1]
    folds = curve.filter(regex="^split")
    np.testing.assert_allclose(folds.mean(axis=1), curve["mean_test_accuracy"])


def test_sentence_says_what_twice_the_images_bring(found):
    gain, low, high = found.curve.gain, found.curve.low, found.curve.high
    assert 0 <= low <= gain <= high < 0.5
    said = f"Twice the images would bring about +{100 * gain:.1f} points ("
    assert said in str(found)
    assert found.notes()[-1].endswith("with 24 to 192 images.")


@pytest.mark.parametrize("top, b, c", [(0.95, 1.3, 0.5), (1.0, 0.8, 0.25)])
def test_power_law_is_found_again(top, b, c):
    n = np.array([30.0, 60, 120, 240])
    np.testing.assert_allclose(fit_power_law(n, top - b * n**-c, 1), (top, b, c))


def test_power_law_promises_no_more_than_can_be_and_never_less():
    n = np.array([30.0, 60, 120, 240])
    top, _, _ = fit_power_law(n, np.array([0.1, 0.4, 0.7, 1.0]), 1.0)
    assert top <= 1
    _, b, _ = fit_power_law(n, np.array([0.9, 0.8, 0.7, 0.6]), 1.0)
    assert b == 0


def test_losses_are_no_points(noisy):
    found = compare(
        {"lr": LogisticRegression()}, *noisy, cv=3, scoring="neg_log_loss",
        learning_curve=True,
    )  # fmt: skip
    assert "points" not in str(found.curve)
    assert "of neg log loss to lr" in str(found.curve)


class CountFits(ClassifierMixin, BaseEstimator):
    n_fits = 0

    def fit(self, X, y):
        CountFits.n_fits += 1
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


def test_parts_are_kept_for_the_next_run(noisy, tmp_path):
    options = {"cv": 3, "keep": tmp_path, "learning_curve": True}
    dummy = {"dummy": DummyClassifier()}
    first = compare(dummy, *noisy, **options)
    n_kept = len(list(tmp_path.iterdir()))
    assert n_kept == 3 * 5
    again = compare(dummy, *noisy, **options)
    assert len(list(tmp_path.iterdir())) == n_kept
    assert again.learning_curve.equals(first.learning_curve)


def test_only_the_best_is_fitted_on_parts(noisy):
    CountFits.n_fits = 0
    candidates = {"lr": LogisticRegression(), "count": CountFits()}
    compare(candidates, *noisy, cv=3, learning_curve=True)
    assert CountFits.n_fits == 3


def test_too_few_images_are_said(noisy):
    X, y = noisy
    found = compare({"lr": LogisticRegression()}, X[:12], y[:12], cv=2,
                    learning_curve=True)  # fmt: skip
    assert "too few images" in str(found.curve)
    found.plot_learning_curve()
    matplotlib.pyplot.close("all")


def test_it_is_there_on_request_only(noisy):
    found = compare({"dummy": DummyClassifier()}, *noisy, cv=3)
    with pytest.raises(ValueError, match="ask for one by compare"):
        _ = found.learning_curve


def test_picture_has_the_means_and_the_law_up_to_twice_the_images(found):
    ax = found.plot_learning_curve()
    reach = max(line.get_xdata().max() for line in ax.lines)
    assert reach == pytest.approx(2 * 192)
    assert ax.get_ylabel() == "lr: accuracy"
    matplotlib.pyplot.close("all")


def test_comparison_can_be_pickled(found):
    again = pickle.loads(pickle.dumps(found))
    assert again.learning_curve.equals(found.learning_curve)

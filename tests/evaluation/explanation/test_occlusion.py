"""Tests for imgfeat/evaluation/explanation/_occlusion.py."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from imgfeat import explain
from imgfeat.evaluation.explanation._occlusion import blur
from tests.evaluation.explanation._scenes import scenes, share_inside

IMAGES, LABELS, CORNERS = scenes(6, shape=(40, 40))


class Redness(ClassifierMixin, BaseEstimator):
    """How much of an image is red, and as probabilities if asked."""

    def __init__(self, kind="decision_function"):
        self.kind = kind
        self.classes_ = np.array(["blue", "red"])
        self.n_seen = 0

    def __getattr__(self, name):
        if name in ("decision_function", "predict_proba") and name == self.kind:
            return getattr(self, f"_{name}")
        raise AttributeError(name)

    def _decision_function(self, X):
        self.n_seen += len(X)
        X = np.stack(list(X)).astype(float)
        return ((X[..., 0] > 200).mean((1, 2)) - (X[..., 2] > 200).mean((1, 2))) * 9

    def _predict_proba(self, X):
        red = 1 / (1 + np.exp(-self._decision_function(X)))
        return np.stack([1 - red, red], axis=1)

    def predict(self, X):
        return self.classes_[(self._decision_function(X) > 0).astype(int)]


@pytest.mark.parametrize("kind", ["decision_function", "predict_proba"])
def test_what_is_lost_without_it_is_where_the_class_is(kind):
    found = explain(Redness(kind), IMAGES)
    assert found.method == "occlusion"
    assert found.targets.tolist() == LABELS.tolist()
    shares = [share_inside(*one) for one in zip(found.maps, CORNERS, strict=True)]
    assert np.mean(shares) > 0.5


def test_decisions_are_those_of_the_image_as_it_is():
    images = IMAGES.copy()
    found = explain(Redness(), images, target="red", method="occlusion")
    expected = Redness()._decision_function(IMAGES)
    np.testing.assert_allclose(found.decisions, expected)
    np.testing.assert_array_equal(images, IMAGES)


def test_it_costs_as_many_runs_as_said():
    model = Redness()
    explain(model, IMAGES[:1], target="red")
    assert model.n_seen >= 82


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (5, 40), (9, 9, 3)])
def test_images_of_any_size_are_covered_as_a_whole(shape):
    class Sum(Redness):
        def _decision_function(self, X):
            return np.array([float(np.sum(image)) for image in X])

    image = np.zeros(shape)
    image.flat[0] = 1
    found = explain(Sum(), image[None], target="red").maps[0]
    assert found.shape == shape[:2]
    assert np.isfinite(found).all()


def test_a_blur_keeps_kind_and_mean():
    for image in (IMAGES[0], IMAGES[0] / 255, IMAGES[0][..., 0]):
        blurred = blur(image)
        assert blurred.dtype == image.dtype
        assert blurred.shape == image.shape
        assert blurred.std() < 0.7 * image.std()
        assert blurred.mean() == pytest.approx(image.mean(), rel=0.1)

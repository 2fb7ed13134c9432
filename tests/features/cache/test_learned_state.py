"""Tests for imgfeat/features/cache/_learned_state.py."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.preprocessing import FunctionTransformer

from imgfeat.features import VLAD, FisherVector, PatchDictionary
from imgfeat.features.cache._learned_state import state_of, with_state


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (6, 24, 24), dtype=np.uint8)


@pytest.fixture(scope="module")
def bags():
    rng = np.random.default_rng(0)
    return [rng.random((30, 12), dtype=np.float32) for _ in range(5)]


@pytest.mark.parametrize(
    "step",
    [VLAD(3, n_components_pca=4), FisherVector(2, n_components_pca=4)],
    ids=lambda step: type(step).__name__,
)
def test_what_has_learned_comes_back_to_the_last_bit(step, bags):
    fitted = clone(step).set_params(random_state=0).fit(bags)
    again = with_state(step, state_of(fitted))
    np.testing.assert_array_equal(again.transform(bags), fitted.transform(bags))
    assert vars(again.pca_).keys() == vars(fitted.pca_).keys()


def test_tuples_stay_tuples(images):
    step = PatchDictionary(4, random_state=0)
    fitted = clone(step).fit(images)
    again = with_state(step, state_of(fitted))
    assert again.image_shape_in_ == fitted.image_shape_in_ == (24, 24)
    np.testing.assert_array_equal(again.transform(images), fitted.transform(images))


def test_more_than_values_is_not_written():
    step = FunctionTransformer().fit(np.zeros((2, 2)))
    step.learned_ = object()
    assert state_of(step) is None

"""Tests for imgfeat/evaluation/explanation/_word_looks.py."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from imgfeat import explain
from imgfeat.features import SIFT, VLAD, BagOfVisualWords, DenseSIFT, FisherVector
from imgfeat.preprocess import Grayscale
from tests.evaluation.explanation._scenes import scenes

IMAGES, LABELS, CORNERS = scenes(16, shape=(48, 64))
WORDS = {
    "hard": BagOfVisualWords(8, random_state=0),
    "raw": BagOfVisualWords(8, power=1, normalize=None, random_state=0),
    "soft": BagOfVisualWords(8, assignment="soft", tfidf=True, random_state=0),
    "pyramid": BagOfVisualWords(6, spatial_pyramid=(1, 2), random_state=0),
    "vlad": VLAD(4, n_components_pca=8, random_state=0),
    "fisher": FisherVector(
        3,
        parts=("weights", "means", "variances"),
        n_components_pca=6,
        spatial_pyramid=((1, 1), (2, 1)),
        random_state=0,
    ),
}


def fitted(words, feature=None):
    feature = feature or DenseSIFT(step=4, bin_size=2)
    steps = Grayscale(), feature, words, StandardScaler(), LogisticRegression()
    return make_pipeline(*steps).fit(IMAGES, LABELS)


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
def test_votes_sum_up_to_the_decision(words):
    model = fitted(words)
    found = explain(model, IMAGES[:4], target="red")
    assert found.method == "words"
    values = model.decision_function(IMAGES[:4])
    np.testing.assert_allclose(found.decisions, values, atol=1e-6)
    sums = found.maps.sum(axis=(1, 2), dtype=np.float64)
    np.testing.assert_allclose(sums, values, atol=1e-4)


def test_a_word_gives_its_weight_to_those_who_voted_for_it():
    words = BagOfVisualWords(8, power=1, normalize=None, random_state=0)
    model = make_pipeline(Grayscale(), DenseSIFT(step=4), words, LogisticRegression())
    found = explain(model.fit(IMAGES, LABELS), IMAGES[:1], target="red")
    (bag,) = model[:2].transform(IMAGES[:1])
    distances = np.linalg.norm(bag[:, None] - words.cluster_centers_, axis=2)
    expected = model[-1].coef_[0][distances.argmin(axis=1)]
    np.testing.assert_allclose(found.points[0][:, 2], expected, atol=1e-6)


def test_points_lie_where_the_descriptors_are():
    model = fitted(BagOfVisualWords(4, random_state=0), SIFT(contrast_threshold=0.01))
    found = explain(model, IMAGES[:2])
    positions = SIFT(contrast_threshold=0.01).transform(IMAGES[:2]).positions
    places = np.concatenate(found.points)[:, :2]
    np.testing.assert_allclose(places, positions * [48, 64], atol=1e-4)


def test_an_image_without_descriptors_is_the_intercept_everywhere():
    model = fitted(BagOfVisualWords(4, random_state=0), SIFT())
    found = explain(model, np.full((1, 40, 40, 3), 7, dtype=np.uint8), target="red")
    assert found.points[0].shape == (0, 3)
    assert np.ptp(found.maps[0]) == 0
    assert found.maps[0].sum() == pytest.approx(found.decisions[0], abs=1e-5)


def test_maxima_over_descriptors_are_not_shared_out():
    words = BagOfVisualWords(8, assignment="llc", random_state=0)
    assert not words.is_sum
    assert explain(fitted(words), IMAGES[:1]).method == "occlusion"

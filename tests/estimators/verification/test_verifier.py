"""Tests for imgfeat/estimators/verification/_verifier.py."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from imgfeat.estimators import PairVerifier, RidgeProbe
from imgfeat.features import HOG
from imgfeat.sources import ImageReader
from tests.estimators.verification._people import people, verifier

IMAGES, WHO = people()
STRANGERS, THEIR = people(seed=1)
SAME = [(STRANGERS[i], STRANGERS[i + 1]) for i in range(0, 64, 4)]
DIFFERENT = [(STRANGERS[i], STRANGERS[(i + 5) % 64]) for i in range(0, 64, 4)]
PAIRS = [*SAME, *DIFFERENT]
TRUTH = np.repeat([True, False], 16)


@pytest.fixture(scope="module")
def fitted():
    return verifier().fit(IMAGES, WHO)


def test_strangers_are_told_apart(fitted):
    assert (fitted.predict(PAIRS) == TRUTH).mean() > 0.9
    assert fitted.n_chosen_on_ >= 19


def test_similarity_is_the_cosine_of_the_features(fitted):
    a, b = fitted.features_.transform(np.stack(PAIRS[0])).astype(float)
    expected = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
    np.testing.assert_allclose(fitted.similarity(PAIRS[:1]), expected, rtol=1e-6)


def test_distances_are_similarities_that_are_negative():
    model = verifier(metric="euclidean").fit(IMAGES, WHO)
    a, b = model.features_.transform(np.stack(PAIRS[0])).astype(float)
    expected = -np.linalg.norm(a - b)
    np.testing.assert_allclose(model.similarity(PAIRS[:1]), expected, rtol=1e-6)
    assert (model.predict(PAIRS) == TRUTH).mean() > 0.9


def test_probabilities_rise_with_similarity_and_sum_to_one(fitted):
    proba = fitted.predict_proba(PAIRS)
    order = np.argsort(fitted.similarity(PAIRS))
    assert (np.diff(proba[order, 1]) >= 0).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    assert proba[TRUTH, 1].mean() > 0.8
    assert proba[~TRUTH, 1].mean() < 0.2


def test_probabilities_of_strangers_hold():
    images, who = people(40, 4, noise=60)
    model = verifier().fit(images, who)
    images, who = people(40, 4, noise=60, seed=3)
    pairs, same = [], []
    rng = np.random.default_rng(0)
    for row in range(len(who)):
        for other in (row ^ 1, int(rng.integers(len(who)))):
            if other != row:
                pairs.append((images[row], images[other]))
                same.append(who[row] == who[other])
    found = model.predict_proba(pairs)[:, 1]
    assert abs(found.mean() - np.mean(same)) < 0.06


def test_the_wanted_rate_of_strangers_is_accepted():
    images, who = people(60, 3, noise=60)
    strangers, _ = people(150, 1, noise=60, seed=5)
    pairs = [(a, b) for i, a in enumerate(strangers) for b in strangers[:i]]
    for rate in (0.2, 0.05):
        model = verifier(false_accept_rate=rate).fit(images, who)
        assert model.predict(pairs).mean() == pytest.approx(rate, rel=0.35)


def test_a_higher_rate_has_a_lower_threshold(fitted):
    assert verifier(false_accept_rate=0.3).fit(IMAGES, WHO).threshold_ < (
        fitted.threshold_
    )


def test_pairs_may_be_given(tmp_path):
    pairs = [(IMAGES[i], IMAGES[i + 1]) for i in range(0, 64, 2)]
    pairs += [(IMAGES[i], IMAGES[(i + 9) % 64]) for i in range(64)]
    y = np.repeat([1, 0], [32, 64])
    whose = np.array([(WHO[i], WHO[i + 1]) for i in range(0, 64, 2)])
    whose = np.concatenate([whose, [(WHO[i], WHO[(i + 9) % 64]) for i in range(64)]])
    model = verifier(false_accept_rate=0.2)
    model.fit([(a.copy(), b.copy()) for a, b in pairs], y)
    assert (model.predict(PAIRS) == TRUTH).mean() > 0.8
    words = np.where(y, "same", "different")
    knows = clone(model).fit(np.array(pairs), words, people=whose)
    assert (knows.predict(PAIRS) == TRUTH).mean() > 0.8
    for row, image in enumerate(IMAGES[:4]):
        Image.fromarray(image).save(tmp_path / f"{row}.png")
    paths = [str(tmp_path / f"{row}.png") for row in range(4)]
    table = pd.DataFrame({"a": paths[:2], "b": paths[2:]})
    reading = clone(model).set_params(features=make_pipeline(ImageReader(16), HOG(8)))
    reading.set_params(features__hog__pixels_per_cell=(4, 4)).fit(IMAGES, WHO)
    by_pixels = reading.similarity([(IMAGES[0], IMAGES[2]), (IMAGES[1], IMAGES[3])])
    np.testing.assert_array_equal(reading.similarity(table), by_pixels)


def test_features_learn_from_half_of_the_people():
    seen = []

    class Watching(PCA):
        def fit(self, X, y=None):
            seen.append(y)
            return super().fit(X, y)

    hog = HOG(pixels_per_cell=(4, 4), cells_per_block=(1, 1))
    model = PairVerifier(make_pipeline(hog, Watching(5)), false_accept_rate=0.1)
    model.fit(IMAGES, WHO)
    assert len(set(seen[0])) == 8  # half of the people
    # Of the others half are there for the threshold: four people of four images, who
    # have 24 pairs that are the same.
    assert model.n_chosen_on_ == 24


def test_features_that_learn_are_told_who_it_is():
    hog = HOG(pixels_per_cell=(4, 4), cells_per_block=(1, 1))
    images, who = people(40, 6, noise=60)
    plain = PairVerifier(hog, false_accept_rate=0.05).fit(images, who)
    learned = make_pipeline(hog, PCA(40), LinearDiscriminantAnalysis())
    model = PairVerifier(learned, false_accept_rate=0.05).fit(images, who)
    assert model.n_features_out_ < plain.n_features_out_
    seen = PairVerifier(make_pipeline(hog, RidgeProbe())).fit(images, who)
    assert seen.n_features_out_ == plain.n_features_out_


def test_it_is_the_same_again(fitted):
    again = clone(fitted).fit(IMAGES, WHO)
    assert again.threshold_ == fitted.threshold_
    assert again.key_ == fitted.key_
    other = clone(fitted).set_params(random_state=7).fit(IMAGES, WHO)
    assert other.threshold_ != fitted.threshold_


def test_without_calibration_there_are_no_probabilities():
    model = verifier(calibrate=False).fit(IMAGES, WHO)
    assert not hasattr(model, "predict_proba")
    assert model.predict(SAME).mean() > 0.8


def test_one_image_is_described_once(fitted):
    counts = []
    hog = fitted.features_

    def count(X):
        counts.append(len(X))
        return hog.transform(X)

    model = PairVerifier(
        FrozenEstimator(FunctionTransformer(count).fit(IMAGES)), false_accept_rate=0.05
    )
    model.fit(IMAGES, WHO)
    counts.clear()
    model.similarity([(IMAGES[0], one) for one in list(IMAGES[1:5])])
    assert sum(counts) <= 8  # views of an array are images of their own
    first = IMAGES[0]
    counts.clear()
    model.similarity([(first, one) for one in SAME[0] + SAME[1]])
    assert sum(counts) == 5


def test_one_person_and_one_kind_are_refused():
    with pytest.raises(ValueError, match=r"images of two people at least. Got one, "):
        verifier().fit(IMAGES[:4], WHO[:4])
    with pytest.raises(ValueError, match=r"two images of some people. Got one of each"):
        verifier().fit(IMAGES[::4], WHO[::4])
    with pytest.raises(ValueError, match=r"Got 16 same ones; give some of the other"):
        verifier().fit(SAME, [1] * 16)
    with pytest.raises(ValueError, match=r"Got 16 different ones; give some of the"):
        verifier().fit(SAME, [0] * 16)


def test_pairs_of_one_image_are_refused(fitted):
    with pytest.raises(ValueError, match=r"pairs of two images.*Got 1 for pair 1"):
        fitted.similarity([PAIRS[0], (PAIRS[0][0],)])
    with pytest.raises(ValueError, match=r"Got 3 for pair 0"):
        verifier().fit([(IMAGES[0], IMAGES[1], IMAGES[2])], [True])
    twice = [*PAIRS, (IMAGES, IMAGES)]
    with pytest.raises(ValueError, match=r"Got one image twice as pair 32; drop it"):
        verifier().fit(twice, [*TRUTH, True])


def test_what_has_no_direction_is_named(fitted):
    blank = np.zeros((16, 16), np.uint8)
    with pytest.raises(ValueError, match=r"Got zeros for image b of pair 1, a blank"):
        fitted.similarity([PAIRS[0], (IMAGES[0], blank)])
    with pytest.raises(ValueError, match=r"Got zeros for image 1, a blank.*euclidean"):
        fitted.describe(np.stack([IMAGES[0], blank]))
    with pytest.raises(ValueError, match=r"Got zeros for image 3, a blank"):
        verifier().fit([*IMAGES[:3], blank, *IMAGES[4:]], WHO)


def test_too_few_people_are_refused():
    with pytest.raises(ValueError, match=r"needs 99 pairs of two people to choose"):
        verifier(false_accept_rate=0.01).fit(IMAGES[:24], WHO[:24])
    with pytest.raises(ValueError, match=r"two people at least in each part"):
        verifier().fit(IMAGES[:12], WHO[:12])


def test_features_that_tell_nothing_are_refused():
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (64, 16, 16), dtype=np.uint8)
    noise[1::2] = 255 - noise[::2]  # as unlike as can be
    features = FunctionTransformer(lambda X: X.reshape(len(X), -1) - 127.5)
    with pytest.raises(ValueError, match=r"the same are more alike than others"):
        PairVerifier(features, false_accept_rate=0.2).fit(noise, np.arange(64) // 2)


def test_what_does_not_fit_is_refused(fitted):
    with pytest.raises(NotFittedError, match=r"PairVerifier instance is not fitted"):
        verifier().predict(PAIRS)
    with pytest.raises(ValueError, match=r"needs pairs of images.*Got ndarray of sha"):
        fitted.predict(IMAGES)
    with pytest.raises(ValueError, match=r"True or False for each pair.*Got \[2\]"):
        verifier().fit(PAIRS, [2] * 32)
    with pytest.raises(ValueError, match=r"for each image. Got 32 images and 2"):
        verifier().fit(PAIRS, [1, 0])
    with pytest.raises(ValueError, match=r"people= of shape \(32, 2\).*Got \(32,\)"):
        verifier().fit(PAIRS, TRUTH, people=[1] * 32)
    with pytest.raises(ValueError, match=r"Got \[1, 1\] for pair 16, which is differ"):
        verifier().fit(PAIRS, TRUTH, people=[(1, 1)] * 32)
    with pytest.raises(ValueError, match=r"takes people= with pairs"):
        verifier().fit(IMAGES, WHO, people=WHO)
    with pytest.raises(ValueError, match=r"HOG was fitted on images of 16 x 16 pix"):
        fitted.similarity([(np.ones((24, 24), np.uint8),) * 2])
    with pytest.raises(ValueError, match=r"'metric' parameter of PairVerifier"):
        verifier(metric="chi2").fit(IMAGES, WHO)
    with pytest.raises(TypeError, match=r"or a pipeline with one in front"):
        PairVerifier(RidgeProbe(), false_accept_rate=0.1).fit(
            IMAGES.reshape(64, -1), WHO
        )

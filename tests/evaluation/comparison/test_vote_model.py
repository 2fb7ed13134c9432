"""Tests for imgfeat/evaluation/comparison/_vote_model.py."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline

from imgfeat import load, load_sample, save
from imgfeat.estimators import LabelVote, LinearProbe, RidgeProbe
from imgfeat.evaluation.comparison._candidates import find_candidates
from imgfeat.evaluation.comparison._fronts import Fronts, out_of_store, through_store
from imgfeat.evaluation.comparison._vote_model import make_vote
from imgfeat.features import HOG, LBP, BagOfVisualWords, DenseSIFT
from imgfeat.sources import ImageReader
from tests._counting import count_rows

READER = ImageReader((32, 32), mode="gray")
WORDS = BagOfVisualWords(8, random_state=0)
CANDIDATES = {
    "hog-lr": make_pipeline(READER, HOG(), LinearProbe()),
    "lbp": make_pipeline(READER, LBP(), RidgeProbe()),
    "hog-ridge": make_pipeline(READER, HOG(), RidgeProbe()),
    "words": make_pipeline(READER, DenseSIFT(step=8), WORDS, LinearProbe("svm")),
}


@pytest.fixture(scope="module")
def digits():
    sample = load_sample("digits")
    keep = np.flatnonzero(sample.target < 3)[:45]
    names = np.array(["naught", "one", "two"])
    return sample.images[keep], names[sample.target[keep]]


def vote_of(candidates, X):
    key = Fronts(X, batch_size=256, location=False).key
    return make_vote(find_candidates(candidates, 0), key)


@pytest.fixture(scope="module")
def average(digits):
    """What the candidates say of the images, averaged."""
    fitted = [clone(candidate).fit(*digits) for candidate in CANDIDATES.values()]
    return np.mean([one.predict_proba(digits[0]) for one in fitted], axis=0)


def test_vote_is_the_average_and_describes_each_image_once(
    digits, average, monkeypatch
):
    seen = count_rows(monkeypatch, HOG)
    vote = vote_of(CANDIDATES, digits[0]).fit(*digits)
    seen.clear()
    np.testing.assert_allclose(vote.predict_proba(digits[0]), average, rtol=1e-5)
    assert seen == [45]
    assert vote.classes_.tolist() == ["naught", "one", "two"]


def test_vote_of_one_front_is_a_pipeline(digits):
    names = ("hog-lr", "hog-ridge")
    vote = vote_of({name: CANDIDATES[name] for name in names}, digits[0])
    assert [name for name, _ in vote.steps] == ["imagereader", "hog", "vote"]
    assert [name for name, _ in vote[-1].estimators] == list(names)


def test_vote_on_several_labels_is_one_of_labels(digits):
    names = ("hog-lr", "lbp", "hog-ridge")
    y = np.array([digits[1] != "one", digits[1] == "two"]).T.astype(int)
    some = {name: CANDIDATES[name] for name in names}
    key = Fronts(digits[0], batch_size=256, location=False).key
    vote = make_vote(find_candidates(some, 0), key, is_several=True)
    assert type(vote) is LabelVote and vote.weights == [2, 1]
    fitted = [clone(one).fit(digits[0], y) for one in some.values()]
    expected = np.mean([one.predict_proba(digits[0]) for one in fitted], axis=0)
    found = through_store(vote).fit(digits[0], y).predict_proba(digits[0])
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_names_that_are_no_names_of_steps_are_replaced():
    pair = {"voting": GaussianNB(), "a__b": LogisticRegression()}
    vote = vote_of(pair, np.zeros((4, 2)))
    assert isinstance(vote, VotingClassifier)
    X = np.array([[0.0, 1], [1, 1], [4, 5], [5, 5]])
    assert vote.fit(X, [0, 0, 1, 1]).predict(X).tolist() == [0, 0, 1, 1]


def test_vote_goes_through_the_store_and_out_of_it(digits, average, tmp_path):
    X, y = digits
    stored = through_store(vote_of(CANDIDATES, X), tmp_path).fit(X, y)
    assert any(tmp_path.iterdir())
    plain = out_of_store(stored)
    assert "CachedFeatures" not in repr(plain)
    assert "LearnedFeatures" not in repr(plain)
    np.testing.assert_allclose(plain.predict_proba(X), average, rtol=1e-5)


def test_saved_vote_says_the_same(digits, average, tmp_path):
    X, y = digits
    save(vote_of(CANDIDATES, X).fit(X, y), tmp_path / "vote.imgfeat")
    loaded = load(tmp_path / "vote.imgfeat")
    np.testing.assert_allclose(loaded.predict_proba(X), average, rtol=1e-5)
    assert np.array_equal(loaded.predict(X), loaded.classes_[average.argmax(axis=1)])

"""Tests for imgfeat/features/cache/_learned.py."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from imgfeat import load_sample
from imgfeat.features import (
    VLAD,
    BagOfVisualWords,
    CachedFeatures,
    DenseSIFT,
    FisherVector,
    PatchDictionary,
)
from imgfeat.features.cache._chunk import SUFFIX
from imgfeat.features.cache._learned import LearnedFeatures, learns_alike
from imgfeat.features.cache._store import CacheWarning
from imgfeat.sources import ImageReader

LEARNERS = {
    "words": BagOfVisualWords(8, spatial_pyramid=(1, 2), random_state=0),
    "vlad": VLAD(4, n_components_pca=8, random_state=0),
    "fisher": FisherVector(4, n_components_pca=8, random_state=0),
    "patches": PatchDictionary(16, random_state=0),
}


@pytest.fixture(scope="module")
def images():
    return load_sample("textures", patch_size=64).images[::8][:24]


def front_of(name):
    if name == "patches":
        return make_pipeline(ImageReader((32, 32), mode="gray"))
    return make_pipeline(ImageReader((32, 32), mode="gray"), DenseSIFT(step=8))


def learned(name, location):
    steps = [("front", CachedFeatures(front_of(name), location)), ("x", LEARNERS[name])]
    return LearnedFeatures(Pipeline(steps), location, batch_size=10)


@pytest.fixture
def fits(monkeypatch):
    """Which learners were fitted."""
    seen = []
    for kind in {type(learner) for learner in LEARNERS.values()}:

        def fit(self, X, y=None, *, _fit=kind.fit):
            seen.append(type(self).__name__)
            return _fit(self, X, y)

        monkeypatch.setattr(kind, "fit", fit)
    return seen


@pytest.mark.parametrize("name", LEARNERS)
def test_features_are_those_without_a_store_to_the_last_bit(name, images, tmp_path):
    plain = make_pipeline(front_of(name), clone(LEARNERS[name]))
    train = plain.fit_transform(images[:16])
    test = plain.transform(images[16:])
    for _ in range(2):  # computed, found
        ours = learned(name, tmp_path)
        np.testing.assert_array_equal(ours.fit_transform(images[:16]), train)
        np.testing.assert_array_equal(ours.transform(images[16:]), test)
        np.testing.assert_array_equal(ours.transformer_.transform(images[16:]), test)


@pytest.mark.parametrize("name", ["words", "patches"])
def test_nothing_is_learned_twice(name, images, tmp_path, fits):
    first = learned(name, tmp_path)
    first.fit_transform(images[:16])
    first.transform(images[16:])
    assert len(fits) == 1
    again = learned(name, tmp_path)
    again.fit_transform(images[:16])
    again.transform(images[16:])
    assert len(fits) == 1
    known = again.transformer_.transform(images[16:])
    assert len(fits) == 1
    np.testing.assert_array_equal(known, first.transformer_.transform(images[16:]))


@pytest.mark.parametrize("change", ["images", "order", "parameter", "library"])
def test_what_changes_the_result_is_learned_anew(
    change, images, tmp_path, fits, monkeypatch
):
    learned("words", tmp_path).fit_transform(images[:16])
    other, X = learned("words", tmp_path), images[:16]
    if change == "images":
        X = images[:15]
    elif change == "order":
        X = images[:16][::-1]
    elif change == "parameter":
        words = clone(LEARNERS["words"]).set_params(random_state=1)
        steps = [other.transformer.steps[0], ("x", words)]
        other.set_params(transformer=Pipeline(steps))
    else:
        name = "imgfeat.features.cache._learned.versions"
        monkeypatch.setattr(name, lambda names: dict.fromkeys(names, "99"))
    other.fit_transform(X)
    assert len(fits) == 2


def test_rows_that_are_missing_come_from_what_was_learned(images, tmp_path, fits):
    """As when a run was killed between learning and the last row."""
    learned("words", tmp_path).fit_transform(images[:16])
    plain = make_pipeline(front_of("words"), clone(LEARNERS["words"]))
    expected = plain.fit(images[:16]).transform(images[16:])
    fits.clear()
    late = learned("words", tmp_path)
    late.fit_transform(images[:16])
    assert not fits
    np.testing.assert_array_equal(late.transform(images[16:]), expected)
    assert not fits


def test_seconds_that_were_spared_are_owed(images, tmp_path):
    first = learned("words", tmp_path)
    first.fit_transform(images[:16])
    assert first.owed_s_ == pytest.approx(0)
    again = learned("words", tmp_path)
    again.fit_transform(images[:16])
    learner = first._learner
    expected = learner.learn_s + 16 * learner.row_s
    assert again.owed_s_ == pytest.approx(expected)


def test_only_what_learns_alike_is_kept():
    assert all(learns_alike(learner) for learner in LEARNERS.values())
    assert not learns_alike(BagOfVisualWords(8, random_state=None))
    assert not learns_alike(BagOfVisualWords(8, random_state=np.random.RandomState(0)))
    assert not learns_alike(StandardScaler())


@pytest.mark.parametrize("name", ["words", "patches"])
def test_what_is_damaged_is_said_and_learned_anew(name, images, tmp_path):
    train = learned(name, tmp_path).fit_transform(images[:16])
    for file in tmp_path.rglob(f"*{SUFFIX}"):
        file.write_bytes(b"x" * file.stat().st_size)
    with pytest.warns(CacheWarning, match="are computed again"):
        again = learned(name, tmp_path).fit_transform(images[:16])
    np.testing.assert_array_equal(again, train)

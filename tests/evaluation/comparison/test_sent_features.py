"""Tests for imgfeat/evaluation/comparison/_sent_features.py: what goes to a cluster.

Whether a cluster gives the same is tested by examples/search_on_a_cluster.py.
"""

import pickle

import joblib
import numpy as np
import pytest
from joblib._parallel_backends import ThreadingBackend

from imgfeat import compare, load_image_folder, make_recipe
from imgfeat.evaluation.comparison import _race


class Elsewhere(ThreadingBackend):
    """As a cluster is to joblib: none of its own backends."""


joblib.register_parallel_backend("elsewhere", Elsewhere)


@pytest.fixture(scope="module")
def wood(photos):
    return load_image_folder(photos)


@pytest.fixture
def sent(monkeypatch):
    """The arguments of each fold, as bytes."""
    found = []
    delayed = joblib.delayed

    def watching(function):
        def task(*args):
            found.append(pickle.dumps(args))
            return delayed(function)(*args)

        return task

    monkeypatch.setattr(_race.joblib, "delayed", watching)
    return found


@pytest.mark.parametrize("cache", [True, False])
def test_folds_elsewhere_get_paths_and_have_the_same_scores(wood, sent, cache):
    candidates = {"hog-svm": make_recipe("hog-svm", size=64)}
    given = candidates, wood.images, wood.target
    here = compare(*given, cv=3, cache=cache)
    of_arrays = max(map(len, sent))
    sent.clear()
    with joblib.parallel_config("elsewhere", n_jobs=2):
        there = compare(*given, cv=3, cache=cache)
    assert len(sent) == 3
    assert max(map(len, sent)) < 15_000 < of_arrays
    assert there.cv_results_.equals(here.cv_results_)
    name = "hog-svm"
    np.testing.assert_array_equal(there.probabilities[name], here.probabilities[name])


def test_arrays_have_no_paths_to_send(sent):
    images = np.random.default_rng(0).integers(0, 256, (12, 32, 32), np.uint8)
    recipe = {"hog-svm": make_recipe("hog-svm", size=32)}
    with joblib.parallel_config("elsewhere", n_jobs=1):
        found = compare(recipe, images, np.arange(12) % 2, cv=2, cache=False)
    assert not len(found.errors)
    assert b"SentFeatures" not in sent[0]

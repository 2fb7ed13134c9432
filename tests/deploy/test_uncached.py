"""Tests for imgfeat/deploy/_uncached.py."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler

from imgfeat._nesting import walk
from imgfeat.deploy import load, save
from imgfeat.deploy._example import picture
from imgfeat.deploy._uncached import without_caches
from imgfeat.features import HOG, CachedFeatures
from imgfeat.sources import ImageReader


@pytest.fixture
def photos():
    images = np.stack([picture((40, 50), seed) for seed in range(8)])
    return images, ["left", "right"] * 4


def cached(folder):
    reader = ImageReader((32, 32), mode="gray")
    return CachedFeatures(make_pipeline(reader, HOG()), location=str(folder))


def has_cache(estimator):
    return any(isinstance(item, CachedFeatures) for _, item in walk(estimator))


@pytest.mark.parametrize("in_union", [False, True])
@pytest.mark.parametrize("searched", [False, True])
def test_cache_is_left_out_wherever_it_is(photos, tmp_path, in_union, searched):
    images, labels = photos
    features = cached(tmp_path / "cache")
    if in_union:
        features = FeatureUnion([("hog", features)])
    model = make_pipeline(features, StandardScaler(), LogisticRegression())
    if searched:
        model = GridSearchCV(model, {"logisticregression__C": [0.1, 1]}, cv=2)
    model.fit(images, labels)
    save(model, tmp_path / "model.imgfeat")
    loaded = load(tmp_path / "model.imgfeat")
    assert has_cache(model)
    assert not has_cache(loaded)
    assert_array_equal(loaded.predict_proba(images), model.predict_proba(images))


def test_loaded_pipeline_writes_nothing(photos, tmp_path):
    images, labels = photos
    model = make_pipeline(cached(tmp_path / "cache"), LogisticRegression())
    save(model.fit(images, labels), tmp_path / "model.imgfeat")
    before = sorted(tmp_path.rglob("*"))
    load(tmp_path / "model.imgfeat").predict(images + 1)
    assert sorted(tmp_path.rglob("*")) == before


def test_pipeline_without_a_cache_is_returned_itself(fitted):
    assert without_caches(fitted) is fitted

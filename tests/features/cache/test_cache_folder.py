"""Tests for imgfeat/features/cache/_cache_folder.py."""

import json

import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from imgfeat import _once
from imgfeat.features import (
    HOG,
    VLAD,
    CachedFeatures,
    DenseSIFT,
    cache_info,
    clear_cache,
)
from imgfeat.features.cache._cache_folder import cache_folder
from imgfeat.features.cache._claims import claiming
from imgfeat.features.cache._store import CacheWarning
from imgfeat.sources import ImageReader
from tests.features.cache._rows import some_keys


@pytest.fixture
def location(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def hog():
    reader = ImageReader((16, 16), mode="gray")
    return make_pipeline(FunctionTransformer(), reader, HOG(pixels_per_cell=(4, 4)))


def folder_of(location):
    (path,) = location.glob("*/about.json")
    return path.parent


def test_lists_what_is_kept(images, location, hog):
    assert cache_info(location).empty
    CachedFeatures(hog, location, batch_size=2).fit_transform(images)
    CachedFeatures(DenseSIFT(bin_size=3), location).fit_transform(images[:4])
    info = cache_info(location)
    assert dict(zip(info["transformer"], info["rows"], strict=True)) == {
        "FunctionTransformer, ImageReader, HOG": 6,
        "DenseSIFT": 4,
    }
    assert sorted(info["files"]) == [1, 3]
    assert info["megabytes"].sum() > 0.01
    assert (info["last_written"] > pd.Timestamp("2020-01-01")).all()


def test_counts_rows_in_intact_files(images, location, hog):
    CachedFeatures(hog, location, batch_size=4).fit_transform(images)
    (folder_of(location) / f"{0:032x}.features").write_bytes(b"damaged")
    (info,) = cache_info(location).itertuples()
    assert (info.rows, info.files) == (6, 3)


@pytest.mark.parametrize(
    "about", ["", "[]", "{}", '{"transformer": 3}', '{"transformer": []}', "[" * 9999]
)
def test_lists_as_unknown_what_says_nothing_of_itself(images, location, about):
    CachedFeatures(HOG(pixels_per_cell=(4, 4)), location).fit_transform(images)
    (folder_of(location) / "about.json").write_text(about)
    (info,) = cache_info(location).itertuples()
    assert (info.transformer, info.rows) == ("unknown", 6)


def test_what_is_kept_bears_public_names(images, location, hog):
    CachedFeatures(hog, location).fit_transform(images)
    text = (folder_of(location) / "about.json").read_text()
    assert '"imgfeat.sources.ImageReader"' in text
    assert '"imgfeat.features.HOG"' in text
    assert "imgfeat.features._" not in text
    assert json.loads(text)["transformer"]["class"] == "sklearn.pipeline.Pipeline"


def test_clears_what_is_ours_and_nothing_else(images, location, hog):
    CachedFeatures(hog, location).fit_transform(images)
    folder = folder_of(location)
    (folder / f".{0:032x}.features.abc").write_bytes(bytes(1000))  # of a killed run
    (folder / "notes.txt").write_text("mine")
    (location / "photos").mkdir()
    size = sum(path.stat().st_size for path in folder.iterdir()) - len("mine")
    assert clear_cache(location) == size
    assert sorted(location.rglob("*")) == sorted(
        [folder, folder / "notes.txt", location / "photos"]
    )
    assert cache_info(location)["rows"].sum() == 0
    (folder / "notes.txt").unlink()
    assert clear_cache(location) == 0
    assert cache_info(location).empty


def test_clears_claims_too(images, location, hog):
    CachedFeatures(hog, location).fit_transform(images)
    with claiming(folder_of(location), some_keys(2)):
        assert list(location.rglob("*.claim"))
        clear_cache(location)
    assert not list(location.iterdir())


def test_clears_nothing_behind_a_link(images, location, hog, tmp_path):
    CachedFeatures(hog, tmp_path / "other").fit_transform(images)
    location.mkdir()
    folder = folder_of(tmp_path / "other")
    (location / folder.name).symlink_to(folder, target_is_directory=True)
    assert clear_cache(location) == 0
    assert cache_info(tmp_path / "other")["rows"].sum() == 6


def test_the_folder_is_below_home_unless_told(monkeypatch, tmp_path):
    monkeypatch.setenv("IMGFEAT_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    assert cache_folder() == tmp_path / "features"
    assert cache_folder("~/cache") == tmp_path / "me" / "cache"


def test_user_without_a_home_keeps_nothing_and_is_told_once(
    images, hog, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IMGFEAT_HOME", "~nobody-of-this-name/cache")
    monkeypatch.setattr(_once, "_told", set())
    expected = hog.fit_transform(images)
    with pytest.warns(CacheWarning, match="are not kept.*; set IMGFEAT_HOME to a fold"):
        got = CachedFeatures(hog).fit_transform(images)
    assert_array_equal(got, expected)
    vlad = make_pipeline(CachedFeatures(DenseSIFT(bin_size=3)), VLAD(2))
    assert vlad.fit_transform(images).shape[0] == len(images)
    assert cache_info().empty
    assert clear_cache() == 0
    assert not list(tmp_path.iterdir())
    # A folder that was named is not silently another one.
    for ask in (cache_info, clear_cache, cache_folder):
        with pytest.raises(FileNotFoundError, match="set HOME"):
            ask("~nobody-of-this-name/cache")


def test_a_file_in_place_of_the_folder_holds_nothing(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    assert cache_info(tmp_path / "file").empty
    assert clear_cache(tmp_path / "file") == 0
    assert clear_cache(tmp_path / "missing") == 0

"""Tests for imgfeat/features/cache/_cached.py and what it is made of."""

import errno
import io
import os
import pickle
import re
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from pandas.testing import assert_frame_equal
from PIL import Image
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from imgfeat._traits import Traits
from imgfeat.features import (
    HOG,
    LBP,
    CachedFeatures,
    CacheWarning,
    DenseSIFT,
    Descriptors,
    FisherVector,
    clear_cache,
)
from imgfeat.features.cache import _store
from imgfeat.sources import ImageDecodeError, ImageReader
from tests._checks import WITHOUT_DATA, behind_adapter, expected_to_fail

SMALL = {"pixels_per_cell": (4, 4), "cells_per_block": (1, 1)}


@pytest.mark.parametrize("check", WITHOUT_DATA, ids=lambda check: check.__name__)
def test_follows_estimator_api(check):
    check("CachedFeatures", CachedFeatures(HOG()))


@parametrize_with_checks(
    [behind_adapter(CachedFeatures(HOG(**SMALL)))],
    expected_failed_checks=expected_to_fail,
)
def test_behaves_in_a_pipeline(estimator, check):
    check(estimator)


@pytest.fixture
def location(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def files(tmp_path):
    """Paths of 30 images of noise, 16 x 16 pixels, the odd ones brighter."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "images"
    folder.mkdir()
    for row in range(30):
        pixels = rng.integers(0, 128, (16, 16, 3)) + 100 * (row % 2)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{row:02}.png")
    return np.array(sorted(map(str, folder.iterdir())), dtype=object)


class Log:
    """A first step that notes which sources pass, in whatever process."""

    def __init__(self, path):
        self.path = Path(path)

    def step(self):
        path = str(self.path)

        def note(sources):
            # The system appends whole lines, also of several processes.
            with open(path, "ab", buffering=0) as file:
                file.write("".join(f"{source}\n" for source in sources).encode())
            return sources

        return FunctionTransformer(note)

    def read(self):
        """What has passed since the last call."""
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        self.path.unlink(missing_ok=True)
        return lines


@pytest.fixture
def log(tmp_path):
    return Log(tmp_path / "log")


@pytest.fixture
def hog(log):
    """From files to 64 features that tell the two kinds apart, and notes in `log`."""
    reader = ImageReader((16, 16), mode="gray", dtype="float32")
    return make_pipeline(log.step(), reader, HOG(**SMALL))


@pytest.fixture
def plain_hog(hog):
    """The same without notes."""
    return make_pipeline(*[step for _, step in hog.steps[1:]])


def names(paths):
    return sorted(map(str, paths))


# It changes nothing


@pytest.mark.parametrize(
    "transformer",
    [
        HOG(**SMALL),
        make_pipeline(ImageReader((12, 12)), LBP(), Normalizer()),
        FeatureUnion([("hog", HOG()), ("lbp", LBP(n_points=4))]),
        ImageReader((8, 6)),
        ImageReader((8, 6), dtype="float32"),
        FunctionTransformer(lambda X: np.asarray(X, dtype=float).sum(axis=(1, 2))),
    ],
    ids=lambda transformer: type(transformer).__name__,
)
def test_gives_what_the_transformer_gives(images, location, transformer):
    expected = clone(transformer).fit_transform(images)
    for _ in range(2):
        cached = CachedFeatures(transformer, location, batch_size=4)
        at_once, in_turn = cached.fit_transform(images), cached.fit(images)
        for found in (at_once, in_turn.transform(images)):
            assert found.dtype == expected.dtype
            assert found.flags.c_contiguous
            assert_array_equal(found, expected)


def test_gives_the_descriptors_that_the_transformer_gives(images, location):
    sift = DenseSIFT(bin_size=3)
    expected = sift.fit_transform(images)
    for _ in range(2):
        found = CachedFeatures(sift, location, batch_size=4).fit_transform(images)
        assert isinstance(found, Descriptors)
        assert found.shape == expected.shape
        assert_array_equal(found.values, expected.values)
        assert_array_equal(found.positions, expected.positions)
        assert_array_equal(found.offsets, expected.offsets)


def test_every_kind_of_source_gives_the_same_rows(files, location):
    arrays = [np.asarray(Image.open(path)) for path in files]
    batches = {
        "paths": files,
        "Path": list(map(Path, files)),
        "Series": pd.Series(files, index=range(100, 130)),
        "bytes": [Path(path).read_bytes() for path in files],
        "PIL": [Image.open(path) for path in files],
        "file objects": [io.BytesIO(Path(path).read_bytes()) for path in files],
        "list of arrays": arrays,
        "array": np.stack(arrays),
        "int64 array": np.stack(arrays).astype(np.int64),
    }
    expected = HOG().fit_transform(np.stack(arrays))
    for kind, X in batches.items():
        for _ in range(2):
            cached = CachedFeatures(HOG(), location, batch_size=7)
            assert_array_equal(cached.fit_transform(X), expected, err_msg=kind)


def test_integers_mean_what_their_dtype_says_in_every_chunk(location):
    X = np.arange(6 * 64).reshape(6, 8, 8)
    reader = ImageReader()
    for part in (X[:4], X.astype(np.uint16) + 20_000):
        found = CachedFeatures(reader, location, batch_size=1).fit_transform(part)
        assert_array_equal(found, reader.transform(part))
    with pytest.raises(ValueError, match=r"int64 pixels are read as 0\.\.255"):
        CachedFeatures(reader, location, batch_size=1).fit_transform(X)


def test_works_without_fit(files, location, hog):
    assert_array_equal(
        CachedFeatures(hog, location).transform(files), hog.transform(files)
    )


# What is computed, and what is not


def test_computes_each_row_once(files, location, hog, log):
    CachedFeatures(hog, location, batch_size=8).fit_transform(files)
    assert names(log.read()) == names(files)
    again = CachedFeatures(clone(hog), str(location), batch_size=5)
    again.fit(files).transform(files[::-1])
    again.fit_transform(files[3:20])
    assert log.read() == []


def test_computes_only_the_rows_that_are_new(files, location, hog, log):
    CachedFeatures(hog, location, batch_size=8).fit_transform(files[5:25])
    log.read()
    found = CachedFeatures(hog, location, batch_size=8).fit_transform(files)
    assert names(log.read()) == names([*files[:5], *files[25:]])
    assert_array_equal(found, hog.transform(files))


class Net(HOG):
    """Says that it takes as long as a net."""

    def __imgfeat_traits__(self):
        return Traits(holds_net=True)


def test_branch_of_a_union_finds_what_its_net_alone_has_kept(files, location, log):
    net = make_pipeline(log.step(), ImageReader((16, 16)), Net(**SMALL))
    wide = make_pipeline(ImageReader((8, 12)), LBP(n_points=4))
    branch = Pipeline([*net.steps, ("of unit length", Normalizer())])
    union = FeatureUnion([("net", branch), ("wide", wide), ("none", "drop")])
    whole = make_pipeline(union, Normalizer())
    CachedFeatures(net, location).fit_transform(files[:20])
    assert names(log.read()) == names(files[:20])
    found = CachedFeatures(whole, location, batch_size=8).fit_transform(files)
    assert names(log.read()) == names(files[20:])
    assert_array_equal(found, whole.transform(files))
    log.read()
    CachedFeatures(net, location).fit_transform(files)
    assert log.read() == []


def test_describes_an_image_once_that_comes_twice(files, location, hog, log):
    X = files[[0, 1, 0, 2, 2, 0]]
    found = CachedFeatures(hog, location, batch_size=2).fit_transform(X)
    assert names(log.read()) == names(files[:3])
    assert_array_equal(found, hog.transform(X))


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_a_grid_search_reads_each_file_once(files, location, hog, log, n_jobs):
    pipeline = make_pipeline(
        CachedFeatures(hog, location, batch_size=4),
        StandardScaler(),
        LogisticRegression(),
    )
    grid = {"logisticregression__C": [0.1, 1]}
    folds = KFold(4, shuffle=True, random_state=0)
    search = GridSearchCV(pipeline, grid, cv=folds, n_jobs=n_jobs)
    search.fit(files, np.arange(30) % 2)
    assert names(log.read()) == names(files)
    plain = make_pipeline(StandardScaler(), LogisticRegression())
    expected = GridSearchCV(plain, grid, cv=folds).fit(
        hog.transform(files), np.arange(30) % 2
    )
    assert_array_equal(
        search.cv_results_["mean_test_score"], expected.cv_results_["mean_test_score"]
    )


def test_processes_divide_the_work(files, location, hog, log):
    cached = CachedFeatures(hog, location, batch_size=1)
    found = joblib.Parallel(2)(
        joblib.delayed(cached.transform)(files) for _ in range(4)
    )
    assert names(log.read()) == names(files)
    expected = hog.transform(files)
    for rows in found:
        assert_array_equal(rows, expected)


def test_threads_divide_the_work(files, location, hog, log):
    cached = CachedFeatures(hog, location, batch_size=1)
    joblib.Parallel(3, prefer="threads")(
        joblib.delayed(cached.transform)(files) for _ in range(3)
    )
    assert names(log.read()) == names(files)


def test_goes_on_where_a_run_was_stopped(files, location, hog, log, tmp_path):
    # In files, for what code refers to is a part of its key.
    seen, is_stopping = str(tmp_path / "seen"), str(tmp_path / "is_stopping")
    Path(is_stopping).touch()

    class Stop(TransformerMixin, BaseEstimator):
        """Is interrupted once it has seen 20 images."""

        def fit(self, X, y=None):
            return self

        def transform(self, X):
            with open(seen, "a") as file:
                file.write("." * len(X))
            if os.path.exists(is_stopping) and os.path.getsize(seen) > 20:
                raise KeyboardInterrupt("Ctrl-C")
            return X

        def __sklearn_tags__(self):
            tags = super().__sklearn_tags__()
            tags.requires_fit = False
            return tags

    cached = CachedFeatures(make_pipeline(hog, Stop()), location, batch_size=8)
    with pytest.raises(KeyboardInterrupt, match="Ctrl-C"):
        cached.fit_transform(files)
    log.read()
    Path(is_stopping).unlink()
    found = cached.fit_transform(files)
    assert names(log.read()) == names(files[16:])
    assert_array_equal(found, hog.transform(files))
    assert not list(location.rglob("*.claim"))


def test_takes_no_more_than_a_batch_at_once(files, location, hog):
    sizes = []
    note = FunctionTransformer(lambda X: sizes.append(len(X)) or X)
    CachedFeatures(make_pipeline(note, hog), location, batch_size=7).fit_transform(
        files
    )
    assert sizes == [7, 7, 7, 7, 2]


@pytest.mark.parametrize(
    "change",
    [
        {"hog__orientations": 4},
        {"imagereader__aspect": "pad"},
        {"hog__transform_sqrt": True},
    ],
    ids=str,
)
def test_another_parameter_is_another_feature(files, location, hog, log, change):
    CachedFeatures(hog, location).fit_transform(files)
    log.read()
    found = CachedFeatures(clone(hog).set_params(**change), location).fit_transform(
        files
    )
    assert names(log.read()) == names(files)
    assert_array_equal(found, hog.set_params(**change).transform(files))


def test_a_parameter_that_is_set_after_fit_counts_at_the_next(files, location, hog):
    before, after = hog.transform(files), clone(hog).set_params(hog__orientations=4)
    cached = CachedFeatures(hog, location).fit(files[:3])
    cached.set_params(transformer__hog__orientations=4)
    assert_array_equal(cached.transform(files), before)
    assert_array_equal(cached.fit_transform(files), after.transform(files))


def test_the_number_of_threads_changes_no_feature(files, location, hog, log):
    CachedFeatures(hog, location).fit_transform(files)
    log.read()
    hog.set_params(hog__n_jobs=2, imagereader__n_jobs=2, verbose=False)
    CachedFeatures(hog, location, n_jobs=2, batch_size=3).fit_transform(files)
    assert log.read() == []


def test_gives_its_threads_to_the_steps(files, location, hog):
    cached = CachedFeatures(hog, location, n_jobs=2).fit(files)
    assert cached.transformer_["hog"].n_jobs == 2
    assert cached.transformer_["imagereader"].n_jobs == 2
    assert hog["hog"].n_jobs is None


def test_a_changed_file_is_read_again(files, location, hog, log):
    CachedFeatures(hog, location).fit_transform(files)
    log.read()
    Image.new("RGB", (16, 16), "red").save(files[3])
    os.utime(files[4], ns=(0, 1))
    found = CachedFeatures(hog, location).fit_transform(files)
    assert names(log.read()) == names(files[3:5])
    assert_array_equal(found, hog.transform(files))


def test_a_file_that_changes_while_it_is_read_is_not_kept(files, location, hog, log):
    path = files[3]

    def touch(sources):
        if os.stat(path).st_mtime_ns != 7:  # once: every touch is a change
            os.utime(path, ns=(0, 7))
        return sources

    cached = CachedFeatures(make_pipeline(FunctionTransformer(touch), hog), location)
    cached.fit_transform(files[:5])
    log.read()
    cached.fit_transform(files[:5])
    assert path in log.read()
    cached.fit_transform(files[:5])
    assert log.read() == []


# Bad images


@pytest.fixture
def some_bad(files):
    Path(files[4]).write_bytes(b"not an image")
    Path(files[20]).unlink()
    return files


@pytest.mark.parametrize("on_error", ["raise", "nan"])
def test_needs_an_image_that_can_be_read(some_bad, location, hog, on_error):
    with pytest.raises(ValueError, match=r"04\.png.*not an image"):
        CachedFeatures(hog, location, on_error=on_error).fit(some_bad[[4]])


def test_an_error_names_the_file_and_keeps_what_was_done(some_bad, location, hog, log):
    cached = CachedFeatures(hog, location, batch_size=5)
    X = np.delete(some_bad, 20)[::-1]  # the bad one has position 24 now
    with pytest.raises(ImageDecodeError, match=r"Cannot read .*04\.png: it is not"):
        cached.fit_transform(X)
    log.read()
    cached.fit_transform(np.delete(X, 24))
    assert names(log.read()) == names([*X[20:24], *X[25:]])


def test_a_missing_file_is_told_before_the_others_are_read(
    some_bad, location, hog, log
):
    with pytest.raises(ImageDecodeError, match=r"20\.png: there is no such file"):
        CachedFeatures(hog, location).fit_transform(some_bad)
    assert log.read() == [some_bad[20]]


def test_an_error_counts_rows_from_the_first_batch_on(files, location):
    X = [Path(path).read_bytes() for path in files]
    X[17] = b"GIF"
    with pytest.raises(ImageDecodeError, match="Cannot read image 17: it is not an im"):
        CachedFeatures(ImageReader((8, 8)), location, batch_size=5).fit_transform(X)
    X = np.random.default_rng(0).random((10, 8, 8))
    X[7] = np.nan
    with pytest.raises(ValueError, match="contains NaN") as caught:
        CachedFeatures(HOG(**SMALL), location, batch_size=4).fit_transform(X)
    assert "4 images, from row 4 to row 7 of X" in caught.value.__notes__[0]


@pytest.mark.parametrize("batch_size", [3, 256])
def test_bad_rows_are_nan_and_listed(some_bad, location, hog, log, batch_size):
    X = some_bad[[0, 4, 1, 20, 2, 4]]
    for _ in range(2):
        cached = CachedFeatures(hog, location, batch_size, on_error="nan")
        found = cached.fit_transform(X)
        assert_array_equal(np.isnan(found).all(axis=1), [0, 1, 0, 1, 0, 1])
        assert_array_equal(found[[0, 2, 4]], hog.transform(some_bad[:3]))
        assert list(cached.errors_["row"]) == [1, 3, 5]
        assert list(cached.errors_["path"]) == list(some_bad[[4, 20, 4]])
        assert "not an image" in cached.errors_["reason"][0]
        assert cached.errors_["reason"][1] == "there is no such file"
    # Those two were tried again, the others not.
    log.read()
    cached.fit_transform(X)
    assert set(log.read()) == set(some_bad[[4, 20]])
    assert len(cached.fit_transform(some_bad[:3])) == 3
    assert cached.errors_.empty


def test_a_repaired_file_is_described(some_bad, location, hog):
    cached = CachedFeatures(hog, location, on_error="nan").fit(some_bad)
    Image.new("RGB", (16, 16)).save(some_bad[4])
    assert np.isfinite(cached.transform(some_bad[4:5])).all()


def test_once_fitted_gives_nan_for_a_batch_of_bad_images(some_bad, location, hog):
    cached = CachedFeatures(hog, location, on_error="nan").fit(some_bad)
    assert np.isnan(cached.transform(some_bad[[4]])).all()
    assert len(cached.errors_) == 1


def test_a_bad_image_has_no_descriptors(some_bad, location):
    cached = CachedFeatures(DenseSIFT(bin_size=3), location, on_error="nan")
    found = cached.fit_transform(some_bad)
    assert_array_equal(np.flatnonzero(found.n_per_image == 0), [4, 20])
    assert found[4].shape == (0, 128)
    assert cached.transform(some_bad[[4]]).n_per_image == [0]
    assert np.asarray(cached.transform(some_bad[[4, 20]]).values).shape == (0, 128)


def test_integers_cannot_be_nan(some_bad, location):
    cached = CachedFeatures(ImageReader((8, 8)), location, on_error="nan")
    with pytest.raises(ValueError, match=r"Got uint8; set on_error='raise'"):
        cached.fit_transform(some_bad)


def test_refuses_features_of_two_lengths(files, location):
    Image.new("RGB", (20, 20)).save(files[7])
    cached = CachedFeatures(HOG(**SMALL), location, batch_size=1)
    with pytest.raises(ValueError, match=r"144 float32 .* 225 float32 .* image 7: are"):
        cached.fit_transform(files)
    with pytest.raises(ValueError, match=r"are the images of different sizes\? Put"):
        cached.fit(files).transform(files[[7]])


# Bad transformers


@pytest.mark.parametrize(
    "transformer, message",
    [
        (StandardScaler(), r"Got StandardScaler, which learns"),
        (
            make_pipeline(HOG(), StandardScaler()),
            r"Got the step 'standardscaler', StandardScaler, .* put it behind: "
            r"make_pipeline\(CachedFeatures\(\.\.\.\), StandardScaler\(\.\.\.\)\)",
        ),
        (make_pipeline(DenseSIFT(), FisherVector()), "FisherVector, which learns"),
        (FeatureUnion([("a", make_pipeline(HOG(), StandardScaler()))]), "'standards"),
        (
            FunctionTransformer(print, kw_args={"file": object()}),
            r"of type builtins.ob",
        ),
        (FunctionTransformer(lambda X: X[1:]), "Got 5 rows for 6 images"),
        (FunctionTransformer(lambda X: X.astype(str)), "Got features of dtype <U"),
    ],
    ids=range(7),
)
def test_refuses_a_transformer_that_it_cannot_keep(
    images, location, transformer, message
):
    with pytest.raises((TypeError, ValueError), match=message):
        CachedFeatures(transformer, location).fit_transform(images)


@pytest.mark.parametrize("X", ["a.jpg", Path("a.jpg"), [], np.empty((0, 8, 8)), 3])
def test_refuses_what_is_no_batch(location, X):
    with pytest.raises((ValueError, TypeError), match=r"batch|sample|array"):
        CachedFeatures(HOG(), location).fit(X)


# Bad folders


def chunk_files(location):
    return sorted(location.rglob("*.features"))


@pytest.mark.parametrize("where", [0, 30, 150, 400, -1])
@pytest.mark.parametrize("fresh", [True, False], ids=["next run", "same run"])
def test_a_damaged_file_is_computed_again(files, location, hog, log, where, fresh):
    CachedFeatures(hog, location, batch_size=15).fit_transform(files)
    log.read()
    path = chunk_files(location)[0]
    content = bytearray(path.read_bytes())
    content[where] ^= 1
    path.write_bytes(content)
    _store._stores.clear()  # as a new process would
    with pytest.warns(CacheWarning, match=re.escape(path.name)):
        found = CachedFeatures(hog, location).fit_transform(files)
    assert len(log.read()) == 15
    assert_array_equal(found, hog.transform(files))
    log.read()
    if fresh:
        _store._stores.clear()
    assert_array_equal(CachedFeatures(hog, location).fit_transform(files), found)
    assert log.read() == []


@pytest.mark.parametrize("n_bytes", [0, 10, 200, 1000])
def test_a_truncated_file_is_computed_again(files, location, hog, n_bytes):
    CachedFeatures(hog, location).fit_transform(files)
    path = chunk_files(location)[0]
    os.truncate(path, n_bytes)
    for fresh in (False, True):  # noticed while reading, or while opening
        if fresh:
            _store._stores.clear()
            os.truncate(chunk_files(location)[0], n_bytes)
        with pytest.warns(CacheWarning, match=re.escape(path.name)):
            found = CachedFeatures(hog, location).fit_transform(files)
        assert_array_equal(found, hog.transform(files))


def test_a_foreign_file_is_computed_around(files, location, hog):
    expected = CachedFeatures(hog, location).fit_transform(files)
    folder = chunk_files(location)[0].parent
    header = b'imgfeat-features-1{"keys": ["<u8", [1, 2]], "values": ["|O", [1]]}\n'
    (folder / f"{0:032x}.features").write_bytes(header + bytes(24))
    (folder / f"{1:032x}.features").write_bytes(b"imgfeat-features-1" + b"[" * 5000)
    with pytest.warns(CacheWarning, match="damaged header"):
        found = CachedFeatures(hog, location).fit_transform(files)
    assert_array_equal(found, expected)


def test_a_folder_that_cannot_be_written_is_said_once(files, tmp_path, hog):
    (tmp_path / "file").write_text("no folder")
    cached = CachedFeatures(hog, tmp_path / "file", batch_size=8)
    with pytest.warns(CacheWarning, match="Features cannot be kept in .*file") as said:
        found = cached.fit_transform(files)
        cached.fit_transform(files)
    assert len(said) == 1
    assert_array_equal(found, hog.transform(files))


def test_a_read_only_folder_is_read(files, location, hog, log, monkeypatch):
    CachedFeatures(hog, location, batch_size=8).fit_transform(files[:20])
    log.read()

    def refuse(*args, **kwargs):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("imgfeat._files.uuid4", refuse)
    monkeypatch.setattr("imgfeat.features.cache._claims.uuid4", refuse)
    with pytest.warns(CacheWarning, match="Read-only file system"):
        found = CachedFeatures(hog, location, batch_size=8).fit_transform(files)
    assert names(log.read()) == names(files[20:])
    assert_array_equal(found, hog.transform(files))


def test_a_disk_that_fills_up_loses_nothing(images, location, monkeypatch):
    written = []
    write = _store.write_chunk

    def write_two(*args):
        if len(written) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(write(*args))
        return written[-1]

    monkeypatch.setattr(_store, "write_chunk", write_two)
    for transformer in (HOG(**SMALL), DenseSIFT(bin_size=3)):
        written.clear()
        place = location / type(transformer).__name__
        with pytest.warns(CacheWarning, match="No space left on device") as said:
            cached = CachedFeatures(transformer, place, batch_size=1)
            found = cached.fit_transform(images)
        assert len(said) == 1
        expected = transformer.fit_transform(images)
        if isinstance(expected, Descriptors):
            found, expected = found.values, expected.values
        assert_array_equal(found, expected)


def test_a_cache_cleared_meanwhile_is_filled_again(files, location, hog):
    cached = CachedFeatures(hog, location, batch_size=8).fit(files)
    expected = cached.transform(files)
    for path in chunk_files(location):
        path.unlink()
    assert_array_equal(cached.transform(files), expected)
    assert len(chunk_files(location)) == 4


def test_a_cache_cleared_in_mid_run_is_filled_with_the_rest(files, location, hog, log):
    ninth, place = files[8], str(location)

    def clear(sources):
        if ninth in sources:
            clear_cache(place)
        return sources

    clearing = make_pipeline(FunctionTransformer(clear), hog)
    cached = CachedFeatures(clearing, location, batch_size=8)
    assert_array_equal(cached.fit_transform(files), hog.transform(files))
    assert len(chunk_files(location)) == 3
    log.read()
    cached.transform(files)
    assert names(log.read()) == names(files[:8])


# What scikit-learn expects


def test_names_features_as_the_transformer_does(files, location, plain_hog):
    expected = plain_hog.fit(files).get_feature_names_out()
    for _ in range(2):
        cached = CachedFeatures(plain_hog, location).fit(files)
        assert_array_equal(cached.get_feature_names_out(), expected)
    assert CachedFeatures(LBP(n_points=4), location).get_feature_names_out().size == 6


def test_gives_a_table_where_the_transformer_does(files, location, plain_hog):
    expected = plain_hog.transform(files)
    cached = (
        CachedFeatures(plain_hog, location).fit(files).set_output(transform="pandas")
    )
    table = cached.transform(files)
    assert list(table.columns) == list(cached.get_feature_names_out())
    assert_array_equal(table, expected)
    assert isinstance(clone(cached).fit_transform(files), pd.DataFrame)
    for transformer in (ImageReader((8, 8)), DenseSIFT(bin_size=3)):
        cached = CachedFeatures(transformer, location).set_output(transform="pandas")
        assert not isinstance(cached.fit_transform(files), pd.DataFrame)


def test_gives_a_table_of_what_scikit_learn_does_last(files, location, plain_hog):
    union = FeatureUnion([("hog", make_pipeline(*plain_hog, Normalizer()))])
    expected = clone(union).set_output(transform="pandas").fit_transform(files)
    cached = CachedFeatures(union, location).set_output(transform="pandas")
    for _ in range(2):
        assert_frame_equal(cached.fit_transform(files), expected)
    with config_context(transform_output="pandas"):
        alone = CachedFeatures(clone(union), location / "other").fit_transform(files)
    assert_frame_equal(alone, expected)


def test_fits_its_transformer_only_when_asked(files, location, hog, log):
    CachedFeatures(hog, location).fit_transform(files)
    log.read()
    cached = CachedFeatures(hog, location).fit(files)
    assert log.read() == []
    assert cached.transformer_["hog"].image_shape_in_ == (16, 16)
    assert set(log.read()) == {files[0]}
    assert cached.transformer_ is cached.transformer_
    assert log.read() == []
    assert not hasattr(hog["hog"], "image_shape_in_")


def test_pickles_with_a_fitted_transformer(files, location, plain_hog):
    cached = CachedFeatures(plain_hog, location).fit(files)
    expected = cached.transform(files[:3])
    content = pickle.dumps(cached)
    Path(files[0]).unlink()
    assert len(content) < 5000
    copy = pickle.loads(content)
    assert copy.transformer_["hog"].image_shape_in_ == (16, 16)
    assert_array_equal(copy.transform(files[1:3]), expected[1:])


def test_remembers_the_size_of_arrays(images, location):
    cached = CachedFeatures(HOG(**SMALL), location).fit(images)
    assert cached.n_features_in_ == 360
    with pytest.raises(ValueError, match="HOG was fitted on images of 20 x 18 pixels"):
        cached.transform(images[:, :16])


def test_is_stateless_as_its_transformer(location, images):
    inside = CachedFeatures(HOG(**SMALL), location / "a")
    outside = CachedFeatures(make_pipeline(inside, Normalizer()), location / "b")
    expected = Normalizer().fit_transform(HOG(**SMALL).fit_transform(images))
    for _ in range(2):
        assert_array_equal(outside.fit_transform(images), expected)


def test_keeps_features_below_home_by_default(images, monkeypatch, tmp_path):
    monkeypatch.setenv("IMGFEAT_HOME", str(tmp_path))
    CachedFeatures(HOG(**SMALL)).fit(images)
    assert len(chunk_files(tmp_path / "features")) == 1

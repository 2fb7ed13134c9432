"""Tests for imgfeat/deploy/datasets/_embed_dataset.py: vectors, whatever happens."""

import errno
import json
import os
import shutil
import signal
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from filelock import lock_descriptor, unlock_descriptor
from numpy.testing import assert_array_equal
from PIL import Image
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from imgfeat.deploy import embed_dataset, load_embeddings
from imgfeat.deploy.datasets import _part_file
from imgfeat.features import HOG, CachedFeatures
from imgfeat.sources import ImageReader
from tests.deploy.datasets._mortal import Mortal
from tests.deploy.datasets.conftest import BAD, N_IMAGES, contents

SMALL = {"part_rows": 5, "batch_size": 2, "n_jobs": 1}


@pytest.fixture(scope="module")
def whole(pictures, describe, tmp_path_factory):
    """The folder of an undisturbed run."""
    out = tmp_path_factory.mktemp("whole") / "vectors"
    embed_dataset(pictures, describe, out, **SMALL)
    return out


def test_rows_are_those_of_the_transformer_and_a_bad_image_is_nan(
    pictures, describe, whole
):
    paths = sorted(map(str, pictures.glob("*.png")))
    good = [path for number, path in enumerate(paths) if number != BAD]
    expected = describe.transform(good)
    vectors, table = load_embeddings(whole)
    assert vectors.shape == (N_IMAGES, expected.shape[1])
    assert_array_equal(np.delete(vectors[:], BAD, axis=0), expected)
    assert np.isnan(vectors[BAD]).all()
    assert table["id"].tolist() == paths
    assert table["row"].tolist() == list(range(N_IMAGES))
    assert table["error"].notna().tolist() == [row == BAD for row in range(N_IMAGES)]
    assert "truncated" in table["error"][BAD] or "damaged" in table["error"][BAD]


def test_images_in_shards_give_what_files_give(pictures, describe, whole, tmp_path):
    with tarfile.open(tmp_path / "shard.tar", "w") as shard:
        for path in sorted(pictures.glob("*.png")):
            shard.add(path, path.name)
    embed_dataset(tmp_path / "shard.tar", describe, tmp_path / "out", **SMALL)
    found, expected = load_embeddings(tmp_path / "out"), load_embeddings(whole)
    assert_array_equal(found.vectors[:], expected.vectors[:])
    assert found.table["error"].notna().tolist() == [
        row == BAD for row in range(N_IMAGES)
    ]
    assert found.table["id"][0].endswith("00.png")


def test_a_summary_counts(pictures, describe, tmp_path):
    done = embed_dataset(pictures, describe, tmp_path / "out", **SMALL)
    assert (done.n_rows, done.n_errors, done.n_parts, done.n_new) == (N_IMAGES, 1, 5, 5)
    again = embed_dataset(pictures, describe, tmp_path / "out", resume=True, **SMALL)
    assert (again.n_rows, again.n_errors, again.n_new) == (N_IMAGES, 1, 0)


def test_all_parts_are_as_long_as_asked_and_plain_files(whole):
    names = sorted(contents(whole))
    parts = [
        f"part-{number:06}.{end}" for number in range(5) for end in ("npy", "parquet")
    ]
    assert names == ["_dataset.json", *parts]
    assert [len(np.load(whole / f"part-00000{number}.npy")) for number in range(5)] == [
        5,
        5,
        5,
        5,
        3,
    ]


def test_as_many_rows_as_a_part_may_have_are_counted(pictures, tmp_path):
    listed = tmp_path / "listed.csv"
    path = pictures / "00.png"
    rows = [f"{row},{path}" for row in range(10_001)]
    listed.write_text("\n".join(["id,path", *rows]))
    marker = str(pictures / "00.png")
    out = tmp_path / "out"
    embed_dataset(listed, Mortal(marker), out, part_rows=10_000, batch_size=10_000)
    assert load_embeddings(out).vectors.shape == (10_001, 3)
    embed_dataset(
        listed, Mortal(marker), out, part_rows=10_000, batch_size=10_000, resume=True
    )


def test_the_card_says_what_it_was_made_of(whole):
    card = json.loads((whole / "_dataset.json").read_text())
    assert card["n_rows"] == N_IMAGES
    assert card["columns"] == {"id": "str", "row": "int", "error": "str"}
    assert len(card["model"]) >= 32 and len(card["reading"]) == 64
    assert "numpy" in card["versions"] and "pyarrow" in card["versions"]


@pytest.mark.fork
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("moment", range(12))
def test_killed_at_any_moment_and_resumed_gives_the_bytes_of_an_undisturbed_run(
    pictures, describe, whole, tmp_path, moment
):
    out = tmp_path / "out"
    killed = _in_child_killed_at(
        moment, lambda: embed_dataset(pictures, describe, out, **SMALL)
    )
    assert killed
    assert contents(out) != contents(whole)
    embed_dataset(pictures, describe, out, resume=True, **SMALL)
    assert contents(out) == contents(whole)


def _in_child_killed_at(moment, work):
    """Do work in a child that kills itself as it is about to write a file's name."""
    child = os.fork()
    if child == 0:
        n_left = moment

        def count_down(function):
            def counted(*args):
                nonlocal n_left
                if n_left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                n_left -= 1
                return function(*args)

            return counted

        os.replace = count_down(os.replace)
        os.fsync = count_down(os.fsync)
        try:
            work()
        finally:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@pytest.mark.fork
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("moment", range(5))
def test_killed_while_failed_rows_are_retried_loses_no_row(
    pictures, describe, tmp_path, moment
):
    images, out, calm = (tmp_path / name for name in ("images", "out", "calm"))
    shutil.copytree(pictures, images)
    embed_dataset(images, describe, out, **SMALL)
    _mend(images)
    embed_dataset(images, describe, calm, **SMALL)
    _in_child_killed_at(
        moment,
        lambda: embed_dataset(images, describe, out, retry_failed=True, **SMALL),
    )
    embed_dataset(images, describe, out, retry_failed=True, **SMALL)
    assert contents(out) == contents(calm)


def _mend(folder):
    shutil.copy(folder / f"{BAD - 1:02}.png", folder / f"{BAD:02}.png")


def test_only_failed_rows_are_tried_again(pictures, describe, tmp_path):
    images, out = tmp_path / "images", tmp_path / "out"
    shutil.copytree(pictures, images)
    embed_dataset(images, describe, out, **SMALL)
    before = {path: path.stat().st_mtime_ns for path in out.glob("part*")}
    _mend(images)
    for path in sorted(images.glob("*.png"))[: BAD - 1]:
        path.write_bytes(b"no longer there")
    done = embed_dataset(images, describe, out, retry_failed=True, **SMALL)
    assert (done.n_errors, done.n_new) == (0, 1)
    changed = [
        path.stem for path, time in before.items() if path.stat().st_mtime_ns != time
    ]
    assert set(changed) == {"part-000003"}
    vectors, table = load_embeddings(out)
    assert_array_equal(vectors[BAD], vectors[BAD - 1])
    assert table["error"].isna().all()


def test_another_run_at_the_same_time_is_refused(pictures, describe, tmp_path):
    claimed = tmp_path / "out" / ".lock"
    claimed.parent.mkdir()
    with claimed.open("a+b") as file:
        lock_descriptor(file.fileno(), blocking=False)
        with pytest.raises(ValueError, match="Another run writes to"):
            embed_dataset(pictures, describe, claimed.parent, resume=True)
        unlock_descriptor(file.fileno())
    embed_dataset(pictures, describe, claimed.parent)


def test_a_model_that_cannot_be_told_from_others_is_refused(pictures, tmp_path):
    model = make_pipeline(ImageReader(8), FunctionTransformer(iter([1]).__next__))
    with pytest.raises(TypeError, match="A dataset must tell its model from others"):
        embed_dataset(pictures, model, tmp_path / "out")


def test_what_is_there_already_is_refused(pictures, describe, whole, tmp_path):
    with pytest.raises(ValueError, match=r"holds a dataset.*resume=True"):
        embed_dataset(pictures, describe, whole, **SMALL)
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(ValueError, match=r"holds thesis\.txt; name another"):
        embed_dataset(pictures, describe, tmp_path, **SMALL)
    part = tmp_path / "parts" / "part-000000.npy"
    part.parent.mkdir()
    part.touch()
    with pytest.raises(ValueError, match=r"holds part-000000\.npy"):
        embed_dataset(pictures, describe, part.parent, **SMALL)
    with pytest.raises(PermissionError, match="a folder that can be written"):
        embed_dataset(pictures, describe, tmp_path / "thesis.txt", **SMALL)


def test_to_go_on_needs_the_same_job(pictures, describe, whole, tmp_path):
    other = make_pipeline(describe[0], HOG(pixels_per_cell=(4, 4)))
    with pytest.raises(ValueError, match="differ: the model, how images are read;"):
        embed_dataset(pictures, other, whole, resume=True, **SMALL)
    with pytest.raises(ValueError, match=r"part_rows \(before 5, now 6\)"):
        embed_dataset(
            pictures, describe, whole, resume=True, **SMALL | {"part_rows": 6}
        )
    fewer = f"{pictures}/0*.png"
    with pytest.raises(
        ValueError, match=r"images listed, the number.*before 23, now 10"
    ):
        embed_dataset(fewer, describe, whole, resume=True, **SMALL)


def test_n_jobs_and_verbose_are_no_other_job(pictures, describe, whole):
    how = SMALL | {"n_jobs": 2, "verbose": 1}
    assert embed_dataset(pictures, describe, whole, resume=True, **how).n_new == 0


def test_a_damaged_part_is_made_again(pictures, describe, whole, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(whole, out)
    (out / "part-000001.npy").write_bytes(b"")
    (out / "part-000002.parquet").write_bytes(b"PAR1")
    (out / "part-000003.npy").unlink()
    with pytest.raises(ValueError, match=r"is not finished\. Got 2 of 5 parts"):
        load_embeddings(out)
    embed_dataset(pictures, describe, out, resume=True, **SMALL)
    assert contents(out) == contents(whole)


def test_too_many_errors_end_the_work_and_what_is_finished_stays(
    pictures, describe, whole, tmp_path
):
    out = tmp_path / "out"
    with pytest.raises(ValueError, match=r"max_errors=0 is passed: 1 of .*17\.png"):
        embed_dataset(pictures, describe, out, max_errors=0, **SMALL)
    assert len(list(out.glob("*.parquet"))) == 3
    embed_dataset(pictures, describe, out, max_errors=1, resume=True, **SMALL)
    assert contents(out) == contents(whole)
    with pytest.raises(ValueError, match="max_errors=0 is passed: 1 of the 23 images"):
        embed_dataset(pictures, describe, out, max_errors=0, resume=True, **SMALL)


@pytest.mark.parametrize("part", [_part_file.NewPart.add, _part_file.NewPart.finish])
def test_a_full_disk_is_said_and_what_is_finished_stays(
    pictures, describe, whole, tmp_path, monkeypatch, part
):
    out, n_left = tmp_path / "out", 3
    suffix = ".npy." if part.__name__ == "add" else ".parquet."
    opened = Path.open

    def full_later(path, mode="r", *args, **options):
        nonlocal n_left
        file = opened(path, mode, *args, **options)
        is_meant = mode == "x+b" and suffix in path.name
        n_left -= is_meant
        if is_meant and n_left == 0:
            file.close()
            return open("/dev/full", "r+b", buffering=0)
        return file

    monkeypatch.setattr(Path, "open", full_later)
    with pytest.raises(
        OSError, match=r"Cannot write .*part-000002.*No space left"
    ) as e:
        embed_dataset(pictures, describe, out, **SMALL)
    assert e.value.errno == errno.ENOSPC
    assert len(list(out.glob("*.parquet"))) == 2
    assert not list(out.glob(".*.parquet.*"))
    monkeypatch.undo()
    embed_dataset(pictures, describe, out, resume=True, **SMALL)
    assert contents(out) == contents(whole)


def test_parts_without_any_vector_are_nan(describe, tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    for number in range(4):
        (images / f"{number}.jpg").write_bytes(b"no image")
    embed_dataset(images, describe, tmp_path / "none", part_rows=2)
    vectors, _ = load_embeddings(tmp_path / "none")
    assert vectors.shape == (4, 0)
    Image.fromarray(np.zeros((16, 16), np.uint8)).save(images / "3.jpg")
    embed_dataset(images, describe, tmp_path / "some", part_rows=2)
    vectors, table = load_embeddings(tmp_path / "some")
    assert np.isnan(vectors[:]).all(axis=1).tolist() == [True, True, True, False]
    assert table["error"].isna().tolist() == [False, False, False, True]
    done = embed_dataset(images, describe, tmp_path / "some", part_rows=2, resume=True)
    assert (done.n_new, done.n_errors) == (0, 3)


def test_vectors_of_different_length_are_refused(tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    for number, side in enumerate((16, 16, 32)):
        pixels = np.zeros((side, side), np.uint8)
        Image.fromarray(pixels).save(images / f"{number}.png")
    for part_rows in (2, 3):
        with pytest.raises(ValueError, match=r"vectors of one length\. Got 36 and 324"):
            embed_dataset(
                images,
                HOG(pixels_per_cell=(8, 8)),
                tmp_path / f"out-{part_rows}",
                part_rows=part_rows,
                batch_size=1,
            )


def test_of_a_classifier_all_but_the_classifier_is_taken(
    pictures, classifier, saved_classifier, tmp_path
):
    for number, model in enumerate(
        (classifier, saved_classifier, str(saved_classifier))
    ):
        embed_dataset(f"{pictures}/0*.png", model, tmp_path / f"out{number}")
    found = [load_embeddings(tmp_path / f"out{number}")[0][:] for number in range(3)]
    paths = sorted(map(str, pictures.glob("0*.png")))
    assert_array_equal(found[0], classifier[:-1].transform(paths).astype(np.float32))
    assert_array_equal(found[0], found[1])
    assert_array_equal(found[0], found[2])


def test_steps_that_learn_are_told_apart_by_what_they_learned(
    pictures, describe, tmp_path
):
    paths = sorted(map(str, pictures.glob("0*.png")))
    first, second = (
        make_pipeline(*describe, StandardScaler(), PCA(2)).fit(some)
        for some in (paths[:6], paths[4:])
    )
    embed_dataset(f"{pictures}/0*.png", first, tmp_path / "out")
    done = embed_dataset(f"{pictures}/0*.png", first, tmp_path / "out", resume=True)
    assert done.n_new == 0
    with pytest.raises(ValueError, match="differ: the model;"):
        embed_dataset(f"{pictures}/0*.png", second, tmp_path / "out", resume=True)


def test_a_net_is_taken_by_name(pictures, tmp_path):
    embed_dataset(f"{pictures}/00.png", "efficientnet_lite0", tmp_path / "out")
    assert load_embeddings(tmp_path / "out").vectors.shape == (1, 1280)
    with pytest.raises(ValueError, match="no_such_net"):
        embed_dataset(pictures, "no_such_net", tmp_path / "other")
    with pytest.raises(FileNotFoundError, match=r"There is no file .*none\.imgfeat"):
        embed_dataset(pictures, "none.imgfeat", tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_what_is_no_model_of_features_is_refused(pictures, describe, tmp_path):
    with pytest.raises(TypeError, match=r"needs a fitted estimator.* Got HOG"):
        embed_dataset(pictures, HOG, tmp_path / "out")
    with pytest.raises(NotFittedError, match="Pipeline instance is not fitted"):
        embed_dataset(pictures, make_pipeline(*describe, PCA(2)), tmp_path / "out")


@pytest.mark.parametrize(
    "options, message",
    [
        ({"engine": "spark"}, "engine is 'local' or 'ray'. Got 'spark'"),
        ({"part_rows": 10_001}, "at least 1 and at most 10000. Got 10001"),
        ({"batch_size": 0}, "batch_size needs to be at least 1. Got 0"),
        ({"max_errors": -1}, "max_errors needs to be at least 0. Got -1"),
        ({"n_workers": 2}, "n_workers and num_gpus need engine='ray'"),
    ],
)
def test_options_that_cannot_be_are_refused(
    pictures, describe, tmp_path, options, message
):
    with pytest.raises(ValueError, match=message):
        embed_dataset(pictures, describe, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_without_pyarrow_the_extra_is_named(pictures, describe, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'imgfeat\[parquet\]'"):
        embed_dataset(pictures, describe, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_cache_may_be_inside(pictures, describe, tmp_path, whole):
    cached = CachedFeatures(describe, tmp_path / "cache")
    embed_dataset(pictures, cached, tmp_path / "out", **SMALL)
    found, expected = load_embeddings(tmp_path / "out"), load_embeddings(whole)
    assert_array_equal(found.vectors[:], expected.vectors[:])

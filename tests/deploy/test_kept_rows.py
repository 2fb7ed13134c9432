"""Tests for imgfeat/deploy/_kept_rows.py: rows of an ended run are found again."""

import os

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier

from imgfeat._files import kept_name
from imgfeat.deploy import predict_files
from imgfeat.deploy._kept_rows import keeping_rows, state_of
from tests.deploy._saved import as_file
from tests.sources._servers import Bucket

MADE_BY = {"model": "a", "top_k": 1}


@pytest.fixture
def batches(tmp_path):
    """Two batches of files, and the rows of each."""
    found = []
    for name in "ab":
        paths = [tmp_path / f"{name}{number}.jpg" for number in range(2)]
        for path in paths:
            path.write_bytes(name.encode())
        found.append((paths, [{"path": os.fspath(path), "p": 0.1} for path in paths]))
    return found


@pytest.fixture
def ended(batches, tmp_path):
    """The file of a run that kept both batches and was ended."""
    to = tmp_path / "rows.csv"
    with (
        pytest.raises(KeyboardInterrupt, match="now"),
        keeping_rows(to, MADE_BY) as kept,
    ):
        for paths, rows in batches:
            kept.add(state_of(paths), rows)
        raise KeyboardInterrupt("now")
    return to


def found_in(to, batches, *, resume=True, made_by=MADE_BY):
    """What is found of each batch by a run that is ended as well."""
    found = []
    with (
        pytest.raises(KeyboardInterrupt, match="now"),
        keeping_rows(to, made_by, resume=resume) as kept,
    ):
        found += [kept.n_rows, *(kept.find(state_of(paths)) for paths, _ in batches)]
        raise KeyboardInterrupt("now")
    return found


def test_rows_are_found_again_until_a_run_succeeds(ended, batches):
    (_, first), (_, second) = batches
    assert found_in(ended, batches) == [4, first, second]
    with keeping_rows(ended, MADE_BY, resume=True) as kept:
        assert kept.n_rows == 4
    assert not kept_name(ended).exists()
    assert found_in(ended, batches) == [0, None, None]


def test_what_a_server_refused_is_asked_for_again(tmp_path):
    bucket, model = Bucket(), DummyClassifier().fit([[0]], ["ant"])
    addresses = [f"{bucket.url}/0.png"]
    content = as_file(np.zeros((9, 9), dtype=np.uint8))
    with keeping_rows(tmp_path / "rows.csv", MADE_BY) as kept:
        (row,) = predict_files(model, addresses, kept=kept)
        assert (row.label, kept.n_rows) == (None, 0)
        bucket.put("0.png", content)
        (row,) = predict_files(model, addresses, kept=kept)
        assert (row.label, kept.n_rows) == ("ant", 1)


def test_rows_go_where_nobody_asks_for_them(ended, batches):
    assert found_in(ended, batches, resume=False) == [0, None, None]
    assert found_in(ended, batches) == [0, None, None]


@pytest.mark.parametrize("n_cut", [1, 2, 30])
def test_a_line_that_was_half_written_counts_for_nothing(ended, batches, n_cut):
    path = kept_name(ended)
    path.write_bytes(path.read_bytes()[:-n_cut])
    (_, first), (paths, second) = batches
    with (
        pytest.raises(KeyboardInterrupt, match="now"),
        keeping_rows(ended, MADE_BY, resume=True) as kept,
    ):
        assert kept.n_rows == 2
        assert kept.find(state_of(paths)) is None
        kept.add(state_of(paths), second)
        raise KeyboardInterrupt("now")
    assert found_in(ended, batches) == [4, first, second]


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]\n", b"\xff\n{}\n"])
def test_what_is_no_such_file_is_refused_or_begun_anew(ended, batches, content):
    kept_name(ended).write_bytes(content)
    if content.endswith(b"\n"):
        with pytest.raises(ValueError, match="were made by others"):
            keeping_rows(ended, MADE_BY, resume=True).__enter__()
    else:
        assert found_in(ended, batches) == [0, None, None]


def test_a_file_that_was_changed_is_another(ended, batches):
    (paths, _), (_, second) = batches
    paths[1].write_bytes(b"more")
    assert found_in(ended, batches) == [4, None, second]
    paths[1].unlink()
    assert found_in(ended, batches) == [4, None, second]


def test_rows_of_another_model_are_refused_and_stay(ended, batches):
    with pytest.raises(ValueError, match="needs the model and the options of before"):
        keeping_rows(ended, MADE_BY | {"top_k": 2}, resume=True).__enter__()
    assert found_in(ended, batches)[0] == 4


def test_two_runs_do_not_write_one_file(ended):
    with (
        pytest.raises(KeyboardInterrupt, match="now"),
        keeping_rows(ended, MADE_BY, resume=True) as kept,
    ):
        with pytest.raises(ValueError, match="Another process is about to write"):
            keeping_rows(ended, MADE_BY).__enter__()
        assert kept.n_rows == 4
        raise KeyboardInterrupt("now")

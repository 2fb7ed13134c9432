"""Tests for imgfeat/features/cache/_identity.py."""

from enum import StrEnum
from pathlib import Path

import numpy as np
import pytest
import torch

from imgfeat.features.cache._identity import Identities


class Color(StrEnum):
    RED = "red"


def identity(value):
    return Identities().describe(value, "value")


ones = np.ones(3)


@pytest.mark.parametrize(
    "values",
    [
        [1.0, "1.0", 1, True, None, "None", 1j, np.nan, "nan", b"1.0"],
        [ones, np.ma.masked_equal([1.0, 1, 1], 1), np.ma.array(ones), [1.0] * 3],
        [ones, ones.astype(np.float32), ones.astype(str), ones[:, None]],
        [np.eye(2).view(np.recarray), np.eye(2)],
        [np.zeros(2, "f4,f4"), np.zeros(2, "i4,f4"), np.zeros(2, "M8[s]")],
        [{1: 0}, {"1": 0}, {1.0: 0}, [[1, 0]], {1: 0, 2: 0}],
        [{1, 2}, {1, "2"}, [1, 2], {"set": [1, 2]}],
        [Color.RED, "red"],
        [np.dtype("f4,f4"), np.dtype("f4,i4"), np.dtype("V8")],
        [torch.zeros(2), torch.zeros(2, dtype=torch.int32), torch.ones(2)],
    ],
    ids=range(10),
)
def test_values_that_differ_are_told_apart(values):
    texts = [repr(identity(value)) for value in values]
    assert len(set(texts)) == len(values)


@pytest.mark.parametrize(
    "one, other",
    [
        (np.int64(8), 8),
        (np.float64(0.1), 0.1),
        (np.str_("a"), "a"),
        ((8, 8), [8, np.int64(8)]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (set("abcdefgh"), set("hgfedcba")),
        (np.asfortranarray(np.eye(3)), np.eye(3)),
    ],
    ids=range(7),
)
def test_equal_values_are_told_alike(one, other):
    assert identity(one) == identity(other)


def test_a_file_is_known_by_what_changes_with_it(tmp_path):
    path = tmp_path / "words.txt"
    missing = identity(path)
    path.write_text("ab")
    before = identity(path)
    assert before == identity(Path(path)) != missing
    path.write_text("cd")
    assert identity(path) != before


@pytest.mark.parametrize(
    "value",
    [object(), np.array([None]), np.random.default_rng(), iter([])],
    ids=range(4),
)
def test_refuses_what_is_more_than_its_value(value):
    with pytest.raises(TypeError, match=r"value of type .* more than its value"):
        identity(value)


def test_refuses_a_folder(tmp_path):
    with pytest.raises(TypeError, match=r"value of type .*Path, which is more"):
        identity(tmp_path)

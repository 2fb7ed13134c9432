"""Tests for imgfeat/estimators/_class_vectors.py."""

import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from imgfeat.estimators import _class_vectors
from imgfeat.estimators._class_vectors import read_class_vectors

TEXTS = {"bee": np.array([0.0, 2.0, 0.0]), "ant": np.array([3.0, 0.0, 4.0])}
UNIT = [[0.6, 0, 0.8], [0, 1, 0]]


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_a_file_gives_what_a_mapping_gives(suffix, tmp_path):
    path = tmp_path / f"texts{suffix}"
    if suffix == ".npz":
        np.savez(path, **TEXTS)
    else:
        save_file({k: torch.tensor(v).bfloat16() for k, v in TEXTS.items()}, path)
    for given in (TEXTS, path, str(path)):
        labels, vectors = read_class_vectors(given, None)
        assert labels.tolist() == ["ant", "bee"]
        np.testing.assert_allclose(vectors, UNIT, atol=1e-7)


def test_rows_of_an_array_are_named_by_classes():
    labels, vectors = read_class_vectors(list(TEXTS.values()), np.array([7, 3]))
    assert labels.tolist() == [3, 7]
    np.testing.assert_allclose(vectors, UNIT)


def test_prompts_of_a_class_are_averaged_by_direction():
    prompts = np.array([[10.0, 0, 0], [0, 0.1, 0]])
    _, vectors = read_class_vectors({"ant": prompts, "bee": TEXTS["bee"]}, None)
    np.testing.assert_allclose(vectors[0], [0.5**0.5, 0.5**0.5, 0])
    stacked, _ = np.stack([prompts, prompts[::-1]]), None
    _, vectors = read_class_vectors(stacked, ["ant", "bee"])
    np.testing.assert_allclose(vectors[0], vectors[1])


@pytest.mark.parametrize(
    "given, classes, message",
    [
        ({"a": [1.0, 0]}, None, "at least two classes. Got one, 'a'"),
        ({}, None, "all text, or all integers. Got labels of type none"),
        ({"a": [1.0], 1: [1.0]}, None, "all text, or all integers. .* int, str"),
        ({1.5: [1.0], 2.5: [1.0]}, None, "Got labels of type float"),
        ({"a": [1.0, 0], "b": [1.0]}, None, "one length. Got 2 .* 'a' and 1 .* 'b'"),
        ({"a": [1.0, 0], "b": [0, 0]}, None, "with a direction. Got zeros for 'b'"),
        ({"a": [1.0], "b": [[1.0], [-1.0]]}, None, "for 'b', or prompts that cancel"),
        ({"a": [1.0, 0], "b": [np.nan, 0]}, None, "finite .* Got NaN for 'b'"),
        ({"a": [1.0, 0], "b": [np.inf, 0]}, None, "finite .* Got infinity for 'b'"),
        ({"a": [1.0], "b": ["x"]}, None, r"real numbers. Got <U1 of shape \(1,\)"),
        ({"a": [1.0], "b": 1.0}, None, r"real numbers. Got float64 of shape \(\)"),
        ({"a": [1.0], "b": []}, None, r"real numbers. Got float64 of shape \(0,\)"),
        ({"a": [1.0], "b": [2.0]}, ["a", "b"], "Got a mapping, which names its own"),
        ([[1.0, 0], [0, 1.0]], None, "needs classes, the label of each row"),
        ([[1.0, 0], [0, 1.0]], ["a"], "Got 1 labels and 2 vectors"),
        ([[1.0, 0], [0, 1.0]], ["a", "a"], "each class once. Got 'a' twice"),
    ],
)
def test_bad_vectors_are_refused(given, classes, message):
    with pytest.raises(ValueError, match=message):
        read_class_vectors(given, classes)


def test_file_that_is_not_there_or_of_another_kind_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file of class vectors .*x\.npz"):
        read_class_vectors(tmp_path / "x.npz", None)
    with pytest.raises(ValueError, match=r"\.npz and \.safetensors files. Got .*x\.pt"):
        read_class_vectors(tmp_path / "x.pt", None)


def test_damaged_file_is_refused(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, **TEXTS)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match=r"x\.npz cannot be read as arrays"):
        read_class_vectors(path, None)
    path = tmp_path / "x.safetensors"
    path.write_bytes(b"not this")
    with pytest.raises(ValueError, match=r"x\.safetensors does not start as"):
        read_class_vectors(path, None)


def test_objects_in_a_file_are_never_loaded(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, a=np.array([print], dtype=object), b=TEXTS["bee"])
    with pytest.raises(ValueError, match="holds objects, which are not loaded"):
        read_class_vectors(path, None)


def test_file_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(_class_vectors, "_MAX_BYTES", 1000)
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", bytes(2000))
    with pytest.raises(ValueError, match="unpacks to 2000 bytes, more than 1000"):
        read_class_vectors(path, None)

"""Vectors of classes, as a text tower makes of their names, from where they are."""

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from imgfeat._home import expanded
from imgfeat.nets.catalog._safetensors import read_safetensors

_MAX_BYTES = 1 << 30  # of all arrays of a file, unpacked
# What numpy is known to raise for a damaged .npz, or one with Python objects.
_READ_ERRORS = (ValueError, OSError, EOFError, LookupError, zipfile.BadZipFile)
_FORM = "one vector a class, or a row for each of its prompts"


def read_class_vectors(given, classes):
    """Return labels, sorted, and a vector of unit length for each.

    Parameters
    ----------
    given : mapping, array-like or path
        As `ZeroShotClassifier` takes them.
    classes : array-like or None
        Labels of an array's rows.

    Returns
    -------
    labels : ndarray of shape (n_classes,)
    vectors : ndarray of shape (n_classes, n_features), float64

    Raises
    ------
    ValueError
        If there are fewer than two classes, labels that come twice or are of two kinds,
        vectors of several lengths, or some that are not finite or zero.
    FileNotFoundError
        If there is no such file.
    """
    if isinstance(given, str | os.PathLike):
        given = _read_file(expanded(given))
    if isinstance(given, Mapping):
        if classes is not None:
            raise ValueError(
                "ZeroShotClassifier needs classes for an array only. Got a mapping, "
                "which names its own; leave classes out."
            )
        labels, rows = list(given), list(given.values())
    else:
        labels, rows = _named_rows(given, classes)
    _check_labels(labels)
    vectors = [
        _unit_vector(label, row) for label, row in zip(labels, rows, strict=True)
    ]
    lengths = {
        len(vector): label for vector, label in zip(vectors, labels, strict=True)
    }
    if len(lengths) > 1:
        (one, first), (other, second) = list(lengths.items())[:2]
        raise ValueError(
            "ZeroShotClassifier needs class vectors of one length. Got "
            f"{one} numbers for {first!r} and {other} for {second!r}; make all by the "
            "same text tower."
        )
    labels = np.asarray(labels)
    order = np.argsort(labels)
    return labels[order], np.stack(vectors)[order]


def _named_rows(given, classes):
    rows = list(np.asarray(given)) if np.ndim(given) else []
    if classes is None:
        raise ValueError(
            "ZeroShotClassifier needs classes, the label of each row, for vectors in "
            f"an array. Got {len(rows)} rows and none; or give a mapping."
        )
    labels = np.asarray(classes).tolist() if np.ndim(classes) == 1 else []
    if len(labels) != len(rows) or not rows:
        raise ValueError(
            "ZeroShotClassifier needs one label for each of its class vectors. Got "
            f"{len(labels)} labels and {len(rows)} vectors."
        )
    return labels, rows


def _check_labels(labels):
    kinds = {str if isinstance(label, str) else type(label) for label in labels}
    are_integers = kinds and all(issubclass(kind, int | np.integer) for kind in kinds)
    if not (kinds == {str} or are_integers):
        names = ", ".join(sorted(kind.__name__ for kind in kinds)) or "none"
        raise ValueError(
            "ZeroShotClassifier needs labels that are all text, or all integers. Got "
            f"labels of type {names}."
        )
    if len(labels) < 2:
        raise ValueError(
            "ZeroShotClassifier needs at least two classes. Got one, "
            f"{labels[0]!r}; there is nothing to tell apart."
        )
    twice = sorted(label for label in set(labels) if labels.count(label) > 1)
    if twice:
        raise ValueError(
            f"ZeroShotClassifier needs each class once. Got {twice[0]!r} twice; give "
            "several prompts of a class as rows of one array."
        )


def _unit_vector(label, given):
    """The mean of a class's prompts, each of unit length, of unit length."""
    rows = np.asarray(given)
    if rows.dtype.kind not in "fiu" or rows.ndim not in (1, 2) or not rows.size:
        raise ValueError(
            f"ZeroShotClassifier needs {_FORM}, of real numbers. Got {rows.dtype} of "
            f"shape {rows.shape} for {label!r}."
        )
    rows = np.atleast_2d(rows).astype(np.float64)
    if not np.isfinite(rows).all():
        what = "NaN" if np.isnan(rows).any() else "infinity"
        raise ValueError(
            f"ZeroShotClassifier needs finite class vectors. Got {what} for {label!r}; "
            "make its vector again."
        )
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    mean = (rows / np.where(lengths > 0, lengths, 1)).mean(axis=0)
    length = np.linalg.norm(mean)
    if lengths.min() == 0 or length < 1e-9:
        raise ValueError(
            f"ZeroShotClassifier needs class vectors with a direction. Got zeros for "
            f"{label!r}, or prompts that cancel each other out; make its vector again."
        )
    return mean / length


def _read_file(path):
    """Arrays by name, of a file that runs no code."""
    if path.suffix not in (".npz", ".safetensors"):
        raise ValueError(
            "ZeroShotClassifier reads class vectors from .npz and .safetensors files. "
            f"Got {path}; np.savez(path, **vectors) writes one."
        )
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no file of class vectors {path}. Pass the path of an .npz or "
            ".safetensors file, or the vectors themselves."
        )
    if path.suffix == ".safetensors":
        tensors = read_safetensors(path)
        return {name: tensor.float().numpy() for name, tensor in tensors.items()}
    try:
        _check_size(path)
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except _READ_ERRORS as error:
        raise ValueError(
            f"The file of class vectors {path} cannot be read as arrays; it is damaged "
            f"or holds objects, which are not loaded: {error}. Write it by np.savez."
        ) from error


def _check_size(path: Path) -> None:
    """Before memory is taken: a small file can unpack to a large one."""
    with zipfile.ZipFile(path) as archive:
        n_bytes = sum(member.file_size for member in archive.infolist())
    if n_bytes > _MAX_BYTES:
        raise ValueError(f"it unpacks to {n_bytes} bytes, more than {_MAX_BYTES}")

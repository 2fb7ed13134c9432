"""Save a fitted pipeline as one file that serves anywhere; load it."""

import importlib
import os
from collections.abc import Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from imgfeat._nesting import holds_nets, walk
from imgfeat._typing import ImageBatch, PathLike
from imgfeat.deploy._archive import FORMAT_VERSION, read_bundle, writing_bundle
from imgfeat.deploy._errors import BundleError, one_clear_error
from imgfeat.deploy._golden import check_golden, make_golden
from imgfeat.deploy._manifest import RESIZE, compare_versions, describe, plain_facts
from imgfeat.deploy._model import dump_model, load_model
from imgfeat.deploy._placement import leave_missing_devices
from imgfeat.deploy._self_check import checking_elsewhere
from imgfeat.deploy._uncached import without_caches

MODEL = "model.skops"


def save(
    pipeline: BaseEstimator,
    path: PathLike,
    *,
    example: ImageBatch | pd.DataFrame | None = None,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Save a fitted pipeline as one file, without pickle.

    The file is written beside `path`, loaded in a fresh process that has nothing but
    it, compared, and only then takes the place of `path`: whatever goes wrong, what was
    there before is still there.

    Parameters
    ----------
    pipeline : estimator
        Fitted: a `Pipeline`, or any estimator of imgfeat and scikit-learn. A fitted
        search is kept whole; save its ``best_estimator_`` for a smaller file.
        `CachedFeatures` are left out, wherever they stand, and what they hold takes
        their place.
    path : str or path
        File to write, ``"model.imgfeat"`` by custom. An older one is replaced,
        and its mode kept.
    example : images or DataFrame, optional
        One to 16 images as for ``predict``, or rows of a table whose columns a
        `ColumnTransformer` shares out, kept in the file, pixels and all, as golden
        images: `load` runs them and compares. By default two synthetic ones.
    facts : dict, optional
        What else is known of the model, as plain values: kept in the file, and shown by
        ``imgfeat info`` where they are named as `compare` and `train` name them.

    Raises
    ------
    NotFittedError
        If `pipeline` is not fitted.
    BundleError
        If the file does not work in the fresh process.
    UntrustedFileError
        If it holds what a file must not: a function, an ``nn.Module``, an object of
        another package. The message names the step.
    ValueError
        If no golden image can be made; pass `example`.
    OSError
        If the file cannot be written. Nothing half-written is left.

    See Also
    --------
    load : The way back.

    Notes
    -----
    The file is a zip of ``manifest.json`` (what reads the images, classes, library
    versions, the SHA-256 of every part), ``model.skops``, ``golden/*.npy``, and
    ``weights/*.safetensors`` for nets whose weights no installed package has. The zip
    comment holds the SHA-256 of all before it. Equal pipelines give equal files.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.svm import LinearSVC
    >>> from imgfeat import load, save
    >>> X, y = load_digits(return_X_y=True)
    >>> pipeline = make_pipeline(LinearSVC()).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "digits.imgfeat"
    ...     save(pipeline, path)
    ...     load(path).predict(X[:4])
    array([0, 1, 2, 3])
    """
    with saving(pipeline, path, example=example, facts=facts):
        pass


@contextmanager
def saving(pipeline, path, *, example=None, facts=None):
    """Do as `save`; the file is checked while the block runs, and there at its end.

    If the block raises, what was there before is still there.
    """
    if not isinstance(pipeline, BaseEstimator):
        name = getattr(pipeline, "__name__", type(pipeline).__name__)
        raise TypeError(f"save needs a fitted estimator. Got {name}.")
    check_is_fitted(pipeline)
    path, hidden = Path(path), _leaned_on(pipeline)
    pipeline = without_caches(pipeline)
    parts = {MODEL: dump_model(pipeline)}
    golden, layout = make_golden(pipeline, example)
    names, tensors = dump_nets(pipeline)
    manifest = describe(pipeline) | {"weights": names, "example": layout}
    if facts is not None:
        manifest["facts"] = plain_facts(facts)
    check = partial(checking_elsewhere, path=path, hidden=hidden)
    with writing_bundle(path, manifest, parts | golden | tensors, check):
        yield


def load(path: PathLike) -> BaseEstimator:
    """Load a pipeline that `save` wrote, and check that it works here.

    Every byte is verified before anything is parsed, only objects of a fixed list of
    types are built, and the golden images in the file must give the same outputs as
    when it was saved.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    estimator
        Fitted; it predicts as the saved one did.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
    BundleError
        If the file is damaged, cut short, not ours, or of a newer format; or if it
        does not behave here as where it was saved, naming the versions that differ.
        It is a ``ValueError``.
    UntrustedFileError
        If it asks for other types; it is a `BundleError`.

    See Also
    --------
    save : Writes such a file.

    Notes
    -----
    Golden outputs may differ by 1e-3 of the largest value, with nets by 3e-2 or, in
    bfloat16, 1e-1, since they may run in half precision. What was bound to a device
    that is not here chooses one itself. Other library versions alone are no error.

    A seal is not a signature: it finds accidents, not a forger. A forged file cannot
    run code, but it can hold a model that says what its maker wants.
    """
    path = Path(path)
    manifest, parts = read_bundle(path)
    return build(manifest, parts, path)


def dump_nets(pipeline):
    """Names and tensors of the nets in `pipeline` that no installed package has."""
    return _weights().dump_weights(pipeline) if holds_nets(pipeline) else ({}, {})


def load_to_check(written, path, change):
    """Load a file that `save` is about to move to `path`.

    Parameters
    ----------
    written, path : path
    change : callable
        Gets the pipeline before its answers are compared.
    """
    manifest, parts = read_bundle(Path(written))
    build(manifest, parts, path, change)


def build(manifest, parts, path, change=None):
    """Make the pipeline in `parts` and compare its answers with the golden ones."""
    if MODEL not in parts:
        raise BundleError(f"{path} has no {MODEL}; imgfeat.save writes one.")
    with one_clear_error(f"{path} cannot be used"):
        return _checked(manifest, parts, path, change)


def _checked(manifest, parts, path, change):
    is_old = manifest["format_version"] < FORMAT_VERSION
    pipeline = load_model(parts[MODEL], is_old=is_old)
    if holds_nets(pipeline):
        names = manifest.get("weights", {})
        tensors = _weights().read_weights(pipeline, names, parts, path)
        _weights().use_weights(pipeline, names, tensors)
    leave_missing_devices(pipeline)
    if change is not None:
        change(pipeline)
    versions = compare_versions(manifest.get("versions"))
    is_resized_so = manifest.get("resize") == RESIZE
    example = manifest.get("example")
    check_golden(pipeline, parts, example, path, versions, is_resized_so=is_resized_so)
    return pipeline


def _leaned_on(pipeline):
    """Files and folders of this machine that `pipeline` reads: weights and caches."""
    found = []
    for _, item in walk(pipeline):
        for name in ("weights", "location"):
            place = getattr(item, name, None)
            if isinstance(place, str | os.PathLike) and Path(place).exists():
                found.append(place)
    return found


def _weights():
    """The module that imports torch, which a pipeline without nets never needs."""
    return importlib.import_module("imgfeat.deploy._weights")

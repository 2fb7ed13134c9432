"""Does an estimator of images do what ours do? For tests, of other packages too."""

import pickle
import socket
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
from PIL import Image
from sklearn.base import BaseEstimator, clone

from imgfeat._forked_call import call_forked
from imgfeat._image_kinds import INDEX, KINDS, dicom_files
from imgfeat._optional import has_module
from imgfeat.features import Descriptors

__all__ = ["check_image_estimator"]

_METHODS = ("transform", "predict_proba", "decision_function", "predict")
_TOLERANCE = 1e-4  # float32 sums in batches of another size
_HANGS_S = 120  # a forked process that takes so long waits for what it has not


def check_image_estimator(estimator: BaseEstimator) -> None:
    """Assert that an estimator of images does what all of imgfeat's do.

    It is cloned, fitted on six RGB images of noise, 20 x 18 pixels, in two classes,
    and asked for all that it has of ``transform``, ``predict_proba``,
    ``decision_function`` and ``predict``:

    - ``fit`` returns the estimator, and leaves its parameters alone;
    - two fits give the same, without a network, before and after ``pickle``, with two
      jobs as with one, and on Linux in a forked process;
    - each image has a row of its own, whatever stands beside it and in which order;
    - arrays, paths, bytes, open files, PIL images, columns, Series and frames of the
      same pixels give the same, as DICOM files do if pydicom is installed, and pandas
      output has the index of what came in;
    - gray, 16-bit and blank images give finite numbers or a ``ValueError``; what is
      opaque counts as RGB;
    - a damaged file is a ``ValueError`` that names it, one image without a list and an
      empty list are a ``ValueError``.

    Parameters
    ----------
    estimator : estimator
        A transformer or a classifier, or a pipeline that ends in one; not fitted, small
        enough to be fitted some thirty times, and with a ``random_state`` if it draws.

    Raises
    ------
    AssertionError
        If it does not; the message says what differed.

    See Also
    --------
    sklearn.utils.estimator_checks.check_estimator : For estimators of rows of numbers.

    Examples
    --------
    >>> from imgfeat.features import ColorHistogram
    >>> from imgfeat.testing import check_image_estimator
    >>> check_image_estimator(ColorHistogram(2))

    One that looks at the other images of a batch:

    >>> class Relative(ColorHistogram):
    ...     def transform(self, X):
    ...         found = super().transform(X)
    ...         return found - found.mean(axis=0)
    >>> check_image_estimator(Relative(2))
    Traceback (most recent call last):
    ...
    AssertionError: Relative: transform of one image alone, and in a batch, ...
    """
    with tempfile.TemporaryDirectory() as folder, _offline():
        case = _Case(estimator, Path(folder))
        for check in _CHECKS:
            check(case)


class _Case:
    """An estimator, fitted once, and what it is fitted on."""

    def __init__(self, estimator, folder):
        self.name = type(estimator).__name__
        self.estimator = estimator
        self.folder = folder
        rng = np.random.default_rng(0)
        self.pixels = rng.integers(0, 256, (len(INDEX), 20, 18, 3), dtype=np.uint8)
        self.labels = np.arange(len(INDEX)) % 2
        self.paths = self.write("rgb", self.pixels)
        self.fitted = self.fit(self.pixels)
        self.rows = self.ask(self.fitted, self.pixels)

    def write(self, kind, images):
        """Write images as PNG files, and return their paths."""
        paths = [str(self.folder / f"{kind}{row}.png") for row in range(len(images))]
        for path, image in zip(paths, images, strict=True):
            Image.fromarray(image).save(path)
        return paths

    def fit(self, X, **params):
        return clone(self.estimator).set_params(**params).fit(X, self.labels)

    def ask(self, fitted, X):
        """Return what each method says of each image."""
        methods = [name for name in _METHODS if hasattr(fitted, name)]
        self.need(methods, f"needs one of the methods {', '.join(_METHODS)}")
        answers = {name: _rows_of(getattr(fitted, name)(X)) for name in methods}
        for name, rows in answers.items():
            said = f"{name} gives {len(rows)} rows for {len(X)} images"
            self.need(len(rows) == len(X), said)
        return answers

    def need(self, condition, what):
        if not condition:
            raise AssertionError(f"{self.name}: {what}.")

    def need_same(self, found, expected, what, tolerance=0.0):
        """Raise unless all methods say the same of each image."""
        for method, rows in expected.items():
            said = f"{method} of {what}"
            for row, pair in enumerate(zip(found[method], rows, strict=True)):
                difference = _difference(*pair, tolerance)
                self.need(
                    not difference, f"{said}, differs for image {row}: {difference}"
                )

    def need_refusal(self, X, what, named=""):
        """Raise unless all methods raise ValueError, in words that hold `named`."""
        for method in self.rows:
            try:
                getattr(self.fitted, method)(X)
            except ValueError as error:
                self.need(
                    named in str(error),
                    f"the error of {method} for {what} needs to name {named!r}. Got "
                    f"{str(error)!r}",
                )
            else:
                self.need(False, f"{method} of {what} needs to raise ValueError")


# Checks -----------------------------------------------------------------------------


def _check_parameters(case):
    estimator = clone(case.estimator)
    before = estimator.get_params(deep=False)
    case.need(
        estimator.fit(case.pixels, case.labels) is estimator, "fit returns another"
    )
    after = estimator.get_params(deep=False)
    changed = [name for name in before if not _is_same(after[name], before[name])]
    case.need(not changed, f"fit changes its parameters {changed}")


def _check_repeats(case):
    again = case.fit(case.pixels)
    case.need_same(case.ask(again, case.pixels), case.rows, "two fits alike")
    try:
        thawed = pickle.loads(pickle.dumps(case.fitted))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise AssertionError(f"{case.name}: cannot be pickled ({error}).") from error
    case.need_same(
        case.ask(thawed, case.pixels), case.rows, "what was pickled, and what was not"
    )


def _check_jobs(case):
    params = case.estimator.get_params()
    jobs = [name for name in params if name.rpartition("__")[2] == "n_jobs"]
    if jobs:
        one, two = (
            case.ask(case.fit(case.pixels, **dict.fromkeys(jobs, n)), case.pixels)
            for n in (1, 2)
        )
        case.need_same(two, one, "two jobs, and of one")


def _check_rows(case):
    alone = [
        case.ask(case.fitted, case.pixels[row : row + 1]) for row in range(len(INDEX))
    ]
    joined = {name: [one[name][0] for one in alone] for name in case.rows}
    case.need_same(joined, case.rows, "one image alone, and in a batch", _TOLERANCE)
    order = [3, 0, 5, 1, 4, 2]
    shuffled = {name: [rows[at] for at in order] for name, rows in case.rows.items()}
    found = case.ask(case.fitted, case.pixels[order])
    case.need_same(found, shuffled, "images in another order", _TOLERANCE)


def _check_kinds(case):
    dicom = {"DICOM files": dicom_files} if has_module("pydicom") else {}
    for kind, make in (KINDS | dicom).items():
        fitted = case.fit(make(case))
        case.need_same(
            case.ask(fitted, make(case)), case.rows, f"{kind}, and of an array"
        )


def _check_fork(case):
    # Windows has no fork, and macOS has libraries that do not outlive one.
    if sys.platform in ("win32", "darwin"):
        return
    given = {"an array": case.pixels, "paths": case.paths}
    if has_module("pydicom"):
        given["DICOM files"] = dicom_files(case)
    # A process that has used what it decodes with is forked, not a fresh one.
    for X in given.values():
        case.ask(case.fitted, X)
    try:
        found = call_forked(
            lambda: {kind: case.ask(case.fitted, X) for kind, X in given.items()},
            _HANGS_S,
        )
    except (TimeoutError, ChildProcessError) as error:
        raise AssertionError(f"{case.name}: {error}.") from error
    for kind, answers in found.items():
        said = f"{kind} in a forked process, and in this one"
        case.need_same(answers, case.rows, said, _TOLERANCE)


def _check_index(case):
    if not hasattr(case.estimator, "set_output"):
        return
    # A step that has no pandas output of its own keeps a pipeline from having one.
    X = pd.Series(case.paths, INDEX, name="photo")
    fitted = clone(case.estimator).set_output(transform="pandas").fit(X, case.labels)
    found = fitted.transform(X) if hasattr(fitted, "transform") else None
    index = getattr(found, "index", None)
    if index is not None:
        case.need(
            list(index) == list(INDEX),
            f"transform of a Series with the index {list(INDEX)} gives {list(index)}",
        )


def _check_odd_images(case):
    alpha = [np.dstack([image, np.full((20, 18), 255, "u1")]) for image in case.pixels]
    found = case.ask(case.fitted, case.write("alpha", alpha))
    case.need_same(found, case.rows, "RGB with an opaque alpha, and without")
    gray = case.pixels[..., 0]
    odd = {
        "gray": case.write("gray", gray),
        "16-bit": case.write("deep", gray.astype(np.uint16) * 257),
        "blank": np.zeros_like(case.pixels),
    }
    found = {kind: _or_none(case, X) for kind, X in odd.items()}
    for kind, answers in found.items():
        for method, rows in (answers or {}).items():
            finite = all(_is_finite(row) for row in rows)
            case.need(
                finite,
                f"{method} of {kind} images gives numbers that are not finite",
            )
    if found["gray"] and found["16-bit"]:
        case.need_same(
            found["16-bit"], found["gray"], "16 bits, and of 8 bits", _TOLERANCE
        )


def _check_refusals(case):
    path = case.folder / "cut_off.png"
    whole = Path(case.paths[0]).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    case.need_refusal([case.paths[1], str(path)], "a damaged file", path.name)
    case.need_refusal(case.pixels[0], "one image that is in no list")
    case.need_refusal([], "an empty list")


_CHECKS = (
    _check_parameters,
    _check_rows,
    _check_repeats,
    _check_jobs,
    _check_kinds,
    _check_fork,
    _check_index,
    _check_odd_images,
    _check_refusals,
)

# What came out ------------------------------------------------------------------------


def _rows_of(found):
    """What is said of each image: arrays, of different lengths perhaps."""
    if isinstance(found, Descriptors):
        parts = [found[row : row + 1] for row in range(len(found))]
        return [np.hstack([part.values, part.positions]) for part in parts]
    if isinstance(found, pd.DataFrame) and list(found) == ["image"]:
        return list(found["image"])
    return [np.asarray(row) for row in np.asarray(found)]


def _is_same(one, other):
    """Whether two parameters are one; a pipeline makes a new list of its steps."""
    if isinstance(one, list | tuple) and type(one) is type(other):
        return len(one) == len(other) and all(map(_is_same, one, other))
    return one is other or (isinstance(one, str) and one == other)


def _difference(found, expected, tolerance):
    """How two rows differ, in words; empty if they do not."""
    if found.shape != expected.shape:
        return f"it has shape {found.shape} and {expected.shape}"
    if found.dtype.kind not in "fiub" or expected.dtype.kind not in "fiub":
        return "" if np.array_equal(found, expected) else f"{found} and {expected}"
    found, expected = (row.astype(np.float64) for row in (found, expected))
    same = np.isclose(found, expected, tolerance, tolerance, equal_nan=True)
    if same.all():
        return ""
    largest = np.abs(found - expected)[~same].max()
    return f"{(~same).sum()} of {same.size} numbers, by {largest:.3g} at most"


def _is_finite(row):
    return row.dtype.kind not in "fc" or bool(np.isfinite(row).all())


def _or_none(case, X):
    try:
        return case.ask(case.fitted, X)
    except ValueError:
        return None


@contextmanager
def _offline():
    """Let nothing in this process ask for another machine."""

    def refuse(*args, **kwargs):
        raise AssertionError("the estimator asks for an address on the network.")

    def connect(self, address):
        # Processes on this machine talk through sockets of another family.
        if self.family in (socket.AF_INET, socket.AF_INET6):
            refuse()
        return plain_connect(self, address)

    plain_connect = socket.socket.connect
    with (
        mock.patch.object(socket, "getaddrinfo", refuse),
        mock.patch.object(socket.socket, "connect", connect),
    ):
        yield

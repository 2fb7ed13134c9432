"""Label image files one by one, whatever is wrong with some of them."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator

from imgfeat._progress import progress
from imgfeat._threads import map_threads
from imgfeat._typing import PathLike
from imgfeat.sources import ImageDecodeError, decode_image
from imgfeat.sources._folder import find_images, note_left_out


@dataclass(frozen=True)
class Prediction:
    """The label of one file, or the reason why it has none."""

    path: str
    label: object = None
    probability: float | None = None
    error: str | None = None


def expand_paths(paths: Iterable[PathLike]) -> tuple[list[str], list[str]]:
    """The files that `paths` name: themselves, or every image below a folder.

    Returns
    -------
    files : list of str
        A folder without images stands for itself, to get a row with an error.
    notes : list of str
        Which files in the folders were left out.
    """
    files, left_out = [], Counter()
    for path in [os.fspath(path) for path in paths]:
        files += _images_below(path, left_out) or [path]
    return files, list(note_left_out(left_out))


def _images_below(path, left_out):
    try:
        return find_images(path, path, left_out) if os.path.isdir(path) else []
    except OSError:  # it may not be listed
        return []


def predict_files(
    model: BaseEstimator,
    paths: Sequence[PathLike],
    *,
    batch_size: int = 64,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> Iterator[Prediction]:
    """Yield a `Prediction` for every path, in order.

    Parameters
    ----------
    model : fitted classifier of images
    paths : sequence of str
    batch_size : int, default=64
        Files in memory at a time.
    n_jobs : int, default=None
        Threads that decode.
    verbose : int, default=0

    Yields
    ------
    Prediction
        With ``error`` set, and no label, where the file could not be read.
    """

    def decode(path):
        if os.path.isdir(path):
            return ImageDecodeError(path, "this folder has no image that can be found")
        try:
            return decode_image(path)
        except ImageDecodeError as error:
            return error

    with progress("predict", len(paths), verbose) as advance:
        for start in range(0, len(paths), batch_size):
            batch = paths[start : start + batch_size]
            decoded = map_threads(decode, batch, n_jobs)
            yield from _label(model, batch, decoded)
            advance(len(batch))


def _label(model, paths, decoded):
    good = [row for row, image in enumerate(decoded) if isinstance(image, np.ndarray)]
    predictions = {
        row: Prediction(str(paths[row]), error=error.reason)
        for row, error in enumerate(decoded)
        if isinstance(error, ImageDecodeError)
    }
    if good:
        images = [decoded[row] for row in good]
        labels, probabilities = _predict(model, images)
        for row, label, probability in zip(good, labels, probabilities, strict=True):
            predictions[row] = Prediction(str(paths[row]), label, probability)
    return [predictions[row] for row in range(len(paths))]


def _predict(model, images):
    """Labels as plain values, and the probability of each where the model has one."""
    if not hasattr(model, "predict_proba"):
        return np.asarray(model.predict(images)).tolist(), [None] * len(images)
    proba = model.predict_proba(images)
    best = proba.argmax(axis=1)
    labels = np.asarray(model.classes_)[best]
    return labels.tolist(), proba[np.arange(len(best)), best].tolist()

"""Label image files one by one, whatever is wrong with some of them."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from imgfeat._nesting import last_step
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


@dataclass(frozen=True)
class OpenPrediction(Prediction):
    """The same by an `OpenSet`, whose label is None where the image is unknown.

    ``set`` has the labels that the image may have, were it of a known class, the most
    probable first; ``score`` is its distance from the training images.
    """

    set: list | None = None
    score: float | None = None


def prediction_columns(model: BaseEstimator) -> list[str]:
    """What each prediction of `predict_files` by this model has."""
    return [field.name for field in fields(_type_of(model))]


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
        With ``error`` set, and no label, where the file could not be read. Of an
        `OpenSet` an `OpenPrediction`, without a label where the image is unknown.
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
    kind = _type_of(model)
    good = [row for row, image in enumerate(decoded) if isinstance(image, np.ndarray)]
    predictions = {
        row: kind(str(paths[row]), error=error.reason)
        for row, error in enumerate(decoded)
        if isinstance(error, ImageDecodeError)
    }
    if good:
        images = [decoded[row] for row in good]
        predict = _predict_open if kind is OpenPrediction else _predict
        for row, found in zip(good, predict(model, images), strict=True):
            predictions[row] = kind(str(paths[row]), **found)
    return [predictions[row] for row in range(len(paths))]


def _predict(model, images):
    """A label as a plain value, and its probability where the model has one."""
    if not hasattr(model, "predict_proba"):
        labels = np.asarray(model.predict(images)).tolist()
        return [{"label": label} for label in labels]
    proba = model.predict_proba(images)
    best = proba.argmax(axis=1)
    labels = np.asarray(model.classes_)[best].tolist()
    shares = proba[np.arange(len(best)), best].tolist()
    return [
        {"label": label, "probability": share}
        for label, share in zip(labels, shares, strict=True)
    ]


def _predict_open(model, images):
    """The same with sets and distances; no label and no probability of the unknown."""
    while isinstance(model, Pipeline):
        images = model[:-1].transform(images) if len(model) > 1 else images
        model = model.steps[-1][1]
    answer = model.predict_open(images)
    labels = np.asarray(model.classes_).tolist()
    rows = []
    for row, order in enumerate(np.argsort(-answer.proba, axis=1, kind="stable")):
        found = {
            "set": [labels[place] for place in order if answer.sets[row, place]],
            "score": float(answer.scores[row]),
        }
        if answer.known[row]:
            found["label"] = labels[order[0]]
            found["probability"] = float(answer.proba[row, order[0]])
        rows.append(found)
    return rows


def _type_of(model):
    is_open = hasattr(last_step(model), "predict_open")
    return OpenPrediction if is_open else Prediction

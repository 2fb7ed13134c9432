"""Label image files one by one, whatever is wrong with some of them."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields

from sklearn.base import BaseEstimator

from imgfeat._progress import progress
from imgfeat._threads import map_threads
from imgfeat._typing import PathLike
from imgfeat.deploy._answers import Answer, answer, is_open, read_for
from imgfeat.sources import ImageDecodeError
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
        With ``error`` set, and no label, where the file could not be read, or where the
        model does not take what is in it. Of an
        `OpenSet` an `OpenPrediction`, without a label where the image is unknown.
    """

    def read(path):
        if os.path.isdir(path):
            return ImageDecodeError(path, "this folder has no image that can be found")
        try:
            return read_for(model, path)
        except ImageDecodeError as error:
            return error

    with progress("predict", len(paths), verbose) as advance:
        for start in range(0, len(paths), batch_size):
            batch = paths[start : start + batch_size]
            found = map_threads(read, batch, n_jobs)
            yield from _label(model, batch, found)
            advance(len(batch))


def _label(model, paths, found):
    good = [item for item in found if not isinstance(item, ImageDecodeError)]
    answers = iter(answer(model, good))
    kind = _type_of(model)
    for path, item in zip(paths, found, strict=True):
        is_bad = isinstance(item, ImageDecodeError)
        said = Answer(error=item.reason) if is_bad else next(answers)
        values = {field.name: getattr(said, field.name) for field in fields(kind)[1:]}
        yield kind(str(path), **values)


def _type_of(model):
    return OpenPrediction if is_open(model) else Prediction

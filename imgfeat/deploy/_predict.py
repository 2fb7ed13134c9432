"""Label image files one by one, whatever is wrong with some of them."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from sklearn.base import BaseEstimator

from imgfeat._nesting import last_step
from imgfeat._progress import progress
from imgfeat._target import gives_several, refuse_several_of
from imgfeat._typing import PathLike
from imgfeat.deploy._answers import (
    Answer,
    answer,
    in_places,
    labels_of,
    read_all,
    read_for,
    readable,
)
from imgfeat.deploy._kept_rows import KeptRows, state_of
from imgfeat.deploy._says_unknown import is_open
from imgfeat.sources import ImageDecodeError
from imgfeat.sources._folder import find_images, note_left_out
from imgfeat.sources._source import source_of

_LARGEST_INT = 2**63 - 1
_SAID = {field.name for field in fields(Answer)}


@dataclass(frozen=True)
class Prediction:
    """The label of one file, or the reason why it has none.

    ``further`` has the labels that come next and their probabilities, where more than
    one was asked for.
    """

    path: str
    label: object = None
    probability: float | None = None
    error: str | None = None
    further: list = field(default_factory=list)


@dataclass(frozen=True)
class OpenPrediction(Prediction):
    """The same by an `OpenSet`, whose label is None where the image is unknown.

    ``set`` has the labels that the image may have, were it of a known class, the most
    probable first; ``score`` is its distance from the training images.
    """

    set: list | None = None
    score: float | None = None


@dataclass(frozen=True)
class MultiLabelPrediction(Prediction):
    """The same by a model that gives an image several labels, or none.

    ``labels`` has those that it gives, the most probable first, and ``probabilities``
    those of all labels in the order of the model's classes, if it has any; ``label``
    and ``probability`` are None.
    """

    labels: list | None = None
    probabilities: dict | None = None


def prediction_columns(model: BaseEstimator, top_k: int = 1) -> dict[str, type]:
    """Names and types of what `as_row` makes of predictions by this model."""
    if gives_several(model):
        names = _names_of_shares(model)
        shares = dict.fromkeys(names.values(), float)
        return {"path": str, "labels": list, **shares, "error": str}
    columns = {
        "path": str,
        "label": _type_of_labels(model),
        "probability": float,
        "error": str,
    }
    if is_open(model):
        columns |= {"set": list, "score": float}
    for rank in range(2, 1 + min(top_k, len(labels_of(model)))):
        columns |= {f"label_{rank}": columns["label"], f"probability_{rank}": float}
    return columns


def as_row(prediction: Prediction) -> dict[str, Any]:
    """What a prediction says, by the names of `prediction_columns`."""
    if isinstance(prediction, MultiLabelPrediction):
        shares = prediction.probabilities or {}
        return {
            "path": prediction.path,
            "labels": prediction.labels,
            **{f"probability_{label}": share for label, share in shares.items()},
            "error": prediction.error,
        }
    row = {
        field.name: getattr(prediction, field.name)
        for field in fields(prediction)
        if field.name != "further"
    }
    for rank, (label, probability) in enumerate(prediction.further, start=2):
        row |= {f"label_{rank}": label, f"probability_{rank}": probability}
    return row


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
    top_k: int = 1,
    threshold: float | None = None,
    batch_size: int = 64,
    kept: KeptRows | None = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> Iterator[Prediction]:
    """Yield a `Prediction` for every path, in order.

    Parameters
    ----------
    model : fitted classifier of images
    paths : sequence of str
        Paths or URLs, or what else is a file elsewhere: an `ArchiveMember`.
    top_k : int, default=1
        How many labels each image gets, the most probable first.
    threshold : float, optional
        Where the label is less probable than this there is none; of several labels,
        those that are as probable as this are given.
    batch_size : int, default=64
        Files in memory at a time.
    kept : KeptRows, optional
        Where predictions are found that an earlier run has made, and kept.
    n_jobs : int, default=None
        Threads that decode.
    verbose : int, default=0

    Yields
    ------
    Prediction
        With ``error`` set, and no label, where the file could not be read, or where the
        model does not take what is in it. Of an
        `OpenSet` an `OpenPrediction`, without a label where the image is unknown.

    Raises
    ------
    ValueError
        If `top_k` or `threshold` cannot be, or the model has no probabilities for them.
    """
    check_ranking(model, top_k, threshold)
    label = _labeller(model, top_k, threshold, n_jobs)
    return _predictions(_type_of(model), paths, label, batch_size, kept, verbose)


def _predictions(kind, paths, label, batch_size, kept, verbose):
    with progress("predict", len(paths), verbose) as advance:
        for start in range(0, len(paths), batch_size):
            batch = paths[start : start + batch_size]
            yield from label(batch) if kept is None else _kept(kind, batch, label, kept)
            advance(len(batch))


def _kept(kind, paths, label, kept):
    """Predictions of some paths, as they were kept; else they are made, and kept."""
    state = state_of(paths)
    rows = kept.find(state)
    if rows is None:
        rows = list(map(asdict, label(paths)))
        if not any(map(_may_mend_itself, paths, rows)):
            kept.add(state, rows)
    return [kind(**row) for row in rows]


def _may_mend_itself(path, row):
    """Whether a server has refused a file that it may give next time."""
    return row["error"] is not None and source_of(path).is_remote


def _labeller(model, top_k, threshold, n_jobs):
    """Return what makes predictions of some paths."""

    def read(path):
        folder = source_of(path).path
        if folder is not None and os.path.isdir(folder):
            raise ImageDecodeError(folder, "this folder has no image that can be found")
        return read_for(model, path)

    def label(paths):
        found = read_all(paths, read, n_jobs)
        answers = in_places(found, answer(model, readable(found)))
        return list(predictions_of(model, paths, answers, top_k, threshold))

    return label


def check_ranking(model, top_k, threshold):
    if top_k > 1:
        refuse_several_of(model, "top_k", "all labels come with their probabilities")
    if top_k < 1:
        raise ValueError(f"top_k needs to be at least 1. Got {top_k}.")
    if threshold is not None and not 0 <= threshold <= 1:
        raise ValueError(f"threshold needs to be between 0 and 1. Got {threshold}.")
    for name, is_given in (("top_k", top_k > 1), ("threshold", threshold is not None)):
        if is_given and not (is_open(model) or hasattr(model, "predict_proba")):
            raise ValueError(
                f"{name} needs a model with probabilities. This one has none, as its "
                f"last step is {type(last_step(model)).__name__}; calibrate it."
            )


def predictions_of(model, paths, answers, top_k=1, threshold=None):
    """Yield the `Prediction` that each answer is, for `predict_files`.

    Parameters
    ----------
    model : fitted classifier of images
    paths : sequence of str
    answers : list of Answer or ImageDecodeError
        One a path.
    top_k : int
    threshold : float, optional
    """
    kind = _type_of(model)
    names = [field.name for field in fields(kind) if field.name in _SAID]
    for path, said in zip(paths, answers, strict=True):
        if isinstance(said, ImageDecodeError):
            said = Answer(error=said.reason)
        values = {name: getattr(said, name) for name in names}
        if said.label is not None and top_k > 1:
            others = _ranked(said.probabilities)
            others.remove([said.label, said.probability])  # by a threshold, not first
            values["further"] = others[: top_k - 1]
        if threshold is not None and said.labels is not None:
            ranked = _ranked(said.probabilities)
            values["labels"] = [label for label, share in ranked if share >= threshold]
        elif threshold is not None and (said.probability or 0) < threshold:
            values |= {"label": None, "further": []}
        yield kind(source_of(path).name, **values)


def _ranked(probabilities):
    """Pairs of a label and its probability, the most probable first."""
    return [list(pair) for pair in sorted(probabilities.items(), key=_less_probable)]


def _less_probable(pair):
    return -pair[1]


def _type_of_labels(model):
    labels = labels_of(model)
    types = set(map(type, labels))
    if types == {int} and max(labels) > _LARGEST_INT:
        return str  # Parquet would have no room for it
    return types.pop() if types in ({int}, {float}, {bool}) else str


def _type_of(model):
    if gives_several(model):
        return MultiLabelPrediction
    return OpenPrediction if is_open(model) else Prediction


def _names_of_shares(model):
    """Columns of the probabilities of several labels, by label."""
    if not hasattr(model, "predict_proba"):
        return {}
    return {label: f"probability_{label}" for label in labels_of(model)}

"""From some images to rows of a table, and vectors where these are wanted."""

import numpy as np
from sklearn.pipeline import Pipeline

from imgfeat.deploy._answers import (
    Answer,
    how_to_ask,
    in_places,
    one_fails_alone,
    read_all,
    read_for,
    readable,
)
from imgfeat.deploy._predict import as_row, predictions_of
from imgfeat.deploy._predictor import Features, features_of
from imgfeat.deploy.datasets._task import EMBEDDINGS
from imgfeat.estimators._front_of import front_of
from imgfeat.evaluation.gallery._stored_front import with_jobs
from imgfeat.sources import ImageDecodeError


def row_maker(task):
    """Return the function that makes rows for a task, its model ready.

    Parameters
    ----------
    task : Task

    Returns
    -------
    callable
        From a list of ListedImage to a list of dict, each with ``error``, and an array
        (n_images, width) of float32 with NaN where there is an error; None in its place
        if there is no vector.
    """
    kind = VectorMaker if task.kind == EMBEDDINGS else LabelMaker
    return kind(task.model.estimator, task.n_jobs, **task.options)


class VectorMaker:
    """Makes a vector of each image by what stands in front of a classifier."""

    def __init__(self, model, n_jobs=None):
        self._front = with_jobs(front_of(model), n_jobs)
        self._n_jobs = n_jobs

    def __call__(self, images):
        items = [image.item for image in images]
        found = _ask(features_of, self._front, items, Features, self._n_jobs)
        rows = [{"error": each.error} for each in found]
        vectors = [each.vector for each in found]
        widths = {len(vector) for vector in vectors if vector is not None}
        if not widths:
            return rows, None
        check_widths(widths)
        none = np.full(widths.pop(), np.nan, dtype=np.float32)
        return rows, np.stack([none if each is None else each for each in vectors])


class LabelMaker:
    """Labels images by a classifier."""

    def __init__(self, model, n_jobs=None, *, top_k=1, threshold=None):
        self._model = _with_jobs_before_the_last(model, n_jobs)
        self._ask = how_to_ask(model)
        self._n_jobs = n_jobs
        self._how = top_k, threshold

    def __call__(self, images):
        items = [image.item for image in images]
        found = _ask(self._ask, self._model, items, Answer, self._n_jobs)
        ids = [image.id for image in images]
        rows = [
            as_row(said) for said in predictions_of(self._model, ids, found, *self._how)
        ]
        return rows, None


def check_widths(widths):
    """Refuse vectors that differ in length."""
    if len(widths) > 1:
        raise ValueError(
            "A dataset needs vectors of one length. Got "
            f"{' and '.join(map(str, sorted(widths)))} numbers: are the images of "
            "different sizes? Put ImageReader(size=...) in front."
        )


def _ask(ask, model, items, kind, n_jobs):
    """``ask(model, items)``, with errors in the place of what fails by itself.

    The model gets the files as they are, and reads the next while it computes. Only
    where that fails, they are all read to find out which it is.
    """

    def give_error(words):
        return kind(error=words)

    def checked(item):
        read_for(model, item)
        return item

    try:
        return ask(model, items)
    except Exception:  # noqa: BLE001, what steps of other packages raise
        found = read_all(items, checked, n_jobs)
    asked = one_fails_alone(ask, model, readable(found), give_error)
    return [
        give_error(said.reason) if isinstance(said, ImageDecodeError) else said
        for said in in_places(found, asked)
    ]


def _with_jobs_before_the_last(model, n_jobs):
    if not isinstance(model, Pipeline):
        return model
    steps = [(name, with_jobs(step, n_jobs)) for name, step in model.steps[:-1]]
    return Pipeline([*steps, model.steps[-1]])

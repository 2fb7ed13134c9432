"""What a model says of each of some images, whatever is wrong with one of them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from imgfeat._nesting import first_steps
from imgfeat._sklearn import BaseSearchCV
from imgfeat._target import classes_of, gives_several, names_of_rows, plain_labels
from imgfeat._threads import map_threads
from imgfeat.deploy._says_unknown import is_open
from imgfeat.estimators._augmented import AugmentedClassifier
from imgfeat.estimators._class_scores import shares_of_labels
from imgfeat.estimators._no_labels import refuse_no_labels
from imgfeat.estimators._plain_steps import names_the_most_probable
from imgfeat.sources import ImageDecodeError, decode_image
from imgfeat.sources._decode import MAX_PIXELS

# How steps read where they read as `decode_image` does by itself: what it gives for a
# file is to them what the file is.
_PLAIN_READING = {
    "dtype": "uint8",
    "value_range": None,
    "color": None,
    "strict": True,
    "fast_decode": False,
}


@dataclass(frozen=True)
class Answer:
    """What a model says of one image, or why it says nothing.

    Attributes
    ----------
    label : object
        As a plain value of Python; None where there is an error, or where an `OpenSet`
        calls the image unknown.
    probability : float or None
        Of the label; None of a model without probabilities.
    probabilities : dict or None
        Of each class, by its label, in the order of the model's ``classes_``.
    set : list or None
        Of an `OpenSet`, the labels that the image may have, the most probable first.
    labels : list or None
        Of a model that gives an image several, those that it gives, the most probable
        first; then `label` and `probability` are None.
    score : float or None
        Of an `OpenSet`, the distance from its training images.
    is_unknown : bool
        Whether an `OpenSet` calls the image unknown.
    error : str or None
        What is wrong with the image; then there is nothing else.
    """

    label: object = None
    probability: float | None = None
    probabilities: Mapping | None = None
    set: list | None = None
    labels: list | None = None
    score: float | None = None
    is_unknown: bool = False
    error: str | None = None


def labels_of(model):
    """The classes of a model as plain values; none of what is no classifier."""
    return plain_labels(classes_of(model))


def names_of_labels(model: BaseEstimator) -> list[str] | None:
    """What a model calls several labels an image; None where they have no names."""
    names = labels_of(model) if gives_several(model) else []
    return names if names and all(isinstance(name, str) for name in names) else None


def takes_pixels(model):
    """Whether pixels are to a model what the file is that they come from."""
    return all(
        getattr(step, name, plain) == plain
        for step in first_steps(model)
        for name, plain in _PLAIN_READING.items()
    )


def read_for(model, source, *, name=None, max_pixels=MAX_PIXELS):
    """Read an image as far as can be done before a model sees it.

    Returns
    -------
    object
        Pixels; or `source` itself, checked, where the model reads in its own way.

    Raises
    ------
    ImageDecodeError
    """
    pixels = decode_image(source, name=name, max_pixels=max_pixels)
    return pixels if takes_pixels(model) else source


def read_all(images, read, n_jobs):
    """Read images in threads.

    Returns
    -------
    list
        What ``read(image)`` gives, or the ImageDecodeError that it raises.
    """

    def try_to(image):
        try:
            return read(image)
        except ImageDecodeError as error:
            return error

    return map_threads(try_to, images, n_jobs)


def readable(read):
    """What of the images that `read_all` gave could be read."""
    return [image for image in read if not isinstance(image, ImageDecodeError)]


def in_places(read, answers):
    """Answers for what of `read` is `readable`, between the errors of the others."""
    answers = iter(answers)
    return [
        image if isinstance(image, ImageDecodeError) else next(answers)
        for image in read
    ]


def answer(model, images):
    """Say of each image what `model` makes of it.

    Parameters
    ----------
    model : fitted classifier of images
    images : list
        As `read_for` gives them.

    Returns
    -------
    list of Answer
        With an error for those that the model does not take; the others are labelled
        as if these were not there.
    """
    ask = how_to_ask(model)
    return one_fails_alone(ask, model, images, lambda error: Answer(error=error))


def how_to_ask(model):
    """Return what makes a list of `Answer` of a model and images that it takes.

    Raises
    ------
    TypeError
        If it is no classifier.
    """
    refuse_no_labels(model)
    if gives_several(model):
        return _answer_several
    return _answer_open if is_open(model) else _answer


def one_fails_alone(ask, model, images, give_error):
    """Return ``ask(model, images)``, or image by image where that raises.

    Parameters
    ----------
    ask : callable
        From a model and images to a list with an item for each.
    model : estimator
    images : list
    give_error : callable
        From what is wrong with an image, in words, to the item in its place.
    """
    if not images:
        return []
    try:
        return ask(model, images)
    except Exception as error:  # noqa: BLE001, what steps of other packages raise
        if len(images) == 1:
            return [give_error(error_in_words(error))]
    return [
        item
        for image in images
        for item in one_fails_alone(ask, model, [image], give_error)
    ]


def error_in_words(error):
    """What is wrong with an image, without the innards of the step that fails on it."""
    if isinstance(error, ImageDecodeError):
        return error.reason
    if isinstance(error, MemoryError):
        return "there is not enough memory for it"
    words = " ".join(str(error).split())
    known = isinstance(error, ValueError) and words
    return words if known else f"the model fails on it ({type(error).__name__})"


def _answer(model, images):
    if not hasattr(model, "predict_proba"):
        return [Answer(label) for label in _given(model, images)]
    labels = labels_of(model)
    model, images = in_front_of_last(model, images)
    proba = _finite(np.asarray(model.predict_proba(images)))
    if names_the_most_probable(model):
        places = proba.argmax(axis=1)
    else:  # an SVC's decisions are not its probabilities, a threshold is not half
        places = [labels.index(label) for label in _given(model, images)]
    return [
        Answer(labels[place], float(row[place]), _by_label(labels, row))
        for place, row in zip(places, proba, strict=True)
    ]


def _given(model, images):
    return plain_labels(np.asarray(model.predict(images)))


def _answer_several(model, images):
    labels = labels_of(model)
    model, images = in_front_of_last(model, images)
    given = np.asarray(model.predict(images)) == 1
    if not hasattr(model, "predict_proba"):
        return [Answer(labels=list(names)) for names in names_of_rows(given, labels)]
    proba = _finite(shares_of_labels(model.predict_proba(images), model.classes_))
    answers = []
    for row, has in zip(proba, given, strict=True):
        order = [place for place in np.argsort(-row, kind="stable") if has[place]]
        names = [labels[place] for place in order]
        answers.append(Answer(labels=names, probabilities=_by_label(labels, row)))
    return answers


def in_front_of_last(model, images):
    """The last step, and what it is given of the images."""
    while True:
        if isinstance(model, BaseSearchCV):
            model = model.best_estimator_
        elif isinstance(model, FrozenEstimator):
            model = model.estimator
        elif isinstance(model, AugmentedClassifier) and model.n_views == 1:
            model = model.pipeline_
        elif isinstance(model, Pipeline):
            images = model[:-1].transform(images) if len(model) > 1 else images
            model = model.steps[-1][1]
        else:
            return model, images


def _answer_open(model, images):
    model, images = in_front_of_last(model, images)
    found = model.predict_open(images)
    _finite(found.proba)
    labels = labels_of(model)
    answers = []
    for row, order in enumerate(np.argsort(-found.proba, axis=1, kind="stable")):
        is_known = bool(found.known[row])
        best = float(found.proba[row, order[0]])
        answers.append(
            Answer(
                label=labels[order[0]] if is_known else None,
                probability=best if is_known else None,
                probabilities=_by_label(labels, found.proba[row]),
                set=[labels[place] for place in order if found.sets[row, place]],
                score=float(found.scores[row]),
                is_unknown=not is_known,
            )
        )
    return answers


def _by_label(labels, row):
    return dict(zip(labels, row.tolist(), strict=True))


def _finite(proba):
    if not np.isfinite(proba).all():
        raise ValueError("the model gives no number for its probability")
    return proba

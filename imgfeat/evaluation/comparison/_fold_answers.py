"""What models say of images that they had not seen, as answers of a classifier."""

from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from imgfeat._frames import make_index
from imgfeat._sklearn import safe_indexing
from imgfeat._target import what_decides
from imgfeat.estimators._label_thresholds import HALF
from imgfeat.estimators._unknown_label import label_table
from imgfeat.evaluation.metrics._evaluate import evaluate


@dataclass(frozen=True)
class FoldAnswers:
    """What the models of the folds say of the images of other folds.

    Attributes
    ----------
    probabilities : ndarray of shape (n_images, n_classes)
        NaN for images in no fold.
    decided : ndarray of int of shape (n_images,), or (n_images, n_classes)
        As from `numbers_of`; nothing for images in no fold.
    unknown : str, int, float or None
        The label that -1 stands for.
    """

    probabilities: np.ndarray
    decided: np.ndarray
    unknown: str | int | float | None = None

    @property
    def is_known(self):
        """Which images are in a fold."""
        return ~np.isnan(self.probabilities).any(axis=1)

    def take(self, rows):
        """The answers for some images."""
        return FoldAnswers(self.probabilities[rows], self.decided[rows], self.unknown)

    def labels(self, classes):
        """What is decided of one label an image, of these classes."""
        if self.unknown is not None:
            classes = label_table(classes, self.unknown)  # whose last one is at -1
        return classes[self.decided]

    def sureness(self):
        """The probability of what is decided of one label an image; NaN of no class."""
        given = np.take_along_axis(self.probabilities, self.decided[:, None], axis=1)
        return np.where(self.decided < 0, np.nan, given[:, 0])


class OutOfFold(ClassifierMixin, BaseEstimator):
    """A classifier whose answers are known already, whatever the images.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,), or as from `classes_to_score`
    answers : FoldAnswers
        All of images in a fold.
    multilabel : bool, default=False
        Whether an image may have several of the classes.
    """

    def __init__(self, classes, answers, multilabel=False):
        self.classes = classes
        self.answers = answers
        self.multilabel = multilabel

    @property
    def multilabel_(self):
        return self.multilabel

    @property
    def classes_(self):
        return self.classes

    @property
    def unknown_label_(self):
        return self.answers.unknown

    def fit(self, X, y):
        """Learn nothing; scikit-learn takes what has no fit for no classifier."""
        return self

    def predict_proba(self, X):
        """The probabilities."""
        return self.answers.probabilities

    def predict(self, X):
        """What the models of the folds predict."""
        if self.multilabel:
            return self.answers.decided
        return self.answers.labels(self.classes)

    def __sklearn_is_fitted__(self):
        return True


def classes_to_score(y):
    """The ``classes_`` by which scikit-learn's scorers read probabilities right.

    Of two labels an image they would take the names for two classes of one label, but
    not what forests have, which is 0 and 1 of each.
    """
    return np.unique(y) if y.ndim == 1 else [np.array([0, 1])] * y.shape[1]


def to_score(model, decided, shares, y):
    """What scikit-learn's scorers are to ask: the model, or what it has answered.

    Parameters
    ----------
    model : fitted classifier
    decided : ndarray
        As from `numbers_of`.
    shares : ndarray of shape (n_images, n_classes), or None
        Probabilities of several labels; without them the model is asked.
    y : ndarray of labels

    Returns
    -------
    classifier
    """
    if y.ndim == 1 or shares is None:
        return model
    answers = FoldAnswers(shares, decided)
    return OutOfFold(classes_to_score(y), answers, multilabel=True)


def numbers_of(said, y, unknown):
    """What ``predict`` gives, in numbers.

    Parameters
    ----------
    said : array-like of shape (n_images,), or (n_images, n_classes)
    y : ndarray of all labels
    unknown : str, int, float or None
        The label of images of no class.

    Returns
    -------
    ndarray of int of shape (n_images,), or (n_images, n_classes)
        The place of a label among the sorted ones of y, or -1 of the unknown one; of
        several labels 1 for each that an image has, else 0.

    Raises
    ------
    ValueError
        If there is another label, or of several other than 0 and 1.
    """
    said = np.asarray(said)
    if y.ndim == 1:
        classes, said = np.unique(y).astype(object), said.astype(object)
        places = make_index(classes).get_indexer(said)
        strange = said[(places < 0) & (said != unknown)]
        if len(strange):
            raise ValueError(
                f"Predictions are among {len(classes)} classes. Got {strange[0]!r}; "
                "its classes_ do not fit its predict."
            )
        return places
    if said.shape[1:] != y.shape[1:] or not np.isin(said, (0, 1)).all():
        raise ValueError(
            f"Predictions of several labels are 0 or 1 for each of {y.shape[1]}. Got "
            f"shape {said.shape}, or other numbers; its classes_ do not fit its "
            "predict."
        )
    return said.astype(np.int8)


def unknown_of(model):
    """The label that a fitted model gives to images of no class, or None."""
    label = getattr(what_decides(model), "unknown_label_", None)
    return label.item() if isinstance(label, np.generic) else label


def decide(probabilities, is_several):
    """What probabilities alone say, as from `numbers_of`: the most probable, or > 0.5.

    Parameters
    ----------
    probabilities : ndarray of shape (n_images, n_classes)
    is_several : bool
        Whether an image may have several labels.
    """
    if is_several:
        return (probabilities > HALF).astype(np.int8)
    return probabilities.argmax(axis=1)


def evaluate_out_of_fold(answers, images, target):
    """Evaluate what the models of the folds say of the images of other folds.

    Parameters
    ----------
    answers : FoldAnswers
    images : images
    target : Target

    Returns
    -------
    evaluation : Evaluation or MultiLabelEvaluation
    rows : ndarray of int
        The image behind each of its rows; those in no fold are left out.
    """
    rows = np.flatnonzero(answers.is_known)
    model = OutOfFold(target.classes, answers.take(rows), target.is_several)
    return evaluate(model, safe_indexing(images, rows), target.values[rows]), rows

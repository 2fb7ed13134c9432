"""What models say of images that they had not seen: as predictions, and together."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from imgfeat._frames import make_frame, make_series
from imgfeat._sklearn import safe_indexing
from imgfeat._target import names_of_rows
from imgfeat.evaluation.metrics._evaluate import evaluate


class OutOfFold(ClassifierMixin, BaseEstimator):
    """A classifier whose probabilities are known already, whatever the images.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
    probabilities : ndarray of shape (n_images, n_classes)
    multilabel : bool, default=False
        Whether an image may have several of the classes.
    """

    def __init__(self, classes, probabilities, multilabel=False):
        self.classes = classes
        self.probabilities = probabilities
        self.multilabel = multilabel

    @property
    def multilabel_(self):
        return self.multilabel

    @property
    def classes_(self):
        return self.classes

    def predict_proba(self, X):
        """The probabilities."""
        return self.probabilities

    def predict(self, X):
        """The class of the highest probability; of several labels, those above 0.5."""
        if self.multilabel:
            return (self.probabilities > 0.5).astype(np.int64)
        return self.classes[self.probabilities.argmax(axis=1)]


def evaluate_out_of_fold(probabilities, images, target):
    """Evaluate what the models of the folds say of the images of other folds.

    Parameters
    ----------
    probabilities : ndarray of shape (n_images, n_classes)
        NaN for images in no fold, which are left out.
    images : images
    target : Target

    Returns
    -------
    evaluation : Evaluation or MultiLabelEvaluation
    rows : ndarray of int
        The image behind each of its rows.
    """
    rows = np.flatnonzero(~np.isnan(probabilities).any(axis=1))
    model = OutOfFold(target.classes, probabilities[rows], target.is_several)
    return evaluate(model, safe_indexing(images, rows), target.values[rows]), rows


def all_wrong(probabilities, target):
    """`shared_mistakes` of models by their probabilities.

    Parameters
    ----------
    probabilities : iterable of ndarray of shape (n_images, n_classes)
        One a model; NaN for images in no fold.
    target : Target
        Of one label an image.

    Returns
    -------
    DataFrame
    """
    classes, y = target.classes, target.values
    codes = [found.argmax(axis=1) for found in probabilities]
    sure = [found.max(axis=1) for found in probabilities]
    # Without a model, nothing is known of any image.
    known = ~np.isnan(sure).any(axis=0) if sure else np.zeros(len(y), dtype=bool)
    rows = np.flatnonzero(known)
    shape = max(1, len(codes)), len(rows)
    found = shared_mistakes(
        y[rows],
        classes[np.reshape([code[rows] for code in codes], shape).astype(int)],
        np.reshape([values[rows] for values in sure], shape),
    )
    found.index = rows[found.index]
    return found


def all_wrong_of_several(probabilities, target):
    """`shared_mistakes_of_several` of models by their probabilities, as `all_wrong`."""
    found = list(probabilities)
    known = ~np.isnan(found).any(axis=(0, 2)) if found else np.zeros(len(target), bool)
    rows = np.flatnonzero(known)
    guesses = [shares[rows] > 0.5 for shares in found] or [target.values[rows] == 1]
    table = shared_mistakes_of_several(
        target.values[rows] == 1, np.stack(guesses), target.classes
    )
    table.index = rows[table.index]
    return table


def shared_mistakes_of_several(true, guesses, classes):
    """Images that no model has all labels right of, those with most agreement first.

    Parameters
    ----------
    true : ndarray of bool of shape (n_images, n_classes)
    guesses : ndarray of bool of shape (n_models, n_images, n_classes)
    classes : ndarray of shape (n_classes,)

    Returns
    -------
    DataFrame
        As of `shared_mistakes`, with tuples of labels: those that most models give an
        image, all in all; of equally many the first model's.
    """
    wrong = np.flatnonzero((guesses != true).any(axis=2).all(axis=0))
    guesses = guesses[:, wrong]
    # Label by label, most could be right together where each of them is wrong.
    alike = np.array([(guesses == one).all(axis=2).sum(axis=0) for one in guesses])
    most = np.take_along_axis(guesses, alike.argmax(axis=0)[None, :, None], axis=0)[0]
    table = make_frame(
        {
            "true": make_series(names_of_rows(true[wrong], classes), dtype=object),
            "predicted": make_series(names_of_rows(most, classes), dtype=object),
            "probability": np.full(len(wrong), np.nan),
            "n_agree": alike.max(axis=0),
            "n_models": len(guesses),
        }
    ).set_axis(wrong)
    return table.sort_values("n_agree", ascending=False, kind="stable")


def shared_mistakes(true, guesses, sureness):
    """Images that every model gets wrong, those of which they are surest first.

    Parameters
    ----------
    true : ndarray of shape (n_images,)
    guesses : ndarray of shape (n_models, n_images)
        What each model says.
    sureness : ndarray of float of shape (n_models, n_images)
        The probability that it gives that; NaN if it has none.

    Returns
    -------
    DataFrame
        ``true``, ``predicted`` (what most say; of equals, those that are surer),
        ``probability`` (mean of all models that have one, each of what it says),
        ``n_agree`` of ``n_models`` that say so. The index is the place among the
        images.
    """
    wrong = np.flatnonzero((guesses != true).all(axis=0))
    guesses, sureness = guesses[:, wrong], sureness[:, wrong]
    known = np.isfinite(sureness)
    sure = np.where(known, sureness, 0)
    agree = guesses[:, np.newaxis] == guesses
    n_agree = agree.sum(axis=1)
    # Sums of probabilities are at most n_agree, so they only decide between equals.
    weight = n_agree + (agree * sure).sum(axis=1) / (len(guesses) + 1)
    first = weight.argmax(axis=0), np.arange(len(wrong))
    with np.errstate(invalid="ignore"):  # no model has probabilities
        mean = sure.sum(axis=0) / known.sum(axis=0)
    table = make_frame(
        {
            "true": true[wrong],
            "predicted": guesses[first],
            "probability": mean,
            "n_agree": n_agree[first],
            "n_models": len(guesses),
        },
        index=wrong,
    )
    return table.sort_values("probability", ascending=False, kind="stable")

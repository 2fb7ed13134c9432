"""What models say of images that they had not seen: as predictions, and together."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from imgfeat._frames import make_frame
from imgfeat._sklearn import safe_indexing
from imgfeat.evaluation.metrics._evaluate import evaluate


class OutOfFold(ClassifierMixin, BaseEstimator):
    """A classifier whose probabilities are known already, whatever the images.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
    probabilities : ndarray of shape (n_images, n_classes)
    """

    def __init__(self, classes, probabilities):
        self.classes = classes
        self.probabilities = probabilities

    @property
    def classes_(self):
        return self.classes

    def predict_proba(self, X):
        """The probabilities."""
        return self.probabilities

    def predict(self, X):
        """The class of the highest probability."""
        return self.classes[self.probabilities.argmax(axis=1)]


def evaluate_out_of_fold(probabilities, images, y):
    """Evaluate what the models of the folds say of the images of other folds.

    Parameters
    ----------
    probabilities : ndarray of shape (n_images, n_classes)
        NaN for images in no fold, which are left out.
    images : images
    y : ndarray of shape (n_images,)

    Returns
    -------
    evaluation : Evaluation
    rows : ndarray of int
        The image behind each of its rows.
    """
    rows = np.flatnonzero(~np.isnan(probabilities).any(axis=1))
    model = OutOfFold(np.unique(y), probabilities[rows])
    return evaluate(model, safe_indexing(images, rows), y[rows]), rows


def all_wrong(probabilities, y):
    """`shared_mistakes` of models by their probabilities.

    Parameters
    ----------
    probabilities : iterable of ndarray of shape (n_images, n_classes)
        One a model; NaN for images in no fold.
    y : ndarray of shape (n_images,)

    Returns
    -------
    DataFrame
    """
    classes = np.unique(y)
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

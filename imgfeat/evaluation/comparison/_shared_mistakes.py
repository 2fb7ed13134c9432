"""Images that all models get wrong, which had not seen them."""

import numpy as np

from imgfeat._frames import make_frame, make_series
from imgfeat._target import names_of_rows


def all_wrong(answers, target):
    """`shared_mistakes` of models by what they say out of fold.

    Parameters
    ----------
    answers : iterable of FoldAnswers
        One a model.
    target : Target
        Of one label an image.

    Returns
    -------
    DataFrame
    """
    found = list(answers)
    rows = _rows_known(found, target)
    found = [one.take(rows) for one in found]
    labels = [one.labels(target.classes) for one in found] or [target.values[rows]]
    sure = [one.sureness() for one in found] or [np.full(len(rows), np.nan)]
    table = shared_mistakes(target.values[rows], np.stack(labels), np.stack(sure))
    table.index = rows[table.index]
    return table


def all_wrong_of_several(answers, target):
    """`shared_mistakes_of_several` of models by what they say, as `all_wrong`."""
    found = list(answers)
    rows = _rows_known(found, target)
    true = target.values[rows] == 1
    guesses = [one.decided[rows] == 1 for one in found] or [true]
    table = shared_mistakes_of_several(true, np.stack(guesses), target.classes)
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


def _rows_known(answers, target):
    """Images of which all models say something; without a model there is none."""
    known = [one.is_known for one in answers] or [np.zeros(len(target), dtype=bool)]
    return np.flatnonzero(np.all(known, axis=0))

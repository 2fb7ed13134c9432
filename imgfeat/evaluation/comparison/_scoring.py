"""By what candidates are scored: scikit-learn's scorers, by name."""

import warnings
from difflib import get_close_matches

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.metrics import (
    f1_score,
    get_scorer,
    get_scorer_names,
    make_scorer,
    precision_score,
    recall_score,
)

SCORING = ("accuracy", "precision_macro", "recall_macro", "f1_macro")
# scikit-learn's scorers of these names warn about a class that is never predicted.
_QUIET = {
    f"{name}_macro": make_scorer(
        metric, average="macro", zero_division=0, pos_label=None
    )
    for name, metric in {
        "precision": precision_score,
        "recall": recall_score,
        "f1": f1_score,
    }.items()
}

# The first decides: all labels right, which accuracy asks of an image, few may have.
_OF_SEVERAL = ("f1_macro", "f1_micro", "average_precision", "accuracy")
# scikit-learn gives a number, as if each row held the shares of one label.
_NOT_OF_SEVERAL = ("neg_log_loss", "neg_brier_score")


def usual_scoring(y):
    """What is scored if nobody says: of one label an image, or of several."""
    return SCORING if y.ndim == 1 else _OF_SEVERAL


def find_scorers(scoring, y):
    """Scorers by name, in order, that can score these labels.

    Parameters
    ----------
    scoring : str or sequence of str
    y : ndarray of shape (n_samples,), or (n_samples, n_classes)

    Returns
    -------
    dict of str to scorer

    Raises
    ------
    ValueError
        If there is none, no scorer has such a name, or it is for other labels.
    """
    names = [scoring] if isinstance(scoring, str) else list(dict.fromkeys(scoring))
    if not names:
        raise ValueError(
            "compare needs at least one name of a scorer. Got none; pass "
            "scoring='accuracy'."
        )
    scorers = {name: _find(name) for name in names}
    for name, scorer in scorers.items():
        _try(name, scorer, y)
    return scorers


def with_usual(scoring, y):
    """A name in front of the usual ones, each of them once."""
    return tuple(dict.fromkeys((scoring, *usual_scoring(y))))


def _find(name):
    if name in _QUIET:
        return _QUIET[name]
    known = get_scorer_names()
    if name not in known:
        close = get_close_matches(str(name), known, n=4, cutoff=0.5)
        close = close or ["accuracy", "balanced_accuracy", "f1_macro", "neg_log_loss"]
        raise ValueError(
            f"scoring needs names of scikit-learn's scorers. Got {name!r}; near it are "
            f"{', '.join(close)}."
        )
    return get_scorer(name)


def _try(name, scorer, y):
    """Score a guess, so that hours of work do not end in a scorer for other labels."""
    rows = np.zeros((len(y), 1))
    guess = DummyClassifier(strategy="prior").fit(rows, y)
    what = _in_words(y)
    better = "'balanced_accuracy', 'f1_macro' or 'neg_log_loss'"
    if y.ndim == 2:
        better = "'f1_macro', 'average_precision', 'roc_auc' or 'jaccard_samples'"
    try:
        if y.ndim == 2 and name in _NOT_OF_SEVERAL:
            raise ValueError("it takes the probabilities of one label an image")
        with warnings.catch_warnings(action="ignore"):
            value = scorer(guess, rows, y)
    except (ValueError, TypeError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise ValueError(
            f"scoring={name!r} cannot score {what}: {reason}; take one that can, such "
            f"as {better}."
        ) from error
    if not np.isfinite(value):
        raise ValueError(
            f"scoring={name!r} gives {value} for these labels; take another, such as "
            f"{better}."
        )


def _in_words(y):
    if y.ndim == 2:
        return f"several labels an image, of {y.shape[1]}"
    classes = np.unique(y)
    return f"{len(classes)} classes such as {classes.tolist()[0]!r}"

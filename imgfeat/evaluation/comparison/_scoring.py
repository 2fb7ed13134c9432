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


def find_scorers(scoring, y):
    """Scorers by name, in order, that can score these labels.

    Parameters
    ----------
    scoring : str or sequence of str
    y : ndarray of shape (n_samples,)

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


def with_usual(scoring):
    """A name in front of the usual ones, each of them once."""
    return tuple(dict.fromkeys((scoring, *SCORING)))


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
    try:
        with warnings.catch_warnings(action="ignore"):
            value = scorer(guess, rows, y)
    except (ValueError, TypeError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise ValueError(
            f"scoring={name!r} cannot score {len(guess.classes_)} classes such as "
            f"{guess.classes_.tolist()[0]!r}: {reason}; take one that can, such as "
            "'balanced_accuracy', 'f1_macro' or 'neg_log_loss'."
        ) from error
    if not np.isfinite(value):
        raise ValueError(
            f"scoring={name!r} gives {value} for these labels; take another, such as "
            "'balanced_accuracy', 'f1_macro' or 'neg_log_loss'."
        )

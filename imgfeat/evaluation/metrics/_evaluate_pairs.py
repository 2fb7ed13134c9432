"""How well pairs that are the same are told from others, with intervals over people."""

from collections.abc import Sequence
from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from imgfeat._frames import make_frame
from imgfeat._sklearn import HasMethods, Interval, validate_params
from imgfeat._typing import ArrayLike, RandomState
from imgfeat.estimators import PairVerifier
from imgfeat.estimators.verification._cut_people import pairs_of
from imgfeat.estimators.verification._known_pairs import know_pairs
from imgfeat.evaluation.metrics._interval import percentile_interval
from imgfeat.evaluation.metrics._pair_curves import (
    PairCurves,
    area,
    equal_error_rate,
    true_accepts_at,
)
from imgfeat.evaluation.metrics._pair_evaluation import PairEvaluation


@validate_params(
    {
        "verifier": [HasMethods(["similarity"])],
        "rates": ["array-like"],
        "n_resamples": [Interval(Integral, 0, None, closed="left")],
        "level": [Interval(Real, 0, 1, closed="neither")],
        "max_pairs": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def evaluate_pairs(
    verifier: PairVerifier,
    X: Sequence,
    y: ArrayLike,
    *,
    people: ArrayLike | None = None,
    rates: Sequence[float] = (0.1, 0.01, 0.001),
    n_resamples: int = 1000,
    level: float = 0.95,
    max_pairs: int = 10_000,
    random_state: RandomState = 0,
) -> PairEvaluation:
    """Measure how well a verifier tells the same from others, of people not seen yet.

    Parameters
    ----------
    verifier : PairVerifier
        Fitted, on other people.
    X : pairs, or images
        As for `PairVerifier.fit`.
    y : array-like
        Whether pairs are the same; of images, who is on them. Pairs are drawn then, all
        that are the same and as many others, or what the least of `rates` needs.
    people : array-like of shape (n_pairs, 2), optional
        Who is on either side of pairs. Without, there are no intervals.
    rates : sequence of float, default=(0.1, 0.01, 0.001)
        False-accept rates at which to tell the share of true accepts. Missing in the
        table where there are too few pairs of two people for one to pass.
    n_resamples : int, default=1000
        How often people are drawn for intervals; 0 for none.
    level : float, default=0.95
        Share of the draws inside of an interval.
    max_pairs : int, default=10000
        Most pairs of either kind to draw.
    random_state : int, RandomState instance or None, default=0
        Draws pairs, and people.

    Returns
    -------
    PairEvaluation
        Its ``table`` has ``auc``, ``equal_error_rate``, ``true_accepts@0.1`` and so on,
        and what becomes of pairs at the verifier's own threshold.

    Raises
    ------
    ImageDecodeError
        If an image cannot be read.
    ValueError
        If pairs are of one kind, or a rate is not between 0 and 1.

    Notes
    -----
    Pairs that share a person are right or wrong together, so that intervals over pairs
    would be far too narrow. People are drawn with replacement instead, with all of
    their pairs: a pair of two counts as often as both of them are drawn, one times the
    other [1]_. Of few people intervals are still too narrow, and where no pair of two
    people passes, they are as wide as nothing: then there are too few pairs to tell.

    References
    ----------
    .. [1] R. M. Bolle, N. K. Ratha and S. Pankanti, "Error analysis of pattern
       recognition systems: the subsets bootstrap", CVIU 93, 2004,
       :doi:`10.1016/j.cviu.2003.08.002`.

    Examples
    --------
    >>> from imgfeat import load_sample
    >>> from imgfeat.estimators import PairVerifier
    >>> from imgfeat.evaluation import evaluate_pairs
    >>> from imgfeat.features import HOG
    >>> digits = load_sample("digits")
    >>> images, target = digits.images[:300], digits.target[:300]
    >>> hog = HOG(pixels_per_cell=(4, 4), cells_per_block=(1, 1))
    >>> seen = target < 5
    >>> verifier = PairVerifier(hog).fit(images[seen], target[seen])
    >>> evaluation = evaluate_pairs(verifier, images[~seen], target[~seen])
    >>> evaluation
    <PairEvaluation: 2,238 pairs the same, 2,238 different, 5 people>
    >>> bool(evaluation.table.loc["auc", "value"] > 0.7)
    True
    """
    check_is_fitted(verifier)
    wanted = np.asarray(rates, dtype=float)
    if wanted.ndim != 1 or not ((wanted > 0) & (wanted < 1)).all():
        raise ValueError(
            f"evaluate_pairs needs rates between 0 and 1. Got {list(rates)!r:.60}."
        )
    rng = check_random_state(random_state)
    known = know_pairs(X, y, people, "evaluate_pairs")
    n_needed = int(np.ceil(1 / wanted.min())) if len(wanted) else 0
    known = pairs_of(known, max_pairs, rng, "evaluate_pairs", at_least=n_needed)
    similarity = verifier._compare(known)

    curves = PairCurves(similarity, known.same)
    passes = similarity > verifier.threshold_
    n_different = int((~known.same).sum())

    def measure(weights):
        both = curves.rates(weights)
        found = {"auc": area(*both), "equal_error_rate": equal_error_rate(*both)}
        for rate in wanted.tolist():
            is_told = rate * n_different >= 1 - 1e-9
            told = true_accepts_at(rate, *both) if is_told else np.nan
            found[f"true_accepts@{rate:g}"] = told
        for name, kind in (("true", known.same), ("false", ~known.same)):
            share = _mean(passes[kind], weights[kind])
            found[f"{name}_accepts_at_threshold"] = share
        return found

    ones = np.ones(len(similarity))
    value = measure(ones)
    low = high = dict.fromkeys(value, np.nan)
    n_people = None
    if known.sides is not None:
        codes = np.unique(known.sides, return_inverse=True)[1].reshape(-1, 2)
        n_people = int(codes.max()) + 1
        draws = [measure(_draw(rng, codes, n_people)) for _ in range(n_resamples)]
        low, high = _ends(draws, value, level)
    false_accepts, true_accepts = curves.rates(ones)
    return PairEvaluation(
        table=make_frame({"value": value, "low": low, "high": high}),
        curve=make_frame(
            {
                "threshold": curves.thresholds,
                "false_accepts": false_accepts[1:],
                "true_accepts": true_accepts[1:],
            }
        ),
        threshold=verifier.threshold_,
        n_same=int(known.same.sum()),
        n_different=n_different,
        n_people=n_people,
    )


def _draw(rng, codes, n_people):
    """How often each pair is there if people are drawn with replacement."""
    drawn = np.bincount(rng.randint(n_people, size=n_people), minlength=n_people)
    left, right = drawn[codes].T
    # A person who is drawn twice brings the own pairs twice.
    return np.where(codes[:, 0] == codes[:, 1], left, left * right)


def _ends(draws, value, level):
    """Percentiles of what was measured in draws, by name; NaN of what is none."""
    low, high = {}, {}
    for name in value:
        found = np.array([draw[name] for draw in draws], dtype=float)
        low[name], high[name] = percentile_interval(found[~np.isnan(found)], level)
    return low, high


def _mean(passes, weights):
    total = weights.sum()
    return float(weights[passes].sum() / total) if total else np.nan

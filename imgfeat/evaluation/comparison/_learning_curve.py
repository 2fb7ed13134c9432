"""What more images would bring, from what fewer of them do."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from imgfeat._frames import make_frame
from imgfeat._target import questions_of
from imgfeat.evaluation.comparison._stratified_order import stratified_order

_SHARES = (0.125, 0.25, 0.5, 0.75, 1.0)
_N_EACH = 4  # images of a class that searches within folds take
_EXPONENTS = np.linspace(0.1, 1.5, 29)


@dataclass(frozen=True)
class LearningCurve:
    """Scores of a candidate by the number of images it learns from.

    Attributes
    ----------
    candidate, score : str
    table : DataFrame
        As `Comparison.learning_curve`.
    law : tuple of float, or None
        ``top``, ``b`` and ``c`` of the power law ``top - b n^-c`` through the means.
    gain, low, high : float
        What twice the images would bring, with its 95 % interval; NaN with fewer than
        three numbers of images or two folds.
    """

    candidate: str
    score: str
    table: pd.DataFrame
    law: tuple | None
    gain: float
    low: float
    high: float

    def at(self, n):
        """The score that the law gives to so many images."""
        return _at(self.law, n)

    def __str__(self):
        if not np.isfinite(self.gain):
            return (
                "There are too few images, or there was too little time, to tell what "
                f"more of them would bring to {self.candidate}."
            )
        what = self.score.replace("_", " ")
        unit, times = (" points", 100) if _most(self.score) else ("", 1)
        how = ".1f" if times == 100 else ".3f"
        gain, low, high = (times * v for v in (self.gain, self.low, self.high))
        return (
            f"Twice the images would bring about +{gain:{how}}{unit} ({low:{how}} to "
            f"{high:{how}}) of {what} to {self.candidate}, by a power law through its "
            f"scores with {self.table['n_train'].iloc[0]:.0f} to "
            f"{self.table['n_train'].iloc[-1]:.0f} images."
        )


def find_learning_curve(race, candidate):
    """Fit a candidate on growing parts of the training rows of each fold.

    Parameters
    ----------
    race : Race
        That is over.
    candidate : Candidate
        What the race has of it on all rows is not run again.

    Returns
    -------
    LearningCurve

    Notes
    -----
    The smaller parts lie within the larger ones, and have the classes in the shares of
    all; the rows that are tested on are those of the folds. The law is ``top - b n^-c``
    with ``b >= 0``, c from 0.1 to 1.5, and top at most what the score can be, by least
    squares through the means. Its interval is from the same law through each fold, by
    the t distribution with the variance of `paired_test`.
    """
    score = next(iter(race.scorers))
    whole = race.results.get(candidate.name)
    orders = [stratified_order(train, race.y) for train, _ in race.folds]
    rows = []
    for share in _SHARES:
        parts = _parts(orders, share, race)
        if share == 1 and whole is not None:
            found = whole
        elif parts is None:
            continue
        else:
            found = race.run_on(candidate, parts)
        scores = {r.fold: r.scores.get(score, np.nan) for r in found}
        values = np.array([scores.get(n, np.nan) for n in range(len(race.folds))])
        if np.isfinite(values).any():
            n_train = np.mean([len(order) for order in orders]) * share
            rows.append((round(n_train), values))
    return _curve(candidate.name, score, rows, race.folds)


def fit_power_law(n, scores, most):
    """Fit ``top - b n^-c`` by least squares.

    Parameters
    ----------
    n, scores : ndarray of shape (n_points,)
    most : float
        What `top` is at most.

    Returns
    -------
    tuple of float
        top, b, c
    """
    best = None
    for exponent in _EXPONENTS:
        x = n**-exponent
        spread = np.sum((x - x.mean()) ** 2)
        b = max(0.0, -np.sum((x - x.mean()) * (scores - scores.mean())) / spread)
        top = scores.mean() + b * x.mean()
        if top > most:
            top, b = most, max(0.0, x @ (most - scores) / (x @ x))
        error = np.sum((top - b * x - scores) ** 2)
        if best is None or error < best[0] - 1e-15:
            best = error, (top, b, exponent)
    return best[1]


def _curve(name, score, rows, folds):
    table = make_frame(
        [
            {
                "n_train": n_train,
                f"mean_test_{score}": np.nanmean(values),
                f"std_test_{score}": np.nanstd(values),
                **{f"split{i}_test_{score}": v for i, v in enumerate(values)},
            }
            for n_train, values in rows
        ],
        columns=[
            *("n_train", f"mean_test_{score}", f"std_test_{score}"),
            *(f"split{i}_test_{score}" for i in range(len(folds))),
        ],
    )
    n = table["n_train"].to_numpy(dtype=float)
    if len(n) < 3:
        return LearningCurve(name, score, table, None, *[np.nan] * 3)
    by_fold = table.filter(regex="^split").to_numpy().T
    by_fold = by_fold[np.isfinite(by_fold).all(axis=1)]
    if len(by_fold) < 2:
        return LearningCurve(name, score, table, None, *[np.nan] * 3)
    most = _most(score)
    law = fit_power_law(n, table[f"mean_test_{score}"].to_numpy(), most)
    gain = _gain(law, n[-1])
    gains = [_gain(fit_power_law(n, values, most), n[-1]) for values in by_fold]
    n_test = np.mean([len(test) for _, test in folds])
    scale = np.std(gains, ddof=1) * np.sqrt(1 / len(gains) + n_test / n[-1])
    reach = stats.t.ppf(0.975, len(gains) - 1) * scale
    left = max(gain, most - _at(law, n[-1]))
    low, high = max(0.0, gain - reach), min(left, gain + reach)
    return LearningCurve(name, score, table, law, gain, low, high)


def _at(law, n):
    top, b, c = law
    return top - b * np.asarray(n, dtype=float) ** -c


def _gain(law, n):
    return float(_at(law, 2 * n) - _at(law, n))


def _most(score):
    """What a score is at most: losses have their sign turned."""
    return 0.0 if score.startswith("neg_") else 1.0


def _parts(orders, share, race):
    """The first rows of each fold, or None if a class has too few of them."""
    parts = []
    for number, order in enumerate(orders):
        train = order[: round(share * len(order))]
        for class_of in questions_of(race.y):
            counts = np.bincount(class_of[train], minlength=class_of.max() + 1)
            if counts.min() < _N_EACH:
                return None
        parts.append((number, (np.sort(train), race.folds[number][1])))
    return parts

"""Whether the best few together, their probabilities averaged, are better than one."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from imgfeat._frames import make_frame
from imgfeat.evaluation.comparison._fold_answers import (
    FoldAnswers,
    OutOfFold,
    classes_to_score,
    decide,
)
from imgfeat.evaluation.comparison._paired_tests import paired_test

_N_TRIED = 4  # the best so many may be members


@dataclass(frozen=True)
class SoftVote:
    """Candidates whose averaged probabilities do better than the best of them.

    Attributes
    ----------
    members : tuple of str
        Chosen on all folds, the best candidate first.
    gain : float
        Mean over the folds of how much better it scores than the best candidate, with
        members that were chosen, for each fold, on the others.
    p_value : float
        Of the corrected resampled t-test on these differences.
    scores : DataFrame
        A row a fold, a column a score, of the members chosen on the other folds.
    probabilities : list of ndarray of shape (n_test, n_classes)
        What these say of the images of each fold.
    classifier : classifier or None
        Of the members, not fitted; those that share features are given them at once.
    """

    members: tuple
    gain: float
    p_value: float
    scores: pd.DataFrame
    probabilities: list = field(repr=False)
    classifier: BaseEstimator | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """What its row is called."""
        return f"soft-vote ({' + '.join(self.members)})"

    def __str__(self):
        *others, last = self.members
        names = f"{', '.join(others)} and {last}"
        return (
            f"Averaged probabilities of {names} score {self.gain:.3f} above "
            f"{self.members[0]} alone (p = {self.p_value:.2f}), where each fold is "
            "scored by members chosen on the others."
        )


def find_soft_vote(shares, y, folds, scorers, alone=None):
    """Find the members of a vote that helps.

    Parameters
    ----------
    shares : dict of str to list of ndarray of shape (n_test, n_classes)
        Probabilities of each candidate on each fold.
    y : ndarray of shape (n_samples,), or (n_samples, n_classes)
    folds : list of (ndarray, ndarray)
    scorers : dict of str to scorer
        The first one decides.
    alone : dict of str to list of (dict of str to float), optional
        What each candidate scores on each fold by what it predicts itself, perhaps with
        thresholds of its own; otherwise as a vote of one.

    Returns
    -------
    SoftVote or None
        None if one alone is as good, or there are fewer than two candidates or folds.

    Notes
    -----
    Members are chosen greedily: the best candidate, and of the next ones each that
    raises the mean score. To score a fold, they are chosen on the other folds alone, so
    that no fold has a say in who votes on it. What it is held against, the candidate
    with the highest mean, is chosen on all of them, which is to its favour.
    """
    if len(shares) < 2 or len(folds) < 2:
        return None
    jury = _Jury(shares, y, folds, scorers, alone)
    numbers = np.arange(len(folds))
    members = jury.choose(numbers)
    if len(members) < 2:
        return None
    chosen = [jury.choose(np.delete(numbers, fold)) for fold in numbers]
    first = next(iter(scorers))
    voted = [jury.score(chosen[fold], fold, first) for fold in numbers]
    single = [jury.score(members[:1], fold, first) for fold in numbers]
    gain = float(np.mean(np.subtract(voted, single)))
    if not gain > 0:
        return None
    test = paired_test(
        voted,
        single,
        n_train=np.mean([len(train) for train, _ in folds]),
        n_test=np.mean([len(test) for _, test in folds]),
    )
    scores = make_frame(
        {
            name: [jury.score(chosen[fold], fold, name) for fold in numbers]
            for name in scorers
        }
    )
    probabilities = [jury.average(chosen[fold], fold) for fold in numbers]
    return SoftVote(members, gain, float(test.p_value), scores, probabilities)


def without_vote(found, vote):
    """What a dict holds of candidates: the vote knows nothing that they do not.

    Parameters
    ----------
    found : dict
        By the names of a table.
    vote : SoftVote or None
    """
    return {
        name: value
        for name, value in found.items()
        if vote is None or name != vote.name
    }


class _Jury:
    """Scores votes on folds."""

    def __init__(self, shares, y, folds, scorers, alone):
        self._shares = shares
        self._y = y
        self._folds = folds
        self._scorers = scorers
        self._alone = alone
        self._is_several = y.ndim == 2
        self._classes = classes_to_score(y)
        self._known = {}

    def score(self, members, fold, name):
        """The score of a vote on a fold."""
        if len(members) == 1 and self._alone is not None:
            return self._alone[members[0]][fold][name]
        key = frozenset(members), fold, name
        if key not in self._known:
            truth = self._y[self._folds[fold][1]]
            shares = self.average(members, fold)
            answers = FoldAnswers(shares, decide(shares, self._is_several))
            model = OutOfFold(self._classes, answers, self._is_several)
            self._known[key] = self._scorers[name](model, shares, truth)
        return self._known[key]

    def average(self, members, fold):
        """What a vote says of the images of a fold."""
        shares = np.mean(
            [self._shares[m][fold] for m in members], axis=0, dtype=np.float64
        )
        return shares if self._is_several else shares / shares.sum(1, keepdims=True)

    def choose(self, numbers):
        """Members that are best on some folds, the best candidate first."""
        first = next(iter(self._scorers))

        def mean(members):
            return np.mean([self.score(members, fold, first) for fold in numbers])

        ranked = sorted(self._shares, key=lambda name: mean([name]), reverse=True)
        members = ranked[:1]
        for name in ranked[1:_N_TRIED]:
            if mean([*members, name]) > mean(members):
                members.append(name)
        return tuple(members)

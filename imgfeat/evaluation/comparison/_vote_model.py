"""A vote of candidates by averaged probabilities, as one classifier."""

from sklearn.base import clone
from sklearn.ensemble import VotingClassifier
from sklearn.pipeline import Pipeline

from imgfeat.estimators import LabelVote

_VOTE = "vote"


def make_vote(candidates, key, is_several=False):
    """Make the classifier that averages the probabilities of candidates.

    Parameters
    ----------
    candidates : list of Candidate
        Two or more, with probabilities.
    key : callable
        From a front to what is the same for fronts that give the same features.
    is_several : bool, default=False
        Whether an image may have several labels.

    Returns
    -------
    classifier
        Not fitted. Candidates that share a front vote behind it, so that it describes
        each image once; they count as many as they are where others vote as well.
    """
    by_front = {}
    for candidate in candidates:
        alone = candidate.name if candidate.front is None else None
        by_front.setdefault((key(candidate.front), alone), []).append(candidate)
    parts = [_behind_front(group, is_several) for group in by_front.values()]
    if len(parts) == 1:
        return parts[0]
    names = [" + ".join(c.name for c in group) for group in by_front.values()]
    sizes = [len(group) for group in by_front.values()]
    return _vote(names, parts, is_several, sizes if max(sizes) > 1 else None)


def _behind_front(group, is_several):
    """One candidate as it is; several as a vote behind the front of the first."""
    if len(group) == 1:
        return clone(group[0].whole)
    voters = [clone(c.rest) for c in group]
    vote = _vote([c.name for c in group], voters, is_several)
    return Pipeline([*clone(group[0].front).steps, (_VOTE, vote)])


def _vote(names, classifiers, is_several, weights=None):
    empty = LabelVote([]) if is_several else VotingClassifier([], voting="soft")
    # What scikit-learn takes for a name; all others are told by their place.
    taken = empty.get_params(deep=False)
    if any("__" in name or name in taken for name in names):
        names = [f"member {place}" for place in range(1, len(names) + 1)]
    pairs = list(zip(names, classifiers, strict=True))
    return empty.set_params(estimators=pairs, weights=weights)

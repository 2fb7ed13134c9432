"""A vote of candidates by averaged probabilities, as one classifier."""

from sklearn.base import clone
from sklearn.ensemble import VotingClassifier
from sklearn.pipeline import Pipeline

_VOTE = "vote"


def make_vote(candidates, key):
    """Make the classifier that averages the probabilities of candidates.

    Parameters
    ----------
    candidates : list of Candidate
        Two or more, with probabilities.
    key : callable
        From a front to what is the same for fronts that give the same features.

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
    parts = [_behind_front(group) for group in by_front.values()]
    if len(parts) == 1:
        return parts[0]
    names = [" + ".join(c.name for c in group) for group in by_front.values()]
    sizes = [len(group) for group in by_front.values()]
    return _vote(names, parts, sizes if max(sizes) > 1 else None)


def _behind_front(group):
    """One candidate as it is; several as a vote behind the front of the first."""
    if len(group) == 1:
        return clone(group[0].whole)
    vote = _vote([c.name for c in group], [clone(c.rest) for c in group])
    return Pipeline([*clone(group[0].front).steps, (_VOTE, vote)])


def _vote(names, classifiers, weights=None):
    # What scikit-learn takes for a name; all others are told by their place.
    taken = VotingClassifier([]).get_params(deep=False)
    if any("__" in name or name in taken for name in names):
        names = [f"member {place}" for place in range(1, len(names) + 1)]
    pairs = list(zip(names, classifiers, strict=True))
    return VotingClassifier(pairs, voting="soft", weights=weights)

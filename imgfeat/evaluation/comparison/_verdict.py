"""Which candidate to take, in words."""

from dataclasses import dataclass

import pandas as pd

from imgfeat.evaluation.comparison._paired_tests import paired_test

_LIKELY = 0.8  # four to one


@dataclass(frozen=True)
class Verdict:
    """What a comparison comes to.

    Attributes
    ----------
    best : str
        The candidate to take: of those that cannot be told from the one with the
        highest score, the fastest.
    tied : tuple of str
        All that cannot be told from it: not shown to be worse at the level `alpha`, nor
        likely to be, by more than `rope`. The highest score first.
    table : DataFrame
        A row a candidate, against the one with the highest score: ``difference`` (of
        the mean score, at most 0), ``p_value``, and the probabilities ``worse`` and
        ``equal``, by less than `rope`.
    sentence : str
    """

    best: str
    tied: tuple
    table: pd.DataFrame
    sentence: str

    def __str__(self):
        return self.sentence


def judge(
    scores, *, n_train, n_test, seconds, by="accuracy", on="", alpha=0.05, rope=0.01
):
    """Say which candidate to take.

    Parameters
    ----------
    scores : DataFrame
        A row a candidate, a column a fold; NaN where it was not scored.
    n_train, n_test : float
        Images of a fold, on average.
    seconds : Series
        To label an image, by candidate.
    by : str, default="accuracy"
        What the score is called.
    on : str, default=""
        Of which images the scores are, as "on 150 of 300 images", to be said.
    alpha : float, default=0.05
        Candidates with a p-value above it cannot be told apart.
    rope : float, default=0.01
        Differences below it are of no practical consequence.

    Returns
    -------
    Verdict or None
        None if no candidate was scored.
    """
    means = scores.mean(axis=1)
    finished = means.dropna().index
    if not len(finished):
        return None
    # Who was not scored on all folds can only win if nobody was.
    n_scored = scores.notna().sum(axis=1)
    whole = [name for name in finished if n_scored[name] == n_scored.max()]
    top = means[whole].idxmax()
    rows = {}
    for name in finished:
        test = paired_test(
            scores.loc[top], scores.loc[name], n_train=n_train, n_test=n_test, rope=rope
        )
        rows[name] = {
            "difference": means[name] - means[top],
            "p_value": 1.0 if name == top else test.p_value,
            "worse": 0.0 if name == top else test.left_better,
            "equal": 1.0 if name == top else test.equal,
        }
    table = pd.DataFrame.from_dict(rows, orient="index")
    table = table.sort_values("difference", ascending=False, kind="stable")
    # Few folds prove little, so who is likely worse is not tied for want of a proof.
    # One fold alone gives no probability, but a difference.
    likely = table["worse"].fillna((table["difference"] < -rope).astype(float))
    is_tied = ~(table["p_value"] <= alpha) & (likely < _LIKELY)
    tied = [name for name in table.index if is_tied[name] and name in whole]
    best = min(tied, key=lambda name: (seconds[name], name))
    sentence = _sentence(best, tied, table, means, top)
    if len(table) == 1 < len(scores):
        which = f"scored {on}" if on else "scored"
        sentence = f"Only {best} was {which}, with a mean of {means[best]:.3f}."
    elif on:
        sentence = f"{on.capitalize()}: {sentence}"
    if by != "accuracy":
        sentence = f"By {by}: {sentence}"
    return Verdict(best, tuple(tied), table, sentence)


def _sentence(best, tied, table, means, top):
    if len(table) == 1:
        return f"{best} is the only candidate, with a mean score of {means[best]:.3f}."
    if len(tied) == 1:
        others = table.index.drop(best)
        runner = means[others].idxmax()
        ahead = means[best] - means[runner]
        return f"{best} is ahead of all others, {runner} next, by {ahead:.3f}."
    several = " and ".join([", ".join(tied[:-1]), tied[-1]])
    how = "the faster" if len(tied) == 2 else "the fastest"
    # Of many, a reader wants to know who they are not.
    if len(tied) > 4:
        several = f"The best {len(tied)} of {len(table)}, {tied[0]} first,"
    told = f"{several} cannot be told apart on these folds; {best} is {how} of them"
    behind = f"{means[top] - means[best]:.3f}"
    if behind == "0.000":
        return f"{told}."
    return f"{told}, {behind} below the highest mean score."

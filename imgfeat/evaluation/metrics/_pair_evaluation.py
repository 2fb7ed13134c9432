"""What was measured of a verifier, as tables and drawn."""

from dataclasses import dataclass

import pandas as pd

from imgfeat._typing import Axes
from imgfeat.evaluation.metrics._evaluation_plots import draw_pairs


@dataclass(frozen=True, eq=False, repr=False)
class PairEvaluation:
    """How well the same are told from others; made by `evaluate_pairs`.

    Attributes
    ----------
    table : DataFrame with columns value, low, high
        A row a metric. Missing where pairs are too few, or people not known.
    curve : DataFrame with columns threshold, false_accepts, true_accepts
        Shares of the different and of the same that are as alike as a threshold, or
        more; from the highest on.
    threshold : float
        That of the verifier.
    n_same, n_different : int
        Pairs.
    n_people : int or None
        None where people are not known.
    """

    table: pd.DataFrame
    curve: pd.DataFrame
    threshold: float
    n_same: int
    n_different: int
    n_people: int | None

    def __repr__(self):
        people = "" if self.n_people is None else f", {self.n_people:,} people"
        return (
            f"<PairEvaluation: {self.n_same:,} pairs the same, "
            f"{self.n_different:,} different{people}>"
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the share of the same that pass against that of the different.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        Axes
            With a logarithmic axis, intervals of the table, and the verifier's
            threshold as a cross.
        """
        return draw_pairs(self, ax)

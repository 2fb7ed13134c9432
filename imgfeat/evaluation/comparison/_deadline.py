"""When a comparison shall end, for all parts of it."""

import time

import numpy as np


class Deadline:
    """The time after which nothing new begins, but for the very first fold.

    Parameters
    ----------
    budget_s : float, optional
        Seconds from now; without it there is no end.

    Attributes
    ----------
    n_begun : int
        Folds that have begun, or were there already.
    """

    def __init__(self, budget_s=None):
        self.n_begun = 0
        self._end = np.inf if budget_s is None else time.monotonic() + budget_s

    def left_s(self):
        """Seconds that are left; below 0 when it has passed."""
        return self._end - time.monotonic()

    def has_passed(self):
        """Whether nothing new may begin."""
        # One fold of one candidate is run in any case, as all that is less is nothing.
        return self.n_begun > 0 and self.left_s() < 0

"""Folds for a search or a calibration, planned from the classes that are there."""

from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.model_selection import (
    BaseCrossValidator,
    StratifiedGroupKFold,
    StratifiedKFold,
)
from sklearn.utils import check_random_state

from imgfeat._clear_labels import check_groups
from imgfeat._target import Target, is_several
from imgfeat._typing import ArrayLike, RandomState
from imgfeat.estimators._label_shares import count_units, share_out_labels


class PlannedFolds(BaseCrossValidator):
    """Stratified folds, no more of them than the smallest class has samples.

    How many is settled when there are labels, so that folds within folds, whose
    classes are smaller than those outside, are planned alike. Where there are groups,
    each stays whole, and the class of the fewest groups settles it. Where samples have
    several labels each, every fold gets its share of each label, as near as can be.

    Parameters
    ----------
    n_folds : int, default=3
        At most so many, at least 2.
    shuffle : bool, default=True
        Shuffle before the folds are drawn.
    random_state : int, RandomState instance or None, default=0
        Seeds the shuffling.

    See Also
    --------
    sklearn.model_selection.StratifiedKFold : What draws them.

    Examples
    --------
    >>> from imgfeat.estimators import PlannedFolds
    >>> PlannedFolds(10).get_n_splits(y=["ant"] * 50 + ["bee"] * 50)
    10
    >>> PlannedFolds(10).get_n_splits(y=["ant"] * 50 + ["bee"] * 4)
    4
    """

    # Of scikit-learn's metadata routing: groups are wanted, wherever there are any.
    __metadata_request__split = {"groups": True}

    # Not n_splits, by which scikit-learn would refuse small classes.
    def __init__(
        self,
        n_folds: int = 3,
        *,
        shuffle: bool = True,
        random_state: RandomState = 0,
    ):
        self.n_folds = n_folds
        self.shuffle = shuffle
        self.random_state = random_state

    def split(
        self, X: Any, y: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the rows to fit on and the rows held out, fold by fold.

        Parameters
        ----------
        X : sequence of length n_samples
        y : array-like of shape (n_samples,), or (n_samples, n_classes)
            Labels; of several a sample, a matrix of 0 and 1, or lists of names.
        groups : array-like of shape (n_samples,), optional
            Samples that share one are never parted.

        Yields
        ------
        train, test : ndarray of int

        Raises
        ------
        ValueError
            If there are no labels, or a class has one sample, or one group; of several
            labels, if so few samples have one, or lack it.
        """
        n_folds = self.get_n_splits(X, y, groups)
        groups = check_groups(groups, len(X), "PlannedFolds")
        if is_several(y):
            yield from self._split_several(y, groups, n_folds)
            return
        seed = self.random_state if self.shuffle else None
        kind = StratifiedKFold if groups is None else StratifiedGroupKFold
        folds = kind(n_folds, shuffle=self.shuffle, random_state=seed)
        yield from folds.split(X, y, groups)

    def get_n_splits(
        self,
        X: Any = None,
        y: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> int:
        """How many folds there are for these labels.

        Parameters
        ----------
        X : ignored
        y : array-like of shape (n_samples,), or (n_samples, n_classes)
            Labels; of several a sample, a matrix of 0 and 1, or lists of names.
        groups : array-like of shape (n_samples,), optional
            Samples that share one are never parted.

        Returns
        -------
        int

        Raises
        ------
        ValueError
            If there are no labels, or a class has one sample, or one group; of several
            labels, if so few samples have one, or lack it.
        """
        if y is None:
            raise ValueError(
                "PlannedFolds needs labels to count the folds. Got no y; pass it, or "
                "use StratifiedKFold."
            )
        if not isinstance(self.n_folds, Integral) or self.n_folds < 2:
            raise ValueError(
                f"PlannedFolds needs n_folds of at least 2. Got {self.n_folds!r}."
            )
        groups = check_groups(groups, len(y), "PlannedFolds")
        if is_several(y):
            return self._count_several(y, groups)
        y = np.asarray(y)
        what = "images"
        if groups is not None:
            what = "groups"
            y = y[first_of_group(y, groups)]
        classes, counts = np.unique(y, return_counts=True)
        smallest = int(counts.min(initial=len(y)))
        if smallest < 2:
            rare = classes.tolist()[counts.argmin()] if len(classes) else None
            raise ValueError(
                f"To hold out a part and fit on the rest, there must be 2 {what} of "
                f"every class. Got {smallest} of class {rare!r} here, where folds "
                f"around may have held out others; add {what}, leave the class out, or "
                "take more folds around."
            )
        return min(int(self.n_folds), smallest)

    def _split_several(self, y, groups, n_folds):
        values = Target.of(y, "PlannedFolds").values
        rng = check_random_state(self.random_state)
        shares = np.full(n_folds, 1 / n_folds)
        part_of = share_out_labels(values, groups, shares, rng, shuffle=self.shuffle)
        for number in range(n_folds):
            yield np.flatnonzero(part_of != number), np.flatnonzero(part_of == number)

    def _count_several(self, y, groups):
        target = Target.of(y, "PlannedFolds")
        counts = count_units(target.values, groups)
        what = "images" if groups is None else "groups"
        if counts.min() < 2:
            rare = target.classes.tolist()[counts.argmin()]
            raise ValueError(
                f"To hold out a part and fit on the rest, there must be 2 {what} with "
                f"each label, and 2 without it. Got {counts.min()} on one side of "
                f"{rare!r}; add {what}, or leave this label out."
            )
        return min(int(self.n_folds), int(counts.min()))


def first_of_group(y, groups):
    """Rows that stand for each pair of a class and a group of it, each pair once."""
    _, class_of = np.unique(y, return_inverse=True)
    _, group_of = np.unique(groups, return_inverse=True)
    pairs = np.column_stack([class_of, group_of])
    return np.unique(pairs, axis=0, return_index=True)[1]

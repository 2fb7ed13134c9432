"""Which images no choice sees: drawn from all, or given."""

from dataclasses import replace

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, train_test_split
from sklearn.utils import check_random_state

from imgfeat._target import Target, is_several
from imgfeat._typing import ArrayLike, RandomState
from imgfeat.estimators._label_shares import count_units, share_out_labels
from imgfeat.evaluation.comparison._folds import groups_of_classes
from imgfeat.sources._labelled import in_natural_order, listed
from imgfeat.studies._labelled_data import LabelledData

HELD_OUT = 0.2  # share of the images that no choice sees
# One of a class is held out, one in a fold, one in the search within, and one is left.
_N_GROUPS = 4


def with_held_out(data: LabelledData, held_out: LabelledData) -> LabelledData:
    """Join images to train on with others to hold out, of the same classes by name.

    Parameters
    ----------
    data, held_out : LabelledData

    Returns
    -------
    LabelledData

    Raises
    ------
    ValueError
        If there are classes to hold out that nothing is trained on.
    """
    columns = set(data.label_columns or ()), set(held_out.label_columns or ())
    if columns[0] != columns[1]:
        raise ValueError(
            "The images held out need the label columns that are trained on. Got "
            f"{listed(sorted(columns[1]))}, and to train on "
            f"{listed(sorted(columns[0]))}."
        )
    names, others = _names_of(data.labels), _names_of(held_out.labels)
    if unknown := in_natural_order(others - names):
        raise ValueError(
            "The images held out need classes that are trained on. Got "
            f"{listed(unknown)}, and to train on {listed(in_natural_order(names))}; "
            "rename these classes, leave them out, or add images to train on."
        )
    notes = data.notes + held_out.notes
    if missing := in_natural_order(names - others):
        notes += (f"No image of {listed(missing)} is held out.",)
    groups = None
    if data.groups is not None and held_out.groups is not None:
        groups = np.concatenate([data.groups, held_out.groups])
        if shared := in_natural_order(set(data.groups) & set(held_out.groups)):
            notes += (
                f"Groups that are trained on are held out as well: {listed(shared)}.",
            )
    mask = np.repeat([False, True], [len(data.labels), len(held_out.labels)])
    return replace(
        data,
        images=np.concatenate([data.images, held_out.images]),
        labels=np.concatenate([data.labels, held_out.labels]),
        groups=groups,
        held_out=mask,
        notes=notes,
    )


def _names_of(labels):
    """All labels there are, also of images that have several."""
    if is_several(labels):
        return set().union(*labels)
    return set(labels)


def draw_held_out(
    target: Target, groups: ArrayLike | None, random_state: RandomState
) -> np.ndarray:
    """Draw a stratified fifth, of whole groups if there are any.

    Returns
    -------
    ndarray of bool of shape (n_images,)

    Raises
    ------
    ValueError
        If there are too few groups.
    """
    if target.is_several:
        return _draw_several(target, groups, random_state)
    labels = target.values
    rows = np.arange(len(labels))
    if groups is not None:
        return np.isin(rows, _draw_groups(labels, np.asarray(groups), random_state))
    n_classes = len(np.unique(labels))
    # At least one image of every class on either side.
    n_test = max(n_classes, round(HELD_OUT * len(labels)))
    _, test = train_test_split(
        rows, test_size=n_test, stratify=labels, random_state=random_state
    )
    return np.isin(rows, test)


def _draw_several(target, groups, random_state):
    units = count_units(target.values, groups)
    if units.min() < _N_GROUPS:
        rare = target.classes.tolist()[units.argmin()]
        what = "images" if groups is None else "groups"
        raise ValueError(
            f"Training and testing take at least {_N_GROUPS} {what} with each label, "
            f"and {_N_GROUPS} without it. Got {units.min()} on one side of {rare!r}; "
            f"add {what}, or leave this label out."
        )
    rng = check_random_state(random_state)
    shares = [1 - HELD_OUT, HELD_OUT]
    return share_out_labels(target.values, groups, shares, rng) == 1


def check_enough_groups(labels, groups, n_needed, purpose):
    """Raise unless each class has images of a few groups; return the fewest."""
    classes, counts = groups_of_classes(labels, groups)
    if counts.min() < n_needed:
        rare = classes.tolist()[counts.argmin()]
        raise ValueError(
            f"{purpose} takes images of at least {n_needed} groups of every class. Got "
            f"{counts.min()} of class {rare!r}; add images of other groups, leave the "
            "class out, or do without groups."
        )
    return int(counts.min())


def _draw_groups(labels, groups, random_state):
    """Rows of whole groups, about a fifth, of every class if that can be."""
    fewest = check_enough_groups(labels, groups, _N_GROUPS, "Training and testing")
    n_folds = min(round(1 / HELD_OUT), fewest)
    folds = StratifiedGroupKFold(n_folds, shuffle=True, random_state=random_state)
    parts = [test for _, test in folds.split(labels, labels, groups)]

    def badness(test):
        rest = np.setdiff1d(np.arange(len(labels)), test)
        n_lacking = 2 * len(np.unique(labels)) - sum(
            len(np.unique(labels[part])) for part in (test, rest)
        )
        return n_lacking, abs(len(test) - HELD_OUT * len(labels))

    return min(parts, key=badness)

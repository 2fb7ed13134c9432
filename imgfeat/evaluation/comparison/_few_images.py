"""Whether classes have so few images that folds say little, and what to do then."""

import numpy as np

from imgfeat._target import Target, is_several

FOR_FEW = "prototype"  # the recipe
# Images of the class in the middle. The recipe is far ahead of others on up to five, in
# benchmarks/bench_few_shot.py, and little on ten.
_FEW = 6


def have_few(labels):
    """Whether half of the classes or more have at most six images."""
    return _middle(labels) <= _FEW


def note_few_images(labels, candidates, folds):
    """Say in words that there are few images, and what the folds make of them.

    Parameters
    ----------
    labels : array-like of shape (n_images,), or several an image
    candidates : sequence of str
        Who was compared.
    folds : int or splitter

    Returns
    -------
    str or None
        None if there are more.
    """
    if not have_few(labels):
        return None
    n_folds = folds if isinstance(folds, int | np.integer) else folds.n_splits
    middle = _middle(labels)
    n_test = max(1, round(middle / max(n_folds, 1)))
    note = (
        f"Half of the classes have {middle:g} images or fewer: of such a class each of "
        f"{n_folds} folds tests {n_test} and learns from {round(middle - n_test)}, and "
        "there cannot be more folds than images of a class. Scores of so few lie far "
        "apart by chance; more images tell more than another recipe."
    )
    if FOR_FEW not in candidates and not is_several(labels):
        note += f" The recipe {FOR_FEW} is made for so few."
    return note


def _middle(labels):
    return float(np.median(Target.of(labels, "compare").count()))

"""Share out images that have several labels, so that each part has its share of each.

scikit-learn stratifies by one label only.
"""

import numpy as np


def share_out_labels(values, groups, shares, random_state, *, shuffle=True):
    """Draw the part of each image by iterative stratification.

    Parameters
    ----------
    values : ndarray of shape (n_images, n_classes)
        1 for each label that an image has, 0 for the others.
    groups : array-like of shape (n_images,) or None
        Images that share one come into the same part.
    shares : array-like of shape (n_parts,)
        Of the images that each part should have; they sum to 1.
    random_state : RandomState
        Decides between equals.
    shuffle : bool, default=True
        Without, the first of equals is taken.

    Returns
    -------
    ndarray of int of shape (n_images,)

    Notes
    -----
    The rarest label goes first: each of its images to the part that lacks the most of
    it, among equals to the one that lacks the most images [1]_. Of a label that most
    images have, those without it are shared out instead; and what is shared out are
    whole groups, the largest first, to parts that lack images. All three are ours.

    References
    ----------
    .. [1] K. Sechidis, G. Tsoumakas and I. Vlahavas, "On the stratification of
       multi-label data", ECML PKDD 2011, :doi:`10.1007/978-3-642-23808-6_10`.
    """
    shares = np.asarray(shares, dtype=float)
    counts, unit_of = _units(values, groups)
    sizes = np.bincount(unit_of)
    lacking = np.outer(shares, counts.sum(axis=0))
    lacking_images = shares * len(values)
    part_of = np.full(len(counts), -1)

    def place(unit, label):
        # Else large groups would make parts of very different sizes.
        has_room = lacking_images >= sizes[unit] / 2
        of_label = [] if label is None else [lacking[:, label]]
        ranks = [has_room.astype(float), *of_label, lacking_images]
        if shuffle:
            ranks.append(random_state.uniform(size=len(shares)))
        part = np.lexsort([-rank for rank in ranks[::-1]])[0]
        part_of[unit] = part
        lacking[part] -= counts[unit]
        lacking_images[part] -= sizes[unit]

    order = np.arange(len(counts))
    if shuffle:
        order = random_state.permutation(order)
    while True:
        is_left = part_of < 0
        n_left = np.count_nonzero(counts[is_left], axis=0)
        if not n_left.any():
            break
        label = np.where(n_left > 0, n_left, len(counts) + 1).argmin()
        having = order[is_left[order] & (counts[order, label] > 0)]
        for unit in having[np.argsort(-counts[having, label], kind="stable")]:
            place(unit, label)
    left = order[part_of[order] < 0]
    for unit in left[np.argsort(-sizes[left], kind="stable")]:
        place(unit, None)
    return part_of[unit_of]


def count_units(values, groups):
    """How many images, or groups, are on the smaller side of each label.

    Returns
    -------
    ndarray of int of shape (n_classes,)
    """
    counts, unit_of = _units(values, groups)
    sizes = np.bincount(unit_of)[:, np.newaxis]
    with_rarer = np.count_nonzero(counts, axis=0)
    others = np.count_nonzero(sizes - counts, axis=0)
    return np.minimum(with_rarer, others)


def _units(values, groups):
    """What is shared out whole: images on the rarer side of each label, in each unit.

    Returns
    -------
    counts : ndarray of int of shape (n_units, n_classes)
    unit_of : ndarray of int of shape (n_images,)
    """
    values = np.asarray(values)
    rarer = np.where(2 * values.sum(axis=0) > len(values), 1 - values, values)
    if groups is None:
        return rarer, np.arange(len(values))
    _, unit_of = np.unique(np.asarray(groups), return_inverse=True)
    counts = np.zeros((unit_of.max() + 1, values.shape[1]), dtype=np.int64)
    np.add.at(counts, unit_of, rarer)
    return counts, unit_of

"""Photographs that are the same everywhere, to judge by how a net is run.

They come with scikit-image.
"""

import numpy as np
import skimage.data


def views_of(names, preprocessing):
    """Whole photographs, three corners of each, and all of them mirrored.

    Parameters
    ----------
    names : sequence of str
        Of functions in ``skimage.data``.
    preprocessing : Preprocessing

    Returns
    -------
    ndarray of shape (8 * n_names, height, width, 3), uint8
        As a net sees them.
    """
    views = []
    for name in names:
        photo = getattr(skimage.data, name)()
        height, width = photo.shape[0] // 3, photo.shape[1] // 3
        corners = (
            photo[:-height, :-width],
            photo[height:, width:],
            photo[:-height, width:],
        )
        for part in (photo, *corners):
            for view in (part, part[:, ::-1]):
                pixels = np.empty((*preprocessing.size, 3), dtype=np.uint8)
                preprocessing.apply(np.ascontiguousarray(view), pixels)
                views.append(pixels)
    return np.stack(views)


def cosines(rows, others):
    """Return the cosine of each row with its counterpart, computed in float64."""
    rows, others = (np.asarray(part, dtype=np.float64) for part in (rows, others))
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(others, axis=1)
    return (rows * others).sum(axis=1) / np.maximum(lengths, 1e-30)

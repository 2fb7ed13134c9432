"""Copies on both sides of a split, found in a moment."""

import numpy as np

from imgfeat._threads import map_threads
from imgfeat._typing import ArrayLike, ImageBatch
from imgfeat.evaluation.audit._near_duplicates import near_pairs
from imgfeat.evaluation.audit._one_look import THUMBNAIL
from imgfeat.kernels.resize import resize
from imgfeat.sources import ImageDecodeError, ImageReader, decode_image
from imgfeat.sources._images import Images

# Surer than an audit is: here nobody looks at the pairs.
_SURE = 0.98


def note_straddlers(
    images: ImageBatch,
    held_out: np.ndarray,
    groups: ArrayLike | None = None,
    *,
    n_jobs: int | None = None,
) -> str | None:
    """Say how many pairs of copies a comparison would tear apart.

    Parameters
    ----------
    images : images
        What cannot be read is left out.
    held_out : ndarray of bool of shape (n_images,)
        What is scored at the end; the rest is shared out among folds.
    groups : array-like of shape (n_images,), optional
        Images of one group stay in one fold.
    n_jobs : int, optional
        Threads.

    Returns
    -------
    str or None
        None if there are none.

    Notes
    -----
    About 3 ms an image: of JPEGs an eighth is decoded, and only thumbnails of 32 x 32
    pixels are compared. `audit_images` finds more.
    """
    pairs = _sure_pairs(Images(ImageReader(), images, reset=False), n_jobs)
    across = held_out[pairs[:, 0]] != held_out[pairs[:, 1]]
    inside = ~held_out[pairs].any(axis=1)
    if groups is not None:
        group = np.asarray(groups)[pairs]
        inside &= group[:, 0] != group[:, 1]
    if not across.any() and not inside.any():
        return None
    where = [
        f"{count} {'pair' if count == 1 else 'pairs'} {place}"
        for count, place in (
            (across.sum(), "in the training part and among the held-out images"),
            (inside.sum(), "within the training part, whose folds part them"),
        )
        if count
    ]
    return (
        f"Some images are nearly the same: {' and '.join(where)}. Scores may be too "
        "high. `imgfeat audit` shows them and writes a table without copies; "
        "duplicate_groups gives groups= that keep them in one fold."
    )


def _sure_pairs(images, n_jobs):
    """Rows of pairs of copies."""

    def thumbnail(row):
        try:
            pixels = decode_image(
                images.items[row],
                name=images.name(row),
                mode="rgb",
                at_least=THUMBNAIL,
                strict=False,
            )
        except ImageDecodeError:  # as whoever reads it for good will say
            return None
        return resize(pixels, (THUMBNAIL, THUMBNAIL), interpolation="box")

    made = map_threads(thumbnail, range(len(images)), n_jobs)
    rows = np.array([row for row, one in enumerate(made) if one is not None], int)
    if len(rows) < 2:
        return np.empty((0, 2), int)
    pairs, similarity = near_pairs(np.stack([made[row] for row in rows]), n_jobs=n_jobs)
    return rows[pairs[similarity >= _SURE]]

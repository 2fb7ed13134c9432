"""Look at all images once: what the checks of an audit need to know of each."""

import os
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from imgfeat._frames import make_frame
from imgfeat._progress import progress
from imgfeat._threads import count_threads, row_slices, share_out
from imgfeat._typing import ImageBatch
from imgfeat.evaluation.audit._hashes import perceptual_hashes
from imgfeat.evaluation.audit._one_look import BLANK, THUMBNAIL, look
from imgfeat.kernels.gray import to_gray
from imgfeat.sources import ImageReader
from imgfeat.sources._images import Images

_CHUNK = 64  # images a thread takes at a time


@dataclass(frozen=True, eq=False, repr=False)
class Looks:
    """What was seen of each image.

    Attributes
    ----------
    table : DataFrame of shape (n_images, 18)
        ``path`` ("" for what is no file), ``place`` (where that leads), ``suffix``,
        ``format`` and ``mode`` (Pillow's names), ``width`` and ``height`` (pixels,
        upright), ``orientation`` (EXIF), ``p1``, ``p5``, ``p50``, ``p95``, ``p99``
        (percentiles of gray, 0..1), ``contrast`` (p99 - p1), ``plain`` (share of pixels
        of one gray), ``color_range`` (0..1), ``edge_width`` (pixels, at a longer side
        of 256 at most), ``error`` ("" if it can be read).
    hashes : ndarray of shape (n_images,), uint64
        Perceptual; 0 where there is no picture.
    thumbnails : ndarray of shape (n_images, 32, 32) or (n_images, 32, 32, 3), uint8
        Gray if all images are. Black where there is no picture.
    digests : ndarray of shape (n_images,), object
        Text that is the same for equal pixels; "" where there is no picture.
    """

    table: pd.DataFrame
    hashes: np.ndarray
    thumbnails: np.ndarray
    digests: np.ndarray

    def __len__(self):
        return len(self.table)

    def __repr__(self):
        n_unread = int((self.table["error"] != "").sum())
        return f"Looks({len(self):,} images, {n_unread:,} of them unreadable)"

    @property
    def is_read(self):
        """Which images could be read: a bool each."""
        return (self.table["error"] == "").to_numpy()


def look_at(
    images: ImageBatch, *, n_jobs: int | None = None, verbose: int = 0
) -> Looks:
    """Decode every image once; measure, hash and shrink it.

    Only thumbnails, hashes and numbers are kept, about 4 KB an image.

    Parameters
    ----------
    images : images
        Any batch that the library takes.
    n_jobs : int, optional
        Threads that read; None is 1, -1 is all cores.
    verbose : int, default=0
        Whether to show a progress bar.

    Returns
    -------
    Looks
        What cannot be read has a row too, which says why.

    Raises
    ------
    ValueError
        If `images` is no batch of images.

    Notes
    -----
    JPEGs come at 1/2, 1/4 or 1/8 of their size, as long as their shorter side has 512
    pixels. Sharpness is measured where a longer side has at most 256 pixels, as a
    classifier sees it.
    """
    batch = Images(ImageReader(), images, reset=False, unit_range=True)
    n_images = len(batch)
    rows = [None] * n_images
    digests = np.full(n_images, "", object)
    thumbnails = np.zeros((n_images, THUMBNAIL, THUMBNAIL, 3), np.uint8)
    is_color = np.zeros(n_images, bool)
    resolve = lru_cache(maxsize=4096)(os.path.realpath)

    def look_at_some(piece):
        for row in range(piece.start, piece.stop):
            facts, thumbnail, digests[row] = look(batch.source(row), resolve)
            rows[row] = tuple(facts.values())
            if thumbnail is not None:
                is_color[row] = thumbnail.ndim == 3
                thumbnails[row] = thumbnail if is_color[row] else thumbnail[..., None]

    with progress("Looking at images", n_images, verbose) as advance:
        pieces = row_slices(n_images, -(-n_images // _CHUNK))
        n_threads = count_threads(n_jobs, len(pieces))
        share_out(lambda: look_at_some, pieces, n_threads, advance)
    if not is_color.any():
        thumbnails = np.ascontiguousarray(thumbnails[..., 0])
    table = make_frame(rows, columns=list(BLANK))
    hashes = np.zeros(n_images, np.uint64)
    for piece in pieces:
        some = thumbnails[piece]
        hashes[piece] = perceptual_hashes(some if some.ndim == 3 else to_gray(some))
    hashes[(table["error"] != "").to_numpy()] = 0
    return Looks(table, hashes, thumbnails, digests)

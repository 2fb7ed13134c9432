"""Small pictures of what a classifier looked at, for a page."""

import numpy as np
from PIL import Image
from sklearn.base import BaseEstimator

from imgfeat._typing import ImageBatch
from imgfeat.evaluation.explanation._explain import as_images
from imgfeat.evaluation.explanation._looker import Looker
from imgfeat.evaluation.explanation._overlay import jpeg_address, overlay
from imgfeat.evaluation.report._as_shown import as_rgb
from imgfeat.evaluation.report._thumbnails import SIDE

# What a classifier of somebody else may raise, where none of its images is at fault.
_UNABLE = (ValueError, TypeError, AttributeError, RuntimeError, OSError)


def explain_thumbnails(
    pipeline: BaseEstimator,
    images: ImageBatch,
    *,
    occlude: bool = False,
    n_jobs: int | None = None,
) -> list[str | None]:
    """Draw small overlays of what a classifier looked at, as far as it can be told.

    Parameters
    ----------
    pipeline : fitted classifier
    images : images
        Any batch.
    occlude : bool, default=False
        Also where nothing but occlusion is left, which runs the pipeline some hundred
        times an image.
    n_jobs : int, optional
        Threads.

    Returns
    -------
    list of str or None
        Addresses that an img element takes, JPEGs of at most 160 pixels a side. None
        of an image that cannot be read or explained.
    """
    batch = as_images(pipeline, images)
    pictures: list[str | None] = []
    looker = None
    for row in range(len(batch)):
        try:
            image = batch.read(row)
            if looker is None:
                looker = Looker(pipeline, image, restore=batch.restore, n_jobs=n_jobs)
            if looker.method == "occlusion" and not occlude:
                return [None] * len(batch)
            (look,) = looker.look([image], None)
        except _UNABLE:
            pictures.append(None)
        else:
            shown, found = _shrunken(as_rgb(image), look.map)
            pictures.append(jpeg_address(overlay(shown, found), SIDE))
    return pictures


def _shrunken(pixels, found):
    """An image and its map as large as they are shown, before one is laid over."""
    picture = Image.fromarray(pixels)
    picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    small = Image.fromarray(found.astype(np.float32, copy=False))
    small = small.resize(picture.size, Image.Resampling.BOX)
    return np.asarray(picture), np.asarray(small)

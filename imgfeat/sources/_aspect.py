"""Bring one image to a size: stretched, cropped or padded."""

import numpy as np

from imgfeat.kernels.resize import resize

ASPECTS = ("stretch", "crop", "pad")


def fit_image(image, size, *, aspect="stretch", interpolation="bilinear"):
    """Return `image` with exactly `size`.

    Parameters
    ----------
    image : ndarray of shape (height, width[, 3])
    size : tuple of (height, width)
        In pixels.
    aspect : {"stretch", "crop", "pad"}
        What happens to another aspect ratio. ``"crop"`` resizes until the image covers
        `size` and cuts the middle out, with torchvision's rounding of
        ``Resize(shorter side)`` and ``CenterCrop``; ``"pad"`` resizes until it fits in,
        and centers it on black.
    interpolation : str
        As for `imgfeat.kernels.resize.resize`.

    Returns
    -------
    ndarray of shape (*size[, 3]), dtype of `image`
    """
    if aspect == "stretch":
        return resize(image, size, interpolation=interpolation)
    whole, (top, left) = fit_window(image.shape, size, aspect)
    if aspect == "crop":
        box = (top, left, *size)
        return resize(image, whole, interpolation=interpolation, box=box)
    padded = np.zeros((*size, *image.shape[2:]), dtype=image.dtype)
    padded[-top : whole[0] - top, -left : whole[1] - left] = resize(
        image, whole, interpolation=interpolation
    )
    return padded


def fit_window(shape, size, aspect):
    """Where `fit_image` cuts an image of a shape, once it is resized.

    Returns
    -------
    whole : tuple of (int, int)
        Height and width of the whole resized image, in pixels.
    corner : tuple of (int, int)
        Top and left of `size` in it; not positive where the rest is padded.
    """
    if aspect == "stretch":
        return tuple(size), (0, 0)
    height, width = shape[:2]
    is_wider = size[0] * width >= size[1] * height
    if is_wider == (aspect == "crop"):  # the height decides
        whole = size[0], max(1, size[0] * width // height)
    else:
        whole = max(1, size[1] * height // width), size[1]
    if aspect == "crop":
        return whole, center_corner(whole, size)
    top, left = center_corner(size, whole)
    return whole, (-top, -left)


def center_corner(outer, inner):
    """Top left corner of `inner` centered in `outer`, rounded as torchvision does."""
    return tuple(
        round((large - small) / 2) for large, small in zip(outer, inner, strict=True)
    )

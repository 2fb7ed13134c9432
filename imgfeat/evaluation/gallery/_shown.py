"""What pictures of features share: images to show, and axes to show them on."""

import os

import numpy as np
from PIL import Image

from imgfeat._nesting import path_to

_ENCODED = str | os.PathLike | bytes | bytearray | memoryview | Image.Image


def find_step(model, kind, purpose, wanted):
    """The transformers before the first step of a kind, and it, or a TypeError."""
    found = path_to(model, kind)
    if found is None:
        raise TypeError(
            f"{purpose} needs {wanted}, alone or in a pipeline. Got "
            f"{type(model).__name__}, which has none."
        )
    return found


def is_one_image(image):
    """Whether it is an image and no batch: a path, say, or a photo as an array."""
    if isinstance(image, _ENCODED) or hasattr(image, "read"):
        return True
    if not isinstance(image, np.ndarray) or image.dtype == object:
        return False
    is_batch_of_one = image.ndim == 3 and len(image) == 1
    is_colour = image.ndim == 3 and image.shape[2] in (1, 3) and not is_batch_of_one
    return is_colour or (image.ndim == 2 and image.dtype.kind in "biuf")


def only_image(image, purpose):
    """A batch of the one image that is given, by itself or in a batch."""
    if is_one_image(image):
        return [image]
    if len(image) != 1:
        raise ValueError(
            f"{purpose} draws one image. Got {len(image)}; draw them one by one."
        )
    return image


def pass_through(steps, images):
    """Images as they come out of transformers of images."""
    for step in steps:
        images = step.transform(images)
    return images


def make_axes(ax, width=6.0, height=6.0):
    """`ax`, or axes of a new figure of this size in inches."""
    import matplotlib.pyplot as plt  # only who draws needs it

    if ax is None:
        _, ax = plt.subplots(figsize=(width, height), layout="constrained")
    return ax


def show_image(ax, image, **options):
    """Show an image without ticks; (0, 0) is the middle of its first pixel."""
    options = {"interpolation": "nearest", **options}
    if image.ndim == 2:
        options |= {"cmap": "gray", "vmin": 0, "vmax": 255}
    ax.imshow(image, **options)
    ax.set(xticks=[], yticks=[])


def plain_text(name):
    """A name with no signs of mathematics in it, as matplotlib would take them."""
    return str(name).replace("$", r"\$")

"""What a detector found, drawn on the image."""

import numpy as np

from imgfeat._typing import ArrayLike, Axes, ImageBatch
from imgfeat.estimators import Detections
from imgfeat.evaluation.gallery._shown import (
    make_axes,
    only_image,
    plain_text,
    show_image,
)
from imgfeat.evaluation.report._as_shown import as_bytes
from imgfeat.sources._images import Images


def plot_detections(
    image: ImageBatch,
    found: Detections,
    ax: Axes | None = None,
    *,
    boxes: ArrayLike | None = None,
) -> Axes:
    """Draw the boxes that a detector found in an image, with labels and scores.

    Parameters
    ----------
    image : image, or batch of one
        A path, bytes, a PIL image or an array.
    found : Detections
        What `SlidingWindowDetector.predict` gives for this image: one item of its list.
    ax : Axes, optional
        Of matplotlib; a new figure without.
    boxes : array-like of shape (n_boxes, 4), optional
        Where the objects are, to be drawn as dashed lines.

    Returns
    -------
    Axes
        In pixels of the image; the title says how many objects were found.

    Raises
    ------
    ImageDecodeError
        If the image cannot be read.
    TypeError
        If `found` is that of several images.
    ValueError
        If there are several images.

    Examples
    --------
    >>> import numpy as np
    >>> from imgfeat.estimators import Detections
    >>> from imgfeat.evaluation import plot_detections
    >>> found = Detections(np.array([[8., 4., 40., 36.]]), np.array(["cat"]), [0.7])
    >>> plot_detections(np.zeros((64, 64), dtype=np.uint8), found).get_title()
    '1 found'
    """
    if not isinstance(found, Detections):
        raise TypeError(
            f"plot_detections needs what is found in one image. Got "
            f"{type(found).__name__}; take one item: found[0]."
        )
    batch = only_image(image, "plot_detections")
    pixels = Images(found, batch, reset=False).read(0)
    from matplotlib.patches import Rectangle  # only who draws needs it

    ax = make_axes(ax)
    show_image(ax, as_bytes(pixels))
    kinds = list(dict.fromkeys(np.asarray(found.labels).tolist()))
    for box, label, score in zip(*found, strict=True):
        color = f"C{kinds.index(label) % 10}" if len(kinds) > 1 else "gold"
        _outline(ax, Rectangle, box, color, "-")
        ax.annotate(
            f"{plain_text(label)}  {score:.2f}",
            (box[0] - 0.5, box[1] - 0.5),
            xytext=(1, 2),
            textcoords="offset points",
            color="black",
            fontsize=8,
            bbox={"facecolor": color, "edgecolor": "none", "pad": 1.5, "alpha": 0.9},
        )
    for box in [] if boxes is None else np.asarray(boxes, dtype=float).reshape(-1, 4):
        _outline(ax, Rectangle, box, "white", "--")
    ax.set_title(f"{len(found.boxes):,} found")
    return ax


def _outline(ax, Rectangle, box, color, style):
    """A line around a box, dark below, so that it is seen on any ground."""
    left, top, right, bottom = box
    for shade, width in (("black", 3.0), (color, 1.4)):
        ax.add_patch(
            # Edges of pixels lie half a pixel before their middles.
            Rectangle(
                (left - 0.5, top - 0.5),
                right - left,
                bottom - top,
                fill=False,
                edgecolor=shade,
                linewidth=width,
                linestyle=style,
            )
        )

"""Images beside what was looked at in them, as a figure."""

import numpy as np

from imgfeat.evaluation.explanation._overlay import AGAINST, FOR

_WIDTH = 3  # inches of a picture


def draw_explanation(images, pictures, strokes, points, captions):
    """Draw a row an image: as it is, and with its map, strokes or points.

    Parameters
    ----------
    images, pictures : list of ndarray of shape (height, width, 3), uint8
    strokes : list of ndarray of shape (n, 5)
    points : list of ndarray of shape (n, 3)
    captions : list of str

    Returns
    -------
    Figure
    """
    import matplotlib.pyplot as plt  # only who draws needs it

    tall = [_WIDTH * image.shape[0] / image.shape[1] for image in images]
    figure, axes = plt.subplots(
        len(images),
        2,
        figsize=(2 * _WIDTH, sum(tall) + 0.3 * len(images)),
        height_ratios=tall,
        layout="constrained",
        squeeze=False,
    )
    for ax in axes.flat:
        ax.set_axis_off()
    for (left, right), image, picture, lines, dots, caption in zip(
        axes, images, pictures, strokes, points, captions, strict=True
    ):
        left.imshow(image)
        right.set_title(caption.replace("$", r"\$"), fontsize="medium")
        if len(lines):
            right.imshow(_faint(image))
            _draw_strokes(right, lines)
        elif len(dots):
            right.imshow(_faint(image))
            _draw_points(right, dots)
        else:
            right.imshow(picture)
    return figure


def _draw_strokes(ax, strokes):
    from matplotlib.collections import LineCollection

    ends = strokes[:, :4].reshape(-1, 2, 2)[:, :, ::-1]
    colors = _colors(strokes[:, 4])
    ax.add_collection(LineCollection(ends, colors=colors, linewidths=1.5))


def _draw_points(ax, points):
    order = np.argsort(np.abs(points[:, 2]))
    rows, cols, values = points[order].T
    ax.scatter(cols, rows, s=9, c=_colors(values), linewidths=0)


def _colors(values):
    """Colours whose opacity is the size of the value."""
    most = np.abs(values).max() or 1.0
    colors = np.empty((len(values), 4))
    colors[:, :3] = np.where(values[:, None] > 0, FOR, AGAINST) / 255
    colors[:, 3] = np.abs(values) / most
    return colors


def _faint(image):
    """A gray copy on which colours stand out."""
    gray = image.mean(axis=2, keepdims=True) * 0.6 + 100
    return np.broadcast_to(gray.astype(np.uint8), image.shape)

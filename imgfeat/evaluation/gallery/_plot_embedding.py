"""Images laid out by their features: those that are alike lie side by side."""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.decomposition import PCA
from sklearn.utils import check_random_state

from imgfeat._frames import make_series
from imgfeat._on_arrays import on_arrays
from imgfeat._typing import ArrayLike, Axes, ImageBatch, RandomState
from imgfeat.estimators._as_features import as_features
from imgfeat.evaluation.gallery._features_of import describe
from imgfeat.evaluation.gallery._shown import make_axes, plain_text
from imgfeat.sources import ImageReader
from imgfeat.sources._images import Images, refuse_one_image
from imgfeat.sources._labelled import in_natural_order

_MOST_NAMES = 30  # in a legend
_PIXELS = 64  # of a thumbnail, its longer side


def plot_embedding(
    pipeline_or_matrix: BaseEstimator | ArrayLike,
    images: ImageBatch | None,
    y: ArrayLike | None = None,
    *,
    thumbnails: bool | int = True,
    random_state: RandomState = 0,
    ax: Axes | None = None,
) -> Axes:
    """Lay images out in the plane by the first two principal components of features.

    Parameters
    ----------
    pipeline_or_matrix : fitted estimator, or array-like of shape (n_images, n_features)
        A classifier whose steps but the last make the features, a transformer of
        images, or the features themselves.
    images : images
        At least 2. None for features without pictures.
    y : array-like of shape (n_images,), optional
        Classes, which color frames and dots. What is missing is gray.
    thumbnails : bool or int, default=True
        How many images to show as pictures at most; True is 150. They do not cover one
        another: what has no room is a dot.
    random_state : int, RandomState instance or None, default=0
        Who gets the room, and the start of the components where there are many
        features.
    ax : Axes, optional
        Of matplotlib; a new figure without.

    Returns
    -------
    Axes
        Both axes have one scale, that of the features; their labels tell the share of
        the variance. There is a legend of up to 30 classes.

    Raises
    ------
    ImageDecodeError
        If an image cannot be read.
    TypeError
        If the pipeline makes no features.
    ValueError
        If there are fewer than 2 images, features are not finite, or lengths differ.

    See Also
    --------
    find_similar : The nearest images by all of the features.

    Examples
    --------
    >>> from imgfeat import load_sample
    >>> from imgfeat.evaluation import plot_embedding
    >>> from imgfeat.features import HOG
    >>> digits = load_sample("digits")
    >>> hog = HOG(pixels_per_cell=(4, 4), cells_per_block=(1, 1))
    >>> ax = plot_embedding(hog, digits.images[:300], digits.target[:300])
    >>> ax.get_xlabel()
    'component 1 (14% of the variance)'
    >>> len(ax.get_legend().get_texts())
    10
    """
    rng = check_random_state(random_state)
    features = _features(pipeline_or_matrix, images)
    n_images = len(features)
    points, shares = _plane(features, rng)
    colors, legend = _class_colors(y, n_images)
    n_most = 150 if thumbnails is True else int(thumbnails)
    side = _side(points)
    order = rng.permutation(n_images)
    chosen = [] if images is None else place_apart(points, side, order, n_most)
    ax = make_axes(ax, 8.5 if legend else 7.5, 7)
    dots = np.setdiff1d(np.arange(n_images), chosen)
    across, up = points[dots].T
    ax.scatter(across, up, s=14, c=colors[dots], linewidths=0, alpha=0.7)
    if len(chosen):
        _draw_thumbnails(ax, images, chosen, points, side, colors)
    low, high = points.min(axis=0) - 0.7 * side, points.max(axis=0) + 0.7 * side
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    ax.set_aspect("equal")
    for axis, name, share in zip((ax.xaxis, ax.yaxis), "12", shares, strict=True):
        axis.set_label_text(f"component {name} ({share:.0%} of the variance)")
    _draw_legend(ax, legend)
    return ax


def place_apart(points, side, order, n_most):
    """Choose points whose squares do not overlap, the first in order first.

    Parameters
    ----------
    points : ndarray of shape (n_points, 2)
    side : float
        Of the square around each.
    order : sequence of int
    n_most : int

    Returns
    -------
    list of int
    """
    chosen = []
    for place in order:
        if len(chosen) >= n_most:
            break
        apart = np.abs(points[chosen] - points[place]).max(axis=1)
        if not len(apart) or apart.min() >= side:
            chosen.append(int(place))
    return chosen


def _features(pipeline_or_matrix, images):
    purpose = "plot_embedding"
    if images is not None:
        refuse_one_image(images, purpose)
    if hasattr(pipeline_or_matrix, "fit"):
        if images is None:
            raise ValueError(f"{purpose} needs images to make features of. Got None.")
        named = Images(ImageReader(), images, reset=False, check_numbers=np.asarray)
        features, _ = describe(
            pipeline_or_matrix,
            images,
            named,
            batch_size=256,
            skip=False,
            verbose=0,
            purpose=purpose,
        )
    else:
        n_rows = len(pipeline_or_matrix)
        features = as_features(pipeline_or_matrix, np.arange(n_rows), purpose)
        if images is not None and len(images) != n_rows:
            raise ValueError(
                f"{purpose} needs a row of features an image. Got {n_rows} rows and "
                f"{len(images)} images."
            )
    if len(features) < 2:
        raise ValueError(f"{purpose} needs 2 images at least. Got {len(features)}.")
    return features


def _plane(features, random_state):
    """Points in the plane, and the share of the variance along each axis."""
    n_components = min(2, *features.shape)
    if np.ptp(features, axis=0).any():
        pca = on_arrays(PCA(n_components, random_state=random_state))
        found, shares = pca.fit_transform(features), pca.explained_variance_ratio_
    else:  # all are equal, and no direction is one
        found, shares = np.zeros((len(features), n_components)), np.zeros(n_components)
    more = 2 - n_components
    return np.pad(found, [(0, 0), (0, more)]), [*shares, *[0.0] * more]


def _side(points):
    """Side of a thumbnail: fourteen fit into the longer axis."""
    return float(np.ptp(points, axis=0).max()) / 14 or 1.0


def _class_colors(y, n_images):
    """A color for each image, (n_images, 4), and ``{class: color}`` of the classes."""
    from matplotlib import colormaps

    gray = (0.5, 0.5, 0.5, 1.0)
    if y is None:
        return np.tile(gray, (n_images, 1)), {}
    y = make_series(np.asarray(y, dtype=object))
    if len(y) != n_images:
        raise ValueError(
            f"plot_embedding needs a class an image. Got {len(y)} for {n_images} "
            "images."
        )
    named = y.map(str).where(y.notna())
    names = in_natural_order(named.dropna())
    if len(names) <= 20:
        palette = colormaps["tab10" if len(names) <= 10 else "tab20"].colors
    else:
        palette = colormaps["gist_rainbow"](np.linspace(0, 1, len(names)))
    legend = {name: (*palette[k][:3], 1.0) for k, name in enumerate(names)}
    return np.array([legend.get(name, gray) for name in named]), legend


def _draw_thumbnails(ax, images, chosen, points, side, colors):
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    reader = ImageReader(_PIXELS, aspect="crop")
    frames = []
    named = Images(reader, images, reset=False)
    for row in chosen:
        left, bottom = points[row] - side / 2
        picture = reader.transform([named.read(row, at_least=_PIXELS)])[0]
        extent = (left, left + side, bottom, bottom + side)
        ax.imshow(picture, extent=extent, aspect="auto", zorder=2)
        frames.append(Rectangle((left, bottom), side, side))
    edges = {"edgecolors": colors[chosen], "facecolors": "none", "linewidths": 2}
    ax.add_collection(PatchCollection(frames, zorder=3, **edges), autolim=False)


def _draw_legend(ax, legend):
    from matplotlib.lines import Line2D

    if not legend:
        return
    names = list(legend)[:_MOST_NAMES]
    marks = [Line2D([], [], ls="", marker="s", color=legend[name]) for name in names]
    labels = [plain_text(name) for name in names]
    if len(legend) > len(names):
        marks.append(Line2D([], [], ls=""))
        labels.append(f"and {len(legend) - len(names)} more")
    place = {"loc": "upper left", "bbox_to_anchor": (1.01, 1), "borderaxespad": 0}
    # matplotlib would leave out a name that begins with an underscore.
    ax.legend(marks, [f"\u200b{label}" for label in labels], **place)

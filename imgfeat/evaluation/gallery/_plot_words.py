"""Visual words, shown by the patches of images that are nearest to them."""

from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from imgfeat._nesting import path_to
from imgfeat._typing import ArrayLike, Axes, ImageBatch
from imgfeat.evaluation.gallery._shown import find_step, make_axes, plain_text
from imgfeat.evaluation.gallery._word_examples import (
    cut_examples,
    find_examples,
    look_through,
    most_discriminative,
)
from imgfeat.features import VLAD, BagOfVisualWords
from imgfeat.features.local._base import LocalFeature
from imgfeat.sources._images import refuse_one_image

_SIDE = 48  # of a patch, in pixels
_GAP = 3


def plot_words(
    model: BaseEstimator,
    images: ImageBatch,
    *,
    n_words: int = 10,
    n_examples: int = 12,
    y: ArrayLike | None = None,
    detector: BaseEstimator | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Show what visual words look like: a row a word, with the patches nearest to it.

    Parameters
    ----------
    model : fitted BagOfVisualWords or VLAD, or pipeline with one in it
    images : images
        Where to look for patches; a few hundred tell enough.
    n_words : int, default=10
        Rows: the words that most descriptors of `images` belong to or, with `y`, those
        that tell the classes apart best.
    n_examples : int, default=12
        Patches a word, of as many images as there are.
    y : array-like of shape (n_images,), optional
        Classes. Words are ranked by the F-test of the square roots of their shares in
        the images, and named after the class with the largest mean share.
    detector : SIFT, ORB or DenseSIFT, or pipeline with one in it
        What described the images, where `model` is the vocabulary alone.
    ax : Axes, optional
        Of matplotlib; a new figure without.

    Returns
    -------
    Axes
        Patches are what a descriptor sees, turned by its direction and brought to one
        size, the nearest to the word first. Labels tell a word's number, and the share
        of all descriptors that belong to it or, with `y`, its class.

    Raises
    ------
    TypeError
        If there is no such vocabulary in `model`, or nothing that describes images.
    ImageDecodeError
        If an image cannot be read.
    ValueError
        If no image has a descriptor, or `y` does not fit.

    See Also
    --------
    plot_keypoints : Where the descriptors of an image lie.

    Notes
    -----
    Distances are those by which the vocabulary assigns words, behind its PCA. Images
    are read in chunks, and those with a patch to show once more.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from imgfeat import load_sample
    >>> from imgfeat.evaluation import plot_words
    >>> from imgfeat.features import BagOfVisualWords, DenseSIFT
    >>> images = load_sample("faces").images[::20]
    >>> words = BagOfVisualWords(8, random_state=0)
    >>> model = make_pipeline(DenseSIFT(bin_size=2), words).fit(images)
    >>> ax = plot_words(model, images, n_words=3, n_examples=5)
    >>> len(ax.get_yticks())
    3
    """
    refuse_one_image(images, "plot_words")
    _check_counts(n_words, n_examples)
    vocabulary, before, detector = _find_parts(model, detector)
    seen = look_through(vocabulary, before, detector, images)
    total = seen.counts.sum()
    if not total:
        raise ValueError(
            f"plot_words needs images with descriptors. Got {len(images)} with none; "
            "use a detector that finds more, or DenseSIFT."
        )
    if y is None:
        shares = seen.counts.sum(axis=0) / total
        words = np.argsort(-shares, kind="stable")[:n_words]
        words = words[shares[words] > 0]
        notes = [f"{shares[word]:.1%}" for word in words]
    else:
        words, notes = most_discriminative(seen.counts, _check_y(y, len(images)))
        words, notes = words[:n_words], notes[:n_words]
    examples = find_examples(seen, words, n_examples)
    patches = cut_examples(before, detector, images, examples, _SIDE)
    ax = make_axes(ax, 0.6 * n_examples + 1.0, 0.6 * len(words) + 0.3)
    ax.imshow(_grid(patches, len(words), n_examples), interpolation="bilinear")
    middles = (np.arange(len(words)) + 0.5) * (_SIDE + _GAP) - _GAP / 2 - 0.5
    names = [f"word {w}\n{plain_text(n)}" for w, n in zip(words, notes, strict=True)]
    ax.set_yticks(middles, names)
    ax.set_xticks([])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax


def _find_parts(model, detector):
    kinds = BagOfVisualWords, VLAD
    wanted = "a BagOfVisualWords or VLAD"
    steps, vocabulary = find_step(model, kinds, "plot_words", wanted)
    check_is_fitted(vocabulary)
    if detector is not None:
        wanted = "a detector: SIFT, ORB or DenseSIFT"
        return vocabulary, *find_step(detector, LocalFeature, "plot_words", wanted)
    found = path_to(steps[-1], LocalFeature) if steps else None
    if found is None:
        raise TypeError(
            f"plot_words needs what describes images right in front of the "
            f"{type(vocabulary).__name__}. Got {type(model).__name__} without; pass "
            "detector=, such as make_pipeline(ImageReader(128), DenseSIFT())."
        )
    return vocabulary, [*steps[:-1], *found[0]], found[1]


def _check_counts(n_words, n_examples):
    for name, value in {"n_words": n_words, "n_examples": n_examples}.items():
        if not isinstance(value, Integral) or value < 1:
            raise ValueError(f"{name} must be a positive int. Got {value!r}.")


def _check_y(y, n_images):
    y = np.asarray(y).astype(str)
    if y.shape != (n_images,) or len(np.unique(y)) < 2:
        raise ValueError(
            f"plot_words needs a class an image, and two classes at least. Got "
            f"{len(np.unique(y))} classes of shape {y.shape} for {n_images} images."
        )
    return y


def _grid(patches, n_rows, n_cols):
    """Patches, by (row, column), as one picture on white."""
    step = _SIDE + _GAP
    grid = np.full((n_rows * step - _GAP, n_cols * step - _GAP, 3), 255, np.uint8)
    for (row, col), patch in patches.items():
        grid[row * step :, col * step :][:_SIDE, :_SIDE] = patch
    return grid

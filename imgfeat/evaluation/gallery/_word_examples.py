"""Which descriptors are nearest to the words, and the patches that they see."""

from typing import NamedTuple

import cv2
import numpy as np
from sklearn.feature_selection import f_classif

from imgfeat._frames import make_frame, make_series
from imgfeat._sklearn import safe_indexing
from imgfeat.evaluation.gallery._shown import pass_through
from imgfeat.evaluation.report._as_shown import as_rgb
from imgfeat.features.local._bags import Bags
from imgfeat.kernels.encode import neighbor_words, word_tables
from imgfeat.sources._images import Images

# Images that are in memory at once.
_CHUNK = 32


class Seen(NamedTuple):
    """Words of all descriptors, in the order of the images.

    Attributes
    ----------
    counts : ndarray of shape (n_images, n_words), int64
    image, descriptor, word : ndarray of shape (n_descriptors,), int64
        A descriptor's image, its place in it, and the word that it belongs to.
    squared : ndarray of shape (n_descriptors,), float32
        Squared distance to the word.
    """

    counts: np.ndarray
    image: np.ndarray
    descriptor: np.ndarray
    word: np.ndarray
    squared: np.ndarray


def look_through(vocabulary, before, detector, images):
    """Assign the descriptors of images to words.

    Parameters
    ----------
    vocabulary : fitted BagOfVisualWords or VLAD
    before : list of transformer
        What images pass in front of `detector`.
    detector : LocalFeature
    images : images

    Returns
    -------
    Seen
    """
    words = vocabulary.cluster_centers_
    tables, project = word_tables(words), vocabulary._projection()
    counts = np.zeros((len(images), len(words)), dtype=np.int64)
    columns = []
    for start in range(0, len(images), _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, len(images)))
        chunk = pass_through(before, safe_indexing(images, rows))
        bags = Bags(detector.transform(chunk), "plot_words")
        _check_width(bags, vocabulary)
        for place, image in enumerate(rows):
            values = project(bags.values(place))
            word, squared = (
                column[:, 0] for column in neighbor_words(values, tables, 1)
            )
            counts[image] = np.bincount(word, minlength=len(words))
            own = np.full(len(word), image)
            columns.append((own, np.arange(len(word)), word, squared))
    return Seen(counts, *map(np.concatenate, zip(*columns, strict=True)))


def most_discriminative(counts, y):
    """Words by how well their shares tell classes apart, with the class of each.

    Returns
    -------
    words : ndarray of int
    classes : list of str
        In which the mean share is largest.
    """
    shares = counts / counts.sum(axis=1, keepdims=True).clip(min=1)
    differs = np.flatnonzero(np.ptp(shares, axis=0) > 0)
    with np.errstate(divide="ignore"):  # a word that one class has always, and no other
        scores = f_classif(np.sqrt(shares[:, differs]), y)[0]
    words = differs[np.argsort(-scores, kind="stable")]
    means = make_frame(shares[:, words]).groupby(y).mean()
    return words, means.idxmax().tolist()


def find_examples(seen, words, n_examples):
    """Descriptors to show: ``{(row, column): (image, descriptor)}`` of a grid.

    The best of each image first, so that patches are not all of one; then seconds.
    """
    examples = {}
    for row, word in enumerate(words):
        own = np.flatnonzero(seen.word == word)
        own = own[np.argsort(seen.squared[own], kind="stable")]
        rank = make_series(seen.image[own]).groupby(seen.image[own]).cumcount()
        places = np.argsort(rank.to_numpy(), kind="stable")[:n_examples]
        for col, place in enumerate(own[np.sort(places)]):
            examples[row, col] = int(seen.image[place]), int(seen.descriptor[place])
    return examples


def cut_examples(before, detector, images, examples, side):
    """The patches that descriptors see, RGB, as a dict with the keys of `examples`."""
    patches = {}
    for image in sorted({image for image, _ in examples.values()}):
        chunk = pass_through(before, safe_indexing(images, [image]))
        batch = Images(detector, chunk, reset=False, image_shape=detector.image_shape)
        pixels = detector._read(batch, 0)
        regions = detector._regions(pixels)
        for place, (own, descriptor) in examples.items():
            if own == image:
                region = (column[descriptor] for column in regions)
                patches[place] = cut_patch(as_rgb(pixels), *region, side=side)
    return patches


def cut_patch(image, center, radius, angle, reach, *, side):
    """The square that a descriptor sees, turned upright; black beyond the image.

    Parameters
    ----------
    image : ndarray of shape (height, width, 3), uint8
    center, radius, angle, reach
        As in `Regions`.
    side : int
        In pixels.

    Returns
    -------
    ndarray of shape (side, side, 3), uint8
    """
    across = 2 * reach / side * np.cos(np.deg2rad(angle))
    down = 2 * reach / side * np.sin(np.deg2rad(angle))
    turn = np.array([[across, -down], [down, across]])
    # Its middle lies between the pixels of the patch.
    corner = np.array(center)[::-1] - turn @ np.full(2, (side - 1) / 2)
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(
        image, np.column_stack([turn, corner]), (side, side), flags=how
    )


def _check_width(bags, vocabulary):
    if bags.n_dims != vocabulary.n_features_in_:
        raise ValueError(
            f"plot_words needs descriptors of {vocabulary.n_features_in_} numbers, as "
            f"the vocabulary was fitted on. Got {bags.n_dims}; pass the detector that "
            "described the images for it."
        )

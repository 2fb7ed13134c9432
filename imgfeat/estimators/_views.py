"""Views of images to learn and to predict from, in the kind of batch they came in."""

import hashlib

import numpy as np

from imgfeat._sklearn import check_sample_weight, safe_indexing
from imgfeat._validation import check_image_array
from imgfeat.preprocess._augment import augment_image
from imgfeat.sources._batch import (
    _check_not_one_source,
    is_sequence_of_sources,
    list_sources,
)


def take_images(estimator, X, *, image_shape=None):
    """Return any batch of images as items, and the way back from a list of images.

    Parameters
    ----------
    estimator : estimator
        Named in error messages.
    X : images
    image_shape : tuple, optional
        Shape of the images in a 2-D array.

    Returns
    -------
    items : list or ndarray of shape (n_samples, height, width[, 3])
        An item an image, for `read_source`; files unread.
    restore : callable
        Makes a batch of the kind of X of a list of items: a list for a sequence of
        sources, else an array, flattened if X was.
    """
    if is_sequence_of_sources(X):
        return list_sources(X), list
    _check_not_one_source(X, type(estimator).__name__)
    is_flat = np.ndim(X) == 2
    images = check_image_array(
        estimator, X, reset=False, image_shape=image_shape, any_size=True
    )

    def restore(views):
        views = np.asarray(views)
        return views.reshape(len(views), -1) if is_flat else views

    return images, restore


def training_views(image, policy, n_views, seed):
    """The image itself and ``n_views - 1`` augmented copies.

    Drawn by `seed` and the image's pixels, so that it has the same copies in every
    fold.

    Parameters
    ----------
    image : ndarray of shape (height, width[, 3])
        C-contiguous.
    policy : Policy
    n_views, seed : int

    Returns
    -------
    list of ndarray like `image`
    """
    if n_views == 1:
        return [image]
    content = hashlib.blake2b(memoryview(image).cast("B"), digest_size=8).digest()
    content = int.from_bytes(content, "little")
    return [image] + [
        augment_image(image, policy, np.random.default_rng((seed, content, view)))
        for view in range(1, n_views)
    ]


def fixed_view(image, policy, view, seed):
    """View number `view` of an image, drawn alike for all images."""
    return augment_image(image, policy, np.random.default_rng((seed, view)))


def check_weights(sample_weight, n_images):
    """Return a weight for each image, (n_images,), or raise as scikit-learn does."""
    # Later each image has a weight a view, and too many could pass for those.
    return check_sample_weight(sample_weight, np.empty((n_images, 1)))


def repeat(value, n_views, n_images):
    """Repeat each entry of `value` `n_views` times, if it has one an image."""
    has_rows = hasattr(value, "__len__") and not isinstance(value, str | bytes | dict)
    if has_rows and len(value) == n_images:
        return safe_indexing(value, np.repeat(np.arange(n_images), n_views))
    return value


def join(chunks):
    """Chunks of features as one, with the column names of tables."""
    if len(chunks) == 1:
        return chunks[0]
    if hasattr(chunks[0], "columns"):
        whole = np.concatenate([np.asarray(chunk) for chunk in chunks])
        return type(chunks[0])(whole, columns=chunks[0].columns)
    return np.concatenate(chunks)

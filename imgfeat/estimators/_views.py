"""Views of images to learn and to predict from."""

import hashlib

import numpy as np

from imgfeat._sklearn import check_sample_weight, safe_indexing
from imgfeat.preprocess._augment import augment_image


def training_views(image, policy, n_augmented, seed):
    """The image itself and ``n_augmented - 1`` augmented copies.

    Drawn by `seed` and the image's pixels, so that it has the same copies in every
    fold.

    Parameters
    ----------
    image : ndarray of shape (height, width[, 3])
        C-contiguous.
    policy : Policy
    n_augmented, seed : int

    Returns
    -------
    list of ndarray like `image`
    """
    if n_augmented == 1:
        return [image]
    content = hashlib.blake2b(memoryview(image).cast("B"), digest_size=8).digest()
    content = int.from_bytes(content, "little")
    return [image] + [
        augment_image(image, policy, np.random.default_rng((seed, content, view)))
        for view in range(1, n_augmented)
    ]


def fixed_view(image, policy, view, seed):
    """View number `view` of an image, drawn alike for all images."""
    return augment_image(image, policy, np.random.default_rng((seed, view)))


def check_weights(sample_weight, n_images):
    """Return a weight for each image, (n_images,), or raise as scikit-learn does."""
    # Later each image has a weight a view, and too many could pass for those.
    return check_sample_weight(sample_weight, np.empty((n_images, 1)))


def repeat(value, n_augmented, n_images, name):
    """Repeat each entry of `value` `n_augmented` times, if it has one an image."""
    has_rows = hasattr(value, "__len__") and not isinstance(value, str | bytes | dict)
    if has_rows and len(value) == n_images:
        return safe_indexing(value, np.repeat(np.arange(n_images), n_augmented))
    if has_rows and len(value) == n_images * n_augmented:
        # The order of the views is not the caller's to know.
        raise ValueError(
            f"{name} needs a value for each of {n_images} images; it is repeated for "
            f"their {n_augmented} views. Got {len(value)} values; give one an image."
        )
    return value


def join(chunks):
    """Chunks of features as one, with the column names of tables."""
    if len(chunks) == 1:
        return chunks[0]
    if hasattr(chunks[0], "columns"):
        whole = np.concatenate([np.asarray(chunk) for chunk in chunks])
        return type(chunks[0])(whole, columns=chunks[0].columns)
    return np.concatenate(chunks)

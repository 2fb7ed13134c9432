"""Rows of features as they are compared, and what their maker is known by."""

import hashlib

import numpy as np

from imgfeat._sklearn import safe_indexing
from imgfeat.estimators._as_features import as_features
from imgfeat.estimators._front_of import front_of
from imgfeat.estimators.verification._likeness import brought_to_metric
from imgfeat.estimators.verification._pairs import n_rows
from imgfeat.sources._images import Images, refuse_one_image


class Describer:
    """Describes images some at a time.

    Parameters
    ----------
    features : fitted estimator
    batch_size : int
    who : str
        For messages.
    """

    def __init__(self, features, batch_size, who):
        self._features = features
        self._batch_size = batch_size
        self._who = who

    def __call__(self, images):
        """Return features, (n_images, n_features), float32, an array of its own."""
        front = front_of(self._features)
        if front is None:
            raise TypeError(
                f"{self._who} needs what makes features of images: a transformer, or a "
                "pipeline with one in front of its classifier. Got "
                f"{type(self._features).__name__}."
            )
        refuse_one_image(images, self._who)
        n_images, found = n_rows(images), []
        if not n_images:
            raise ValueError(f"{self._who} needs at least one image. Got none.")
        for start in range(0, n_images, self._batch_size):
            rows = np.arange(start, min(start + self._batch_size, n_images))
            made = front.transform(safe_indexing(images, rows))
            found.append(as_features(made, rows, self._who))
        return np.concatenate(found)

    def compared(self, images, metric, name_of, n_features):
        """Return rows as they are compared; ``name_of(row)`` names an image."""
        rows = self(images)
        if rows.shape[1] != n_features:
            raise ValueError(
                f"{self._who} was fitted on images of {n_features} features. Got "
                f"{rows.shape[1]}; give images of the same size, or features that "
                "resize them."
            )
        return brought_to_metric(rows, metric, name_of, self._who)


def key_of(rows, metric):
    """A name for what makes features, by what it makes of a few images of its fit."""
    about = f"{metric} {rows.shape}".encode()
    return hashlib.sha256(about + np.ascontiguousarray(rows).tobytes()).hexdigest()


def names_of_images(estimator, images):
    """What messages call images of a batch, by their rows."""

    def name(row):
        batch = Images(estimator, images, reset=False, check_numbers=np.asarray)
        return batch.name(row)

    return name


def names_of_pairs(images, left, right):
    """What messages call the images of pairs, by their rows in `images`."""

    def name(row):
        image = images[row]
        if not isinstance(image, np.ndarray):
            return str(image)
        first = np.flatnonzero(left == row)
        pair = first[0] if len(first) else np.flatnonzero(right == row)[0]
        return f"image {'a' if len(first) else 'b'} of pair {pair}"

    return name

"""Features of images by what a model has in front of its classifier."""

import numpy as np

from imgfeat._frames import make_frame
from imgfeat._progress import progress
from imgfeat._sklearn import safe_indexing
from imgfeat.estimators._as_features import as_features
from imgfeat.estimators._front_of import front_of
from imgfeat.evaluation.gallery._stored_front import through_store, with_jobs
from imgfeat.sources import ImageDecodeError


def describe(
    model,
    X,
    images,
    *,
    batch_size,
    skip,
    verbose,
    purpose="SimilarImages",
    cache=False,
    n_jobs=None,
):
    """Features of images by a model's front, some images at a time.

    Parameters
    ----------
    model : fitted estimator
    X : images
    images : Images
        The same, which names them.
    batch_size : int
    skip : bool
        Leave out what cannot be read.
    verbose : int
    purpose : str
        Who asks, for messages.
    cache : path or bool
        Folder of the feature store; True is the default one, False uses none.
    n_jobs : int, optional
        Threads, for all steps that have a parameter `n_jobs`; None leaves theirs.

    Returns
    -------
    features : ndarray of shape (n_kept, n_features), float32
        An array of its own, C-contiguous.
    errors : DataFrame with columns row, path, reason
        What was left out.
    """
    front, n_images = front_of(model), len(images)
    if front is None:
        raise TypeError(
            f"{purpose} needs a model that makes features of images: a pipeline with a "
            "transformer in front of its classifier, or a transformer. Got "
            f"{type(model).__name__}."
        )
    front = with_jobs(front, n_jobs)
    if cache is not False:
        front = through_store(front, None if cache is True else cache)
    features, errors, n_done = None, [], 0
    with progress("Describing images", n_images, verbose) as advance:
        for start in range(0, n_images, batch_size):
            rows = np.arange(start, min(start + batch_size, n_images))
            found, bad = _features_of_rows(front, X, rows, skip, purpose)
            errors += [(row, images.name(row), reason) for row, reason in bad]
            if len(found):
                if features is None:
                    features = np.empty((n_images, found.shape[1]), dtype=np.float32)
                features[n_done : n_done + len(found)] = found
                n_done += len(found)
            advance(len(rows))
    if features is None:
        why = "; with on_error='raise' it says why" if errors else ""
        raise ValueError(
            f"{purpose} needs an image that can be read. Got {n_images} images and "
            f"none that can{why}."
        )
    errors = make_frame(errors, columns=["row", "path", "reason"])
    return (features if n_done == n_images else features[:n_done].copy()), errors


def _features_of_rows(front, X, rows, skip, purpose):
    """Features of the images that can be read, and (row, reason) of the others."""
    try:
        found = front.transform(safe_indexing(X, rows))
        return as_features(found, rows, purpose), []
    except ImageDecodeError as error:
        if not skip:
            raise
        if len(rows) == 1:
            return [], [(int(rows[0]), error.reason)]
    # One by one, where there are such.
    features, bad = [], []
    for row in rows:
        found, errors = _features_of_rows(front, X, np.array([row]), skip, purpose)
        features += list(found)
        bad += errors
    return np.array(features), bad

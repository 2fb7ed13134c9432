"""Images that must be alike, as one array."""

import numpy as np

from imgfeat._progress import progress
from imgfeat._threads import map_threads
from imgfeat._validation import size_text


def stack_images(read, n_images, name, *, name_of, n_jobs=None, verbose=0):
    """Return ``read(row)`` of all rows as one array, read in threads.

    Parameters
    ----------
    read : callable
        Returns the image, or None for a row of NaN (then all are floats).
    n_images : int
        At least 1.
    name : str
        The estimator that needs them alike.
    name_of : callable
        Says what messages call a row.
    n_jobs : int, optional
    verbose : int

    Returns
    -------
    ndarray of shape (n_images, height, width[, 3])

    Raises
    ------
    ValueError
        If two images differ in size, gray or RGB, or dtype; or none could be read.
    """
    with progress("Reading images", n_images, verbose) as advance:
        n_read, first = 0, None
        while first is None and n_read < n_images:
            first = read(n_read)
            n_read += 1
            advance()
        if first is None:
            raise ValueError(
                f"{name} needs at least one image that can be read. Got {n_images} "
                "that cannot; with on_error='raise' it says why."
            )
        batch = np.empty((n_images, *first.shape), dtype=first.dtype)
        batch[n_read - 1] = first
        if n_read > 1:
            batch[: n_read - 1] = np.nan

        def read_into(row):
            image = read(row)
            if image is None:
                batch[row] = np.nan
            elif image.shape == first.shape and image.dtype == first.dtype:
                batch[row] = image
            else:
                names = name_of(n_read - 1), name_of(row)
                raise ValueError(_disagreement(name, names, (first, image)))
            advance()

        map_threads(read_into, range(n_read, n_images), n_jobs)
    return batch


def _disagreement(name, names, images):
    first, image = images
    if first.shape[:2] != image.shape[:2]:
        what, kinds = "size", [size_text(x.shape) for x in images]
        remedy = f"ImageReader(size=({first.shape[0]}, {first.shape[1]}))"
    elif first.ndim != image.ndim:
        what, kinds = "kind", ["gray" if x.ndim == 2 else "RGB" for x in images]
        remedy = "ImageReader(mode='rgb') or ImageReader(mode='gray')"
    else:
        what, kinds = "dtype", [x.dtype for x in images]
        remedy = "ImageReader(dtype='uint8')"
    place = "use" if name == "ImageReader" else f"before {name}, use"
    return (
        f"{name} needs images of one {what}. Got {kinds[0]} in {names[0]} and "
        f"{kinds[1]} in {names[1]}; {place} {remedy}."
    )

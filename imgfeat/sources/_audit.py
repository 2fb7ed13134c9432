"""Look images over before anything is made of them."""

from imgfeat.sources._reader import ImageReader


def list_unreadable(images, *, n_jobs=None, verbose=0):
    """Decode every image once; return a table of those that cannot be read.

    Returns
    -------
    DataFrame with columns ``row``, ``path`` and ``reason``
    """
    # A few pixels each: what is wanted is the decoding, not the picture.
    reader = ImageReader(
        (8, 8), dtype="float32", on_error="nan", n_jobs=n_jobs, verbose=verbose
    )
    reader.transform(images)
    return reader.errors_

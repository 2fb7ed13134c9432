"""Look images over before anything is made of them."""

import pandas as pd

from imgfeat._typing import ImageBatch
from imgfeat.sources._reader import ImageReader


def list_unreadable(
    images: ImageBatch, *, n_jobs: int | None = None, verbose: int = 0
) -> pd.DataFrame:
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

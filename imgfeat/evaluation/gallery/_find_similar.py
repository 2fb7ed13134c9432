"""One search for images that are alike."""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from imgfeat._typing import ImageBatch, PathLike
from imgfeat.evaluation.gallery._shown import is_one_image
from imgfeat.evaluation.gallery._similar import SimilarImages


def find_similar(
    pipeline: BaseEstimator,
    gallery: ImageBatch,
    image: ImageBatch,
    n: int = 5,
    *,
    metric: str = "cosine",
    on_error: str = "raise",
    batch_size: int = 256,
    cache: PathLike | bool = False,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> pd.DataFrame:
    """Find the images of a gallery that are most like one image, or each of several.

    Parameters
    ----------
    pipeline : fitted estimator
        A classifier whose steps but the last make the features, or a transformer of
        images.
    gallery : images
        Where to look.
    image : image, or batch of images
        What to look for.
    n : int, default=5
        How many to find; all, if the gallery has fewer.
    metric : {"cosine", "euclidean"}, default="cosine"
        Cosine of the angle between features, or distance.
    on_error : {"raise", "skip"}, default="raise"
        What happens to a file of the gallery that cannot be read.
    batch_size : int, default=256
        Images that are described at once.
    cache : path or bool, default=False
        Folder of the feature store; True is the default one, False uses none.
    n_jobs : int, optional
        Threads, for all steps that have a parameter `n_jobs`; None leaves theirs.
    verbose : int, default=0
        Whether to show a progress bar.

    Returns
    -------
    DataFrame with columns row, path, similarity
        Places in the gallery, the most similar first. Of a batch, even of one, there
        is a column ``query`` in front, the place in it. With ``metric="euclidean"`` the
        last column is ``distance``.

    Raises
    ------
    ImageDecodeError
        If an image cannot be read.
    TypeError
        If the pipeline makes no features.
    ValueError
        If `n` is not positive, or images do not fit.

    See Also
    --------
    SimilarImages : Describes the gallery once, for many searches.

    Examples
    --------
    >>> from imgfeat import load_sample
    >>> from imgfeat.evaluation import find_similar
    >>> from imgfeat.features import HOG
    >>> digits = load_sample("digits")
    >>> hog = HOG(pixels_per_cell=(4, 4), cells_per_block=(1, 1))
    >>> find_similar(hog, digits.images, digits.images[7], n=2).round(3)
        row        path  similarity
    0     7     image 7       1.000
    1  1442  image 1442       0.845
    """
    index = SimilarImages(
        pipeline,
        metric=metric,
        on_error=on_error,
        batch_size=batch_size,
        cache=cache,
        n_jobs=n_jobs,
        verbose=verbose,
    )
    is_one = is_one_image(image) and not _are_flat(gallery, image)
    index.fit(gallery)
    # A flat image is a row of numbers.
    is_row = getattr(image, "ndim", 0) == 1 and getattr(gallery, "ndim", 0) == 2
    if is_row:
        image = np.asarray(image)[None]
    elif is_one:
        image = [image]
    found = index.search(image, n)
    return found.drop(columns="query") if is_one or is_row else found


def _are_flat(gallery, image):
    """Whether these are images as rows of numbers, which look like one gray image."""
    return getattr(gallery, "ndim", 0) == 2 and getattr(image, "ndim", 0) == 2

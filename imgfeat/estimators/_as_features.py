"""One vector an image, whatever a transformer gave."""

import numpy as np

from imgfeat.features.local._descriptors import Descriptors


def as_features(found, rows, purpose):
    """What was made of images, (n_rows, n_features), float32, or an error."""
    if isinstance(found, Descriptors):
        raise TypeError(
            f"{purpose} needs one vector an image. Got {found!r}; put "
            "BagOfVisualWords, VLAD or FisherVector behind."
        )
    if hasattr(found, "toarray"):
        found = found.toarray()
    found = np.asarray(found)
    if found.dtype.kind not in "fiub":
        raise TypeError(f"{purpose} needs features of numbers. Got {found.dtype}.")
    found = found.reshape(len(found), -1).astype(np.float32, copy=False)
    bad = ~np.isfinite(found).all(axis=1)
    if bad.any():
        raise ValueError(
            f"{purpose} needs finite features. Got NaN or infinity for image "
            f"{int(rows[bad.argmax()])}; drop it."
        )
    return found

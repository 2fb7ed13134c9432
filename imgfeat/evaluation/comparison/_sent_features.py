"""What a fold is given for features: paths where it runs on other machines."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from joblib._parallel_backends import (
    LokyBackend,
    MultiprocessingBackend,
    SequentialBackend,
    ThreadingBackend,
)
from joblib.parallel import get_active_backend

from imgfeat._stateless import transform_in_chunks
from imgfeat.features import CachedFeatures

# Dask's and Ray's are subclasses of some, and none of these.
_LOCAL = {LokyBackend, MultiprocessingBackend, SequentialBackend, ThreadingBackend}


@dataclass(frozen=True)
class SentFeatures:
    """Images, and the front that makes features of them wherever it arrives.

    Where workers share a folder of stored features, each computes a part of them and
    waits for what another has begun.

    Parameters
    ----------
    front : stateless transformer
    X : images
    batch_size : int
    location : path, None or False
        Of the feature store; None is the default one, False uses none.
    verbose : int
    """

    front: Any
    X: Any
    batch_size: int
    location: str | Path | bool | None
    verbose: int = 0

    def arrive(self):
        """Features of all images, as an array or `Descriptors`."""
        if self.location is False:
            return transform_in_chunks(self.front, self.X, batch_size=self.batch_size)
        cached = CachedFeatures(
            self.front,
            location=self.location,
            batch_size=self.batch_size,
            verbose=self.verbose,
        )
        return cached.fit_transform(self.X)


def are_better_sent(X):
    """Whether features should go to the folds as paths of images.

    joblib shares arrays with processes of this machine. Dask and Ray would copy them
    through their schedulers, for each fold.
    """
    backend, _ = get_active_backend()
    return type(backend) not in _LOCAL and all(
        isinstance(item, str | PathLike) for item in X
    )

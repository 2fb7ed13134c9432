"""A saved model in memory, warm, for an application of one's own."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from imgfeat._on_arrays import on_arrays
from imgfeat._typing import ImageBatch, PathLike
from imgfeat.deploy._answers import (
    Answer,
    answer,
    in_places,
    labels_of,
    one_fails_alone,
    read_all,
    read_for,
    readable,
)
from imgfeat.deploy._archive import read_bundle
from imgfeat.deploy._arrays import read_array
from imgfeat.deploy._bundle import build
from imgfeat.deploy._example import unpack
from imgfeat.estimators._as_features import as_features
from imgfeat.estimators._front_of import front_of
from imgfeat.sources import ImageDecodeError
from imgfeat.sources._decode import MAX_PIXELS
from imgfeat.sources._images import refuse_one_image

_WARM_BATCH = 8


@dataclass(frozen=True, eq=False)
class Features:
    """What a model sees in one image, as a vector, or why there is none.

    Attributes
    ----------
    vector : ndarray of shape (n_features,), float32, or None
    error : str or None
    """

    vector: np.ndarray | None = None
    error: str | None = None


class Predictor:
    """A saved model that is loaded once, and answers for images of all kinds.

    Parameters
    ----------
    path : str or path
        A file that `save` wrote.
    max_pixels : int, default=50_000_000
        Refuse images with more pixels, on their header.
    n_jobs : int, default=-1
        Threads that decode.

    Attributes
    ----------
    path : Path
    model : estimator
        As `load` gives it.
    card : dict
        What the file says of itself: ``classes``, ``versions``, ``reading`` and so on.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, BundleError
        As from `load`.
    TypeError
        If the model takes a table, not images alone.

    See Also
    --------
    load : The model alone, as a scikit-learn estimator.
    predict_files : Label many files, a few at a time.

    Notes
    -----
    The model has run when the constructor returns, alone and in a batch, so that the
    first answer takes no longer than others. Answers are those of ``imgfeat predict``:
    one image does not change what is said of another, and one that cannot be read, or
    that the model does not take, has an error in words while the others are labelled.

    Any number of threads may ask at once. A process that has one may be forked, and the
    child may ask it; its net is loaded again there, at the first question. A pickle
    holds the path alone, and loads the file again.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from imgfeat import Predictor, load_sample, make_recipe, save
    >>> digits = load_sample("digits")
    >>> model = make_recipe("hog-lr", size=16)
    >>> model = model.fit(digits.images[:99], digits.target[:99])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(model, Path(folder) / "model.imgfeat")
    ...     predictor = Predictor(Path(folder) / "model.imgfeat")
    >>> good, bad = predictor.predict([digits.images[0], b"no image"])
    >>> good.label, max(good.probabilities, key=good.probabilities.get)
    (0, 0)
    >>> bad.error
    "it is not an image file: it starts with b'no image'"
    """

    def __init__(
        self, path: PathLike, *, max_pixels: int = MAX_PIXELS, n_jobs: int = -1
    ):
        self.path = Path(path)
        self.max_pixels = max_pixels
        self.n_jobs = n_jobs
        manifest, parts = read_bundle(self.path)
        if manifest.get("example") is not None:
            raise TypeError(
                f"{self.path} takes a table with images in some of its columns, which "
                "no image alone can fill; use imgfeat.load."
            )
        self.model = on_arrays(build(manifest, parts, self.path))
        self.card = {key: value for key, value in manifest.items() if key != "parts"}
        self._front = front_of(self.model)
        self._warm_up(parts)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    def __reduce__(self):
        how = {"max_pixels": self.max_pixels, "n_jobs": self.n_jobs}
        return partial(type(self), self.path, **how), ()

    @property
    def labels(self) -> list | None:
        """The classes as plain values, or None of what is no classifier."""
        if getattr(self.model, "classes_", None) is None:
            return None
        return labels_of(self.model)

    @property
    def makes_features(self) -> bool:
        """Whether `embed` works: there is something in front of a classifier."""
        return self._front is not None

    def predict(self, images: ImageBatch, *, batch_size: int = 64) -> list[Answer]:
        """Label images.

        Parameters
        ----------
        images : sequence of paths, bytes, PIL images, binary files or arrays
            Of any sizes; or an array of shape (n_images, height, width[, 3]).
        batch_size : int, default=64
            Images in memory at a time.

        Returns
        -------
        list of Answer
            One an image, in order.

        Raises
        ------
        TypeError
            If the model is no classifier.
        ValueError
            If `images` is one image, not a batch.
        """
        return self._in_batches(images, self.answer, Answer, batch_size)

    def embed(self, images: ImageBatch, *, batch_size: int = 64) -> list[Features]:
        """Describe images by what the model's classifier is given.

        Parameters
        ----------
        images : as for `predict`
        batch_size : int, default=64

        Returns
        -------
        list of Features
            One an image, in order.

        Raises
        ------
        TypeError
            If the model makes no features.
        ValueError
            If `images` is one image, not a batch.
        """
        return self._in_batches(images, self.describe, Features, batch_size)

    def read(self, image: Any, name: str | None = None) -> Any:
        """Decode one image as far as can be done before the model sees it.

        Parameters
        ----------
        image : path, bytes, PIL image, binary file or array
        name : str, optional
            What the error calls it.

        Returns
        -------
        object
            For `answer` and `describe`.

        Raises
        ------
        ImageDecodeError
        """
        return read_for(self.model, image, name=name, max_pixels=self.max_pixels)

    def answer(self, read: list) -> list[Answer]:
        """Label images that `read` gave, in one batch.

        Parameters
        ----------
        read : list

        Returns
        -------
        list of Answer
        """
        return answer(self.model, read)

    def describe(self, read: list) -> list[Features]:
        """Describe images that `read` gave, in one batch.

        Parameters
        ----------
        read : list

        Returns
        -------
        list of Features
        """
        if self._front is None:
            raise TypeError(
                f"{self.path} has nothing that makes features of images; embed needs a "
                "pipeline with a transformer in front of its classifier."
            )
        return one_fails_alone(
            features_of, self._front, read, lambda error: Features(error=error)
        )

    def _in_batches(self, images, ask, kind, batch_size):
        refuse_one_image(images, "Predictor")
        found = []
        for start in range(0, len(images), batch_size):
            some = images[start : start + batch_size]
            read = read_all(list(some), self.read, self.n_jobs)
            found += [
                kind(error=said.reason) if isinstance(said, ImageDecodeError) else said
                for said in in_places(read, ask(readable(read)))
            ]
        return found

    def _warm_up(self, parts):
        """Run the model on the file's golden images, alone and in a batch."""
        arrays = {
            name.removeprefix("golden/").removesuffix(".npy"): read_array(data)
            for name, data in parts.items()
            if name.startswith("golden/image")
        }
        images = [image for image in unpack(arrays, None) if image.ndim > 1]
        if not images or not hasattr(self.model, "predict"):
            return
        for n_images in (1, _WARM_BATCH):
            self.predict([images[row % len(images)] for row in range(n_images)])


def features_of(front, images):
    """`Features` of images that the front of a model takes."""
    rows = as_features(front.transform(images), np.arange(len(images)), "embed")
    return [Features(row) for row in rows]

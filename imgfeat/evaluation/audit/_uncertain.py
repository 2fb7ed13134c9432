"""How sure a model is of images that may not all be readable, some at a time."""

import numpy as np

from imgfeat._progress import progress
from imgfeat._threads import map_threads
from imgfeat.estimators._class_scores import score_classes
from imgfeat.estimators._front_of import front_of
from imgfeat.features import CNNEmbedding
from imgfeat.sources import ImageDecodeError
from imgfeat.sources._images import Images

_BATCH = 64  # images in memory at a time


class Judge:
    """A fitted classifier, asked about a batch of images of any kind.

    Parameters
    ----------
    model : fitted classifier
        With ``predict_proba`` or ``decision_function``.
    images : images
    n_jobs : int, optional
        Threads that decode.
    verbose : int, default=0

    Attributes
    ----------
    images : Images
    errors : dict of int to ImageDecodeError
        By row, after `scores`.
    has_probabilities : bool
    """

    def __init__(self, model, images, *, n_jobs=None, verbose=0):
        self.has_probabilities = hasattr(model, "predict_proba")
        if not self.has_probabilities and not hasattr(model, "decision_function"):
            raise ValueError(
                "suggest needs a classifier that says how sure it is, by predict_proba "
                f"or decision_function. Got {type(model).__name__}; wrap it in "
                "CalibratedClassifierCV, or take another."
            )
        self._model = model
        self._front = front_of(model)
        self.images = Images(model, images, reset=False, check_numbers=np.asarray)
        self.errors = {}
        self._n_jobs = n_jobs
        self._verbose = verbose
        self._embedding = CNNEmbedding(n_jobs=n_jobs)  # for models without features

    def scores(self):
        """Judge all images.

        Returns
        -------
        rows : ndarray of int of shape (n_readable,)
        scores : ndarray of shape (n_readable, n_classes)
            Probabilities, else decision values.
        """
        rows, scores = [], []
        every = np.arange(len(self.images))
        for good, batch in self._batches(every, "Judging images", self._try):
            rows.append(good)
            scores.append(self._score(batch))
        if not rows:
            return np.empty(0, dtype=int), np.empty((0, len(self._model.classes_)))
        return np.concatenate(rows), np.concatenate(scores)

    def features(self, rows):
        """What tells the images of some rows apart, (n_rows, n_features)."""
        batches = self._batches(rows, "Describing images", self.images.read)
        parts = [self._describe(batch) for _, batch in batches]
        return np.concatenate(parts).astype(np.float64)

    def _batches(self, rows, what, read):
        """Yield rows and images, some at a time, without those that `read` leaves out.

        None in the place of an image does.
        """
        with progress(what, len(rows), self._verbose) as advance:
            for start in range(0, len(rows), _BATCH):
                part = rows[start : start + _BATCH]
                if self.images.is_array:
                    yield part, self.images.items[part]
                else:
                    images = map_threads(read, part.tolist(), self._n_jobs)
                    good = [
                        row for row, image in enumerate(images) if image is not None
                    ]
                    if good:
                        yield part[good], [images[row] for row in good]
                advance(len(part))

    def _try(self, row):
        try:
            return self.images.read(row)
        except ImageDecodeError as error:
            self.errors[row] = error
            return None

    def _score(self, batch):
        scores = score_classes(self._model, batch, "suggest")
        if not np.isfinite(scores).all():
            raise ValueError(
                "suggest needs a finite score an image and class. Got NaN or infinity "
                f"from {type(self._model).__name__}; train it anew."
            )
        return scores

    def _describe(self, batch):
        """The features that the model classifies by, or else an embedding."""
        found = None if self._front is None else self._front.transform(batch)
        found = found.toarray() if hasattr(found, "toarray") else found
        if getattr(found, "ndim", None) == 2:
            return np.asarray(found)
        if isinstance(batch, np.ndarray) and (batch.ndim == 2 or batch.dtype != "u1"):
            return batch.reshape(len(batch), -1)
        return self._embedding.transform(batch)

"""Which way to look into a pipeline, by what it is."""

import numpy as np

from imgfeat._threads import one_blas_thread
from imgfeat.estimators._plain_steps import has_threshold
from imgfeat.evaluation.explanation._decisions import predicted_columns
from imgfeat.evaluation.explanation._hog_looks import HOGLooks
from imgfeat.evaluation.explanation._net_looks import NetLooks
from imgfeat.evaluation.explanation._occlusion import OcclusionLooks
from imgfeat.evaluation.explanation._steps import find_parts
from imgfeat.evaluation.explanation._word_looks import WordLooks
from imgfeat.features import HOG
from imgfeat.features.local._base import LocalFeature

METHODS = ("auto", "cam", "grad-cam", "hog", "words", "occlusion")
_NEEDS = {
    "cam": "a net whose last maps are averaged, and linear steps behind it",
    "grad-cam": "a net, and steps behind it whose decisions have slopes",
    "hog": "HOG, and linear steps behind it",
    "words": "a local feature, a vocabulary and linear steps behind it",
}


class Looker:
    """Looks at images by the method that suits a pipeline, or by the one asked for.

    Parameters
    ----------
    pipeline : fitted classifier
    first : ndarray
        One image, to find out by.
    method : str
        One of `METHODS`.
    restore : callable
        From a list of images to a batch as the pipeline takes it.
    n_jobs : int or None
    verbose : int

    Attributes
    ----------
    method : str
        One of `METHODS` but "auto".
    batch_size : int
        Most images to look at in one call.
    """

    def __init__(
        self, pipeline, first, method="auto", *, restore, n_jobs=None, verbose=0
    ):
        self._restore = restore
        self._thresholded = pipeline if has_threshold(pipeline) else None
        self._parts = find_parts(pipeline) if method != "occlusion" else None
        self.method = "occlusion"
        if self._parts is not None:
            self._choose(method, self._through_front([first]), n_jobs)
        if method not in ("auto", self.method):
            raise ValueError(
                f"method={method!r} needs {_NEEDS[method]}. This pipeline has not; "
                f"method='auto' takes {self.method!r}."
            )
        if self.method == "occlusion":
            self._looks = OcclusionLooks(pipeline, restore, verbose)
        self.batch_size = self._looks.batch_size

    def look(self, images, columns):
        """A `Look` at each of some images.

        Parameters
        ----------
        images : list of ndarray
        columns : ndarray of int, or None
            Places of the classes to explain in ``classes_``; None for the predicted.
        """
        if columns is None and self._thresholded is not None:
            columns = predicted_columns(self._thresholded, self._restore(images))
        # Many small products: threads of BLAS would do no more than wait.
        with one_blas_thread():
            if self.method == "occlusion":
                return self._looks.look(images, columns)
            given = self._through_front(images)
            if self.method in ("cam", "grad-cam"):
                is_averaged = self.method == "grad-cam"
                return self._looks.look(images, given, columns, is_averaged=is_averaged)
            return self._looks.look(images, given, columns)

    def _choose(self, method, first, n_jobs):
        parts = self._parts
        if isinstance(parts.middle[0], HOG | LocalFeature):
            is_hog = isinstance(parts.middle[0], HOG)
            self._looks = HOGLooks(parts) if is_hog else WordLooks(parts)
            if self._looks.is_exact(first):
                self.method = "hog" if is_hog else "words"
            return
        self._looks = NetLooks(parts, n_jobs)
        if not self._looks.has_places:
            return
        if method != "grad-cam" and self._looks.is_exact():
            self.method = "cam"
        elif self._looks.is_smooth(first[0]):
            self.method = "grad-cam"

    def _through_front(self, images):
        """What the describing step is given of images, as a list of arrays."""
        if not self._parts.front:
            return images
        batch = self._restore(images)
        for step in self._parts.front:
            batch = step.transform(batch)
        return [np.asarray(image) for image in batch]

"""Grayscale and Equalize: what happens to the values of pixels."""

from numbers import Integral, Real

import cv2
import numpy as np

from imgfeat._opencv import one_opencv_thread
from imgfeat._sklearn import Interval, StrOptions
from imgfeat._threads import count_threads, map_threads, row_slices
from imgfeat._validation import check_shape_param, size_text
from imgfeat.kernels.gray import to_gray
from imgfeat.sources._scale import white_of
from imgfeat.sources._transformer import ImageTransformer


class Grayscale(ImageTransformer):
    """Turn RGB images into gray ones; gray images stay as they are.

    Parameters
    ----------
    image_shape : tuple or list of (height, width) or (height, width, 3), optional
        Shape of the images in a 2-D array X, where they are not square.
    n_jobs : int, optional
        Threads that read files; None is 1, -1 is all cores.
    verbose : int, default=0
        Show a progress bar.

    Notes
    -----
    Gray is ITU-R 601 luminance, 0.299 R + 0.587 G + 0.114 B, rounded as by Pillow:
    uint8 equals ``Image.convert("L")``, and ``ImageReader(mode="gray")``. The dtype
    stays. Equal channels keep their value.

    Examples
    --------
    >>> import numpy as np
    >>> from imgfeat.preprocess import Grayscale
    >>> red = np.zeros((1, 1, 2, 3), dtype=np.uint8)
    >>> red[..., 0] = 255
    >>> Grayscale().fit_transform(red)
    array([[[76, 76]]], dtype=uint8)
    """

    _parameter_constraints: dict = {
        "image_shape": [tuple, list, None],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }

    def __init__(self, *, image_shape=None, n_jobs=None, verbose=0):
        self.image_shape = image_shape
        self.n_jobs = n_jobs
        self.verbose = verbose

    def transform(self, X) -> np.ndarray:
        """Weigh the channels of every image.

        Parameters
        ----------
        X : images
            Any batch of one size.

        Returns
        -------
        ndarray of shape (n_samples, height, width), dtype of the images

        Raises
        ------
        ValueError
            If X is no batch of images of one size.
        """
        images = self._images(X, any_size=False)
        X = images.as_array(n_jobs=self.n_jobs, verbose=self.verbose)
        return self._give(to_gray(X) if X.ndim == 4 else X, images)


class Equalize(ImageTransformer):
    """Spread the brightness of each image over the whole range.

    Parameters
    ----------
    method : {"histogram", "clahe"}, default="histogram"
        Equalize the histogram of the whole image, or contrast-limited adaptive
        histogram equalization [1]_: of each tile of a grid, interpolated between.
    clip_limit : float, default=2.0
        For ``"clahe"``: no bin of a tile's histogram counts for more than this many
        times the mean; more means more contrast.
    grid : tuple of (int, int), default=(8, 8)
        For ``"clahe"``: tiles down and across. Images must have a pixel for each.
    image_shape : tuple or list of (height, width) or (height, width, 3), optional
        Shape of the images in a 2-D array X, where they are not square.
    n_jobs : int, optional
        Threads; None is 1, -1 is all cores.
    verbose : int, default=0
        Show a progress bar.

    Notes
    -----
    OpenCV does the work on uint8. Other dtypes go through 16 bits: floats must be in
    0..1, and come back in 65536 steps. Of RGB images the luminance is equalized, and
    all three channels move with it, which keeps YCbCr's two color differences (up to
    clipping). A flat image stays as it is with ``"histogram"``.

    Where the brightest and darkest pixels stay the same, rising changes of contrast do
    not change the result of ``"histogram"``.

    References
    ----------
    .. [1] K. Zuiderveld, "Contrast limited adaptive histogram equalization", Graphics
       Gems IV, 1994, :doi:`10.1016/B978-0-12-336156-1.50061-6`. OpenCV's clips once.

    Examples
    --------
    >>> import numpy as np
    >>> from imgfeat.preprocess import Equalize
    >>> dark = np.array([[[10, 11], [12, 13]]], dtype=np.uint8)
    >>> Equalize().fit_transform(dark)
    array([[[  0,  85],
            [170, 255]]], dtype=uint8)
    """

    _parameter_constraints: dict = {
        "method": [StrOptions({"histogram", "clahe"})],
        "clip_limit": [Interval(Real, 0, None, closed="neither")],
        "grid": [tuple, list],
        "image_shape": [tuple, list, None],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        method="histogram",
        *,
        clip_limit=2.0,
        grid=(8, 8),
        image_shape=None,
        n_jobs=None,
        verbose=0,
    ):
        self.method = method
        self.clip_limit = clip_limit
        self.grid = grid
        self.image_shape = image_shape
        self.n_jobs = n_jobs
        self.verbose = verbose

    def transform(self, X) -> np.ndarray:
        """Equalize every image by itself.

        Parameters
        ----------
        X : images
            Any batch of one size. Floats must be in 0..1.

        Returns
        -------
        ndarray of the shape and dtype of X as images
            (n_samples, height, width) or (n_samples, height, width, 3).

        Raises
        ------
        ValueError
            If floats leave 0..1, or images are smaller than `grid` with ``"clahe"``.
        """
        self._check_parameters()
        images = self._images(X, any_size=False, unit_range=True)
        X = images.as_array(n_jobs=self.n_jobs, verbose=self.verbose)
        self._check_room(X)
        equalized = np.empty_like(X)

        def equalize_rows(rows):
            equalize = self._equalizer()
            for index in range(*rows.indices(len(X))):
                equalized[index] = _on_luminance(equalize, X[index])

        with one_opencv_thread:
            parts = row_slices(len(X), count_threads(self.n_jobs, len(X)))
            map_threads(equalize_rows, parts, self.n_jobs)
        return self._give(equalized, images)

    def _equalizer(self):
        if self.method == "histogram":
            return _equalize_histogram
        # One for each thread: OpenCV's object keeps its histograms inside.
        n_rows, n_cols = self.grid
        return cv2.createCLAHE(self.clip_limit, (n_cols, n_rows)).apply

    def _check_parameters(self):
        check_shape_param(self.grid, "grid")

    def _check_room(self, X):
        if self.method == "clahe" and (
            X.shape[1] < self.grid[0] or X.shape[2] < self.grid[1]
        ):
            raise ValueError(
                f"Equalize(grid={tuple(self.grid)}) needs images of at least "
                f"{size_text(self.grid)} pixels. Got {size_text(X.shape[1:])}; use a "
                "coarser grid."
            )


def _on_luminance(equalize, image):
    """Equalize one image of any dtype, gray or RGB."""
    gray = to_gray(image) if image.ndim == 3 else image
    if image.dtype.kind == "f":
        deep = np.rint(gray * gray.dtype.type(65535)).astype(np.uint16)
        flat = equalize(deep).astype(image.dtype) / image.dtype.type(65535)
    else:
        flat = equalize(gray)
    if image.ndim == 2:
        return flat
    wide = np.float64 if image.dtype.kind == "f" else np.int32
    shift = flat.astype(wide) - gray
    moved = np.clip(image + shift[..., None], 0, white_of(image.dtype))
    return moved.astype(image.dtype)


def _equalize_histogram(gray):
    """Equalize uint8 by OpenCV, and uint16, which it refuses, by the same formula."""
    if gray.dtype == np.uint8:
        return cv2.equalizeHist(gray)
    counts = np.bincount(gray.ravel(), minlength=65536)
    lowest = np.flatnonzero(counts)[0]
    n_above = gray.size - counts[lowest]
    if n_above == 0:
        return gray
    below = np.cumsum(counts) - counts[lowest]
    table = np.rint(np.maximum(below, 0) * (65535 / n_above)).astype(np.uint16)
    return table[gray]

"""Histograms of oriented gradients: where edges are, and which way they run."""

from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from imgfeat._devices import find_device, run_on_device
from imgfeat._sklearn import Interval, StrOptions, fit_context
from imgfeat._threads import count_threads
from imgfeat._traits import Traits
from imgfeat._validation import check_shape_param, size_text
from imgfeat.kernels.hog import BLOCK_NORMS, hog
from imgfeat.sources._batch import check_images, is_sequence_of_sources, list_sources


class HOG(TransformerMixin, BaseEstimator):
    """Histograms of oriented gradients [1]_, as ``skimage.feature.hog`` has them.

    Each pixel votes with the length of its gradient for the direction of it, in the
    histogram of its cell. Cells are normalised in overlapping blocks.

    Parameters
    ----------
    orientations : int, default=9
        Bins over the half circle, so a bin spans ``180 / orientations`` degrees.
    pixels_per_cell : tuple of (int, int), default=(8, 8)
        Height and width of a cell. Pixels right of and below the last whole cell do
        not vote.
    cells_per_block : tuple of (int, int), default=(2, 2)
        Cells down and across a block. Blocks lie one cell apart.
    block_norm : {"L1", "L1-sqrt", "L2", "L2-Hys"}, default="L2-Hys"
        Divide a block by its sum (``"L1"``), take the square root of that
        (``"L1-sqrt"``), divide it by its length (``"L2"``), or do so, clip values at
        0.2 and do it again (``"L2-Hys"``).
    transform_sqrt : bool, default=False
        Take the square root of every pixel first, which weakens edges in bright parts.
    image_shape : tuple of (height, width) or (height, width, 3), optional
        Shape in pixels of the images in a 2-D X that are not square.
    n_jobs : int, default=None
        Number of threads; -1 uses all cores.
    device : str, default="auto"
        Where the work is done: ``"cpu"``, ``"cuda"`` or another device of torch;
        ``"auto"`` is CUDA if there is any.

    Attributes
    ----------
    image_shape_in_ : tuple of int
        Shape of the images seen in `fit`.
    n_features_in_ : int
        Values in one image.

    See Also
    --------
    LBP : Texture rather than shape.

    Notes
    -----
    Nothing is learned: `transform` works without `fit`. In RGB images the channel with
    the longest gradient votes. Adding a constant to an image leaves its features
    unchanged (without `transform_sqrt`), and so does multiplying it by a positive
    factor, up to the small constant that keeps empty blocks at zero. An image without
    edges gives zeros.

    Features equal those of ``skimage.feature.hog`` within 1e-6. Both depart from the
    paper: a pixel votes for one bin of one cell, where the paper shares its vote among
    the nearest bins and cells and weighs it down towards the border of the block.

    References
    ----------
    .. [1] N. Dalal and B. Triggs, "Histograms of oriented gradients for human
       detection", CVPR 2005, :doi:`10.1109/CVPR.2005.177`.

    Examples
    --------
    >>> import numpy as np
    >>> from imgfeat.features import HOG
    >>> ramp = np.tile(np.arange(8.0), (1, 8, 1))  # brighter to the right
    >>> hog = HOG(4, pixels_per_cell=(8, 8), cells_per_block=(1, 1))
    >>> hog.fit_transform(ramp).round(3)
    array([[1., 0., 0., 0.]], dtype=float32)
    >>> hog.get_feature_names_out()[0]
    'hog_r0_c0_b0_o0'
    """

    _parameter_constraints: dict = {
        "orientations": [Interval(Integral, 1, None, closed="left")],
        "pixels_per_cell": [tuple, list],
        "cells_per_block": [tuple, list],
        "block_norm": [StrOptions(set(BLOCK_NORMS))],
        "transform_sqrt": ["boolean"],
        "image_shape": [tuple, list, None],
        "n_jobs": [Integral, None],
        "device": [str],
    }

    def __init__(
        self,
        orientations=9,
        *,
        pixels_per_cell=(8, 8),
        cells_per_block=(2, 2),
        block_norm="L2-Hys",
        transform_sqrt=False,
        image_shape=None,
        n_jobs=None,
        device="auto",
    ):
        self.orientations = orientations
        self.pixels_per_cell = pixels_per_cell
        self.cells_per_block = cells_per_block
        self.block_norm = block_norm
        self.transform_sqrt = transform_sqrt
        self.image_shape = image_shape
        self.n_jobs = n_jobs
        self.device = device

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Remember the image size; nothing is learned.

        Parameters
        ----------
        X : images of shape (n_samples, height, width[, 3])
            Any real scale. Of a sequence of files, only the first is read.
        y : Ignored

        Returns
        -------
        self : HOG

        Raises
        ------
        ImageDecodeError
            If the first image is a file that cannot be read.
        ValueError
            If a parameter is out of range, the images are smaller than one block, or
            they are negative where `transform_sqrt` needs their root.
        """
        if is_sequence_of_sources(X):
            X = list_sources(X)[:1]
        self._check(X, reset=True)
        return self

    def transform(self, X):
        """Describe each image by the directions of its edges.

        Parameters
        ----------
        X : images of shape (n_samples, height, width[, 3])
            Of the size seen in `fit`, if there was one.

        Returns
        -------
        ndarray of shape (n_samples, n_features), float32
            Blocks row by row; in each its cells row by row; in each its orientations.

        Raises
        ------
        ImageDecodeError
            If an image cannot be read.
        ValueError
            As in `fit`, or if the images are of another size, or so far from 0 that
            sums of their differences leave the range of float32, or there is no such
            device.
        """
        self._validate_params()
        X = self._check(X, reset=False)
        features = self._describe(X, find_device(self.device)).reshape(len(X), -1)
        if X.dtype.kind == "f" and not np.isfinite(features.sum(dtype=np.float64)):
            raise ValueError(
                "HOG needs images whose differences sum up to less than 1e38. Got "
                f"values from {X.min():.3g} to {X.max():.3g}; scale the images down."
            )
        return features

    def get_feature_names_out(self, input_features=None):
        """Name features by block, cell and bin, as in ``"hog_r3_c5_b2_o4"``.

        That is the block in row 3 and column 5, its cell 2, counted row by row, and
        orientation 4.

        Parameters
        ----------
        input_features : Ignored

        Returns
        -------
        ndarray of str

        Raises
        ------
        NotFittedError
            If there was no `fit`, which tells the size of the images.
        """
        check_is_fitted(self, "image_shape_in_")
        n_rows, n_cols = self._count_blocks(self.image_shape_in_)
        height, width = self.cells_per_block
        names = [
            f"hog_r{row}_c{col}_b{cell}_o{orientation}"
            for row in range(n_rows)
            for col in range(n_cols)
            for cell in range(height * width)
            for orientation in range(self.orientations)
        ]
        return np.asarray(names, dtype=object)

    def _describe(self, X, device):
        params = {
            "orientations": int(self.orientations),
            "pixels_per_cell": check_shape_param(
                self.pixels_per_cell, "pixels_per_cell"
            ),
            "cells_per_block": check_shape_param(
                self.cells_per_block, "cells_per_block"
            ),
            "block_norm": self.block_norm,
            "transform_sqrt": bool(self.transform_sqrt),
        }
        if device == "cpu":
            return hog(X, **params, n_threads=count_threads(self.n_jobs, len(X)))
        # Only here, as it imports torch, which takes a second or two.
        from imgfeat.kernels import torch_hog

        return run_on_device(torch_hog.hog, X, device, **params)

    def _check(self, X, *, reset):
        X = check_images(
            self, X, reset=reset, image_shape=self.image_shape, n_jobs=self.n_jobs
        )
        if min(self._count_blocks(X.shape[1:])) < 1:
            cell, block = self.pixels_per_cell, self.cells_per_block
            needed = size_text((cell[0] * block[0], cell[1] * block[1]))
            raise ValueError(
                f"HOG with pixels_per_cell={tuple(cell)} and cells_per_block="
                f"{tuple(block)} needs images of at least {needed} pixels. Got "
                f"{size_text(X.shape[1:])}; use smaller cells or larger images."
            )
        if self.transform_sqrt and X.dtype.kind == "f" and X.min() < 0:
            raise ValueError(
                "HOG(transform_sqrt=True) needs pixels of 0 and more. Got values down "
                f"to {X.min():.3g}; set transform_sqrt=False or scale to 0..1."
            )
        return X

    def _count_blocks(self, image_shape):
        """Blocks down and across, 0 or less if none fits."""
        cell = check_shape_param(self.pixels_per_cell, "pixels_per_cell")
        block = check_shape_param(self.cells_per_block, "cells_per_block")
        return [image_shape[k] // cell[k] - block[k] + 1 for k in range(2)]

    def __imgfeat_traits__(self):
        return Traits(device_param="device")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array = True
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

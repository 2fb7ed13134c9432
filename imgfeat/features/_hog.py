"""Histograms of oriented gradients: where edges are, and which way they run."""

from numbers import Integral

import numpy as np
from sklearn.utils.validation import check_is_fitted

from imgfeat._devices import find_device, run_on_device
from imgfeat._sklearn import Interval, StrOptions
from imgfeat._threads import count_threads
from imgfeat._traits import Traits
from imgfeat._validation import check_shape_param, size_text
from imgfeat.features._image_feature import ImageFeature
from imgfeat.kernels._block_norms import BLOCK_NORMS
from imgfeat.kernels.hog import hog


class HOG(ImageFeature):
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
    image_shape : tuple or list of (height, width) or (height, width, 3), optional
        Shape in pixels of the images in a 2-D X that are not square.
    n_jobs : int, default=None
        Number of threads; -1 uses all cores.
    verbose : int, default=0
        Show a progress bar.
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
    Nothing is learned: `transform` works without `fit`. Features come block by block,
    in each cell by cell, and in each its orientations. Pixels may have any real scale.
    In RGB images the channel with the longest gradient votes. Adding a constant to an
    image leaves its features unchanged (without `transform_sqrt`), and so does
    multiplying it by a positive factor, up to the small constant that keeps empty
    blocks at zero. An image without edges gives zeros.

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
        **ImageFeature._parameter_constraints,
        "orientations": [Interval(Integral, 1, None, closed="left")],
        "pixels_per_cell": [tuple, list],
        "cells_per_block": [tuple, list],
        "block_norm": [StrOptions(set(BLOCK_NORMS))],
        "transform_sqrt": ["boolean"],
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
        verbose=0,
    ):
        self.orientations = orientations
        self.pixels_per_cell = pixels_per_cell
        self.cells_per_block = cells_per_block
        self.block_norm = block_norm
        self.transform_sqrt = transform_sqrt
        self.image_shape = image_shape
        self.n_jobs = n_jobs
        self.device = device
        self.verbose = verbose

    def get_feature_names_out(self, input_features=None) -> np.ndarray:
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

    def _check_params(self):
        self._kernel_params()

    def _check_room(self, X):
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

    def _describe(self, X):
        features = self._run(X, find_device(self.device)).reshape(len(X), -1)
        if X.dtype.kind == "f" and not np.isfinite(features.sum(dtype=np.float64)):
            raise ValueError(
                "HOG needs images whose differences sum up to less than 1e38. Got "
                f"values from {X.min():.3g} to {X.max():.3g}; scale the images down."
            )
        return features

    def _run(self, X, device):
        params = self._kernel_params()
        if device == "cpu":
            return hog(X, **params, n_threads=count_threads(self.n_jobs, len(X)))
        # Only here, as it imports torch, which takes a second or two.
        from imgfeat.kernels import torch_hog

        return run_on_device(torch_hog.hog, X, device, **params)

    def _kernel_params(self):
        return {
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

    def _count_blocks(self, image_shape):
        """Blocks down and across, 0 or less if none fits."""
        cell = check_shape_param(self.pixels_per_cell, "pixels_per_cell")
        block = check_shape_param(self.cells_per_block, "cells_per_block")
        return [image_shape[k] // cell[k] - block[k] + 1 for k in range(2)]

    def __imgfeat_traits__(self):
        return Traits(device_param="device")

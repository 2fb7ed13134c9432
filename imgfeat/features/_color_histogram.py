"""Colour histograms: which colours an image has, and roughly where."""

from itertools import chain, product
from numbers import Integral

import numpy as np

from imgfeat._sklearn import StrOptions
from imgfeat._validation import check_shape_param, size_text
from imgfeat.features._histograms import NORMALIZATIONS, normalize_histograms
from imgfeat.features._image_feature import ImageFeature
from imgfeat.kernels.color_histogram import SPACES, color_histograms, to_space
from imgfeat.sources._scale import white_of


class ColorHistogram(ImageFeature):
    """Histograms of colours, of the whole image or of the cells of a grid.

    Parameters
    ----------
    n_bins : int or tuple of (int, int, int), default=8
        Bins a channel.
    space : {"rgb", "hsv", "lab"}, default="rgb"
        Colour space whose channels are split evenly into bins: sRGB; hue in 0..360
        degrees, saturation, value; or CIE LAB under D65, L in 0..100, a in -87..99 and
        b in -108..95, which is what sRGB reaches.
    joint : bool, default=True
        Count triples of bins, one bin from each channel, ``n_bins ** 3`` in all [1]_;
        or the bins of each channel for themselves, ``3 * n_bins``.
    grid : tuple of (int, int), default=(1, 1)
        Cells down and across, each with a histogram of its own.
    normalize : {"l1", "sqrt", "l2"} or None, default="sqrt"
        Bring each histogram to the sum 1 (``"l1"``), to the square roots of that
        (``"sqrt"``, after which a linear classifier compares histograms by their
        Hellinger distance), to the length 1 (``"l2"``), or keep the counts (None). With
        ``joint=False``, the three channels of a cell are one histogram.
    image_shape : tuple or list of (height, width) or (height, width, 3), optional
        Shape in pixels of the images in a 2-D X that are not square.
    n_jobs : int, default=None
        Number of threads; -1 uses all cores.
    verbose : int, default=0
        Show a progress bar.

    Attributes
    ----------
    image_shape_in_ : tuple of int
        Shape of the images seen in `fit`.
    n_features_in_ : int
        Values in one image.

    See Also
    --------
    PatchDictionary : Learns which colours and edges there are.

    Notes
    -----
    Nothing is learned: `transform` works without `fit`. Features come cell by cell, and
    in each bin by bin. Mirroring and turning an image by 180 degrees moves cells and
    changes nothing in them, if the grid splits the image evenly.

    A gray image has the features of the RGB image whose channels all equal it; its
    hue is 0, as that of red. Floats are read as 0..1 and refused beyond. The
    conversions are OpenCV's on float32: HSV follows the formula, LAB
    is within 0.5 of it.

    References
    ----------
    .. [1] M. J. Swain and D. H. Ballard, "Color indexing", IJCV 7(1), 1991,
       :doi:`10.1007/BF00130487`.

    Examples
    --------
    >>> import numpy as np
    >>> from imgfeat.features import ColorHistogram
    >>> red_and_white = np.array([[[[255, 0, 0], [255, 255, 255]]]], dtype=np.uint8)
    >>> ColorHistogram(2, normalize="l1").fit_transform(red_and_white)
    array([[0. , 0. , 0. , 0. , 0.5, 0. , 0. , 0.5]], dtype=float32)
    """

    _parameter_constraints: dict = {
        **ImageFeature._parameter_constraints,
        "n_bins": [Integral, tuple, list],
        "space": [StrOptions(set(SPACES))],
        "joint": ["boolean"],
        "grid": [tuple, list],
        "normalize": [StrOptions(set(NORMALIZATIONS)), None],
    }

    _needs_unit_range = True

    def __init__(
        self,
        n_bins=8,
        *,
        space="rgb",
        joint=True,
        grid=(1, 1),
        normalize="sqrt",
        image_shape=None,
        n_jobs=None,
        verbose=0,
    ):
        self.n_bins = n_bins
        self.space = space
        self.joint = joint
        self.grid = grid
        self.normalize = normalize
        self.image_shape = image_shape
        self.n_jobs = n_jobs
        self.verbose = verbose

    def get_feature_names_out(self, input_features=None) -> np.ndarray:
        """Name features by cell and bins: ``"color_row0_col1_r0_g7_b2"``."""
        bins = self._bins()
        n_rows, n_cols = check_shape_param(self.grid, "grid")
        channels = [
            [f"{channel}{bin_}" for bin_ in range(n)]
            for channel, n in zip(self.space, bins, strict=True)
        ]
        in_a_cell = (
            ["_".join(triple) for triple in product(*channels)]
            if self.joint
            else list(chain(*channels))
        )
        names = [
            f"color_row{row}_col{col}_{name}"
            for row in range(n_rows)
            for col in range(n_cols)
            for name in in_a_cell
        ]
        return np.asarray(names, dtype=object)

    def _check_params(self):
        self._bins()
        check_shape_param(self.grid, "grid")

    def _check_room(self, X):
        grid = check_shape_param(self.grid, "grid")
        if X.shape[1] < grid[0] or X.shape[2] < grid[1]:
            raise ValueError(
                f"grid={grid} needs images of at least {size_text(grid)} pixels. Got "
                f"{size_text(X.shape[1:])}; use a coarser grid or larger images."
            )

    def _describe_part(self, X):
        images = np.divide(X, np.float32(white_of(X.dtype)), dtype=np.float32)
        if images.ndim == 3:
            images = np.repeat(images[..., None], 3, axis=3)
        counts = color_histograms(
            to_space(images, self.space),
            space=self.space,
            n_bins=self._bins(),
            joint=self.joint,
            grid=check_shape_param(self.grid, "grid"),
        )
        return normalize_histograms(counts, self.normalize)

    def _bins(self):
        n_bins = self.n_bins
        n_bins = (n_bins,) * 3 if isinstance(n_bins, Integral) else n_bins
        return check_shape_param(n_bins, "n_bins", length=(3,))

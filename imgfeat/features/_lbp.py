"""Local binary patterns: texture by which neighbours are brighter than a pixel."""

from numbers import Integral, Real

import numpy as np

from imgfeat._sklearn import StrOptions
from imgfeat._validation import check_shape_param, size_text
from imgfeat.features._histograms import NORMALIZATIONS, normalize_histograms
from imgfeat.features._image_feature import ImageFeature
from imgfeat.kernels.gray import to_gray
from imgfeat.kernels.lbp import (
    MAX_POINTS,
    MAX_POINTS_IN_TABLE,
    METHODS,
    count_bins,
    lbp_histograms,
    margin,
)


class LBP(ImageFeature):
    """Histograms of local binary patterns, at one or several scales.

    Around each pixel lies a circle of points; those at least as bright as the pixel
    are the ones of a binary number [1]_. How often each number occurs, in each cell of
    a grid, describes the texture.

    Parameters
    ----------
    n_points : int or tuple of int, default=8
        Points on the circle, 24 at most, or 16 unless `method` is ``"uniform"``. A
        tuple gives one number a scale.
    radius : float or tuple of float, default=1
        Radius of the circle in pixels. A tuple gives one radius a scale, as in
        ``n_points=(8, 16, 24), radius=(1, 2, 3)``.
    method : {"uniform", "nri_uniform", "ror", "default"}, default="uniform"
        Which patterns are told apart, under scikit-image's names:

        - ``"uniform"``: by their number of ones, if these are one run on the circle;
          all others count as one. Does not see rotation. ``n_points + 2`` bins.
        - ``"nri_uniform"``: runs also by where they start, as is usual for faces [2]_.
          ``n_points * (n_points - 1) + 3`` bins.
        - ``"ror"``: all patterns, up to rotation. 36 bins for 8 points.
        - ``"default"``: all patterns. ``2 ** n_points`` bins.
    grid : tuple of (int, int), default=(1, 1)
        Cells down and across, each with a histogram of its own.
    normalize : {"l1", "sqrt", "l2"} or None, default="sqrt"
        Bring each cell's histogram to the sum 1 (``"l1"``), to the square roots of
        that (``"sqrt"``, after which a linear classifier compares histograms by their
        Hellinger distance), to the length 1 (``"l2"``), or keep the counts (None).
    border : {"skip", "zeros"}, default="skip"
        What becomes of pixels whose circle leaves the image: not counted, as in [1]_,
        or counted as if zeros lay around the image, as scikit-image does.
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
    HOG : Shape rather than texture.

    Notes
    -----
    Nothing is learned: `transform` works without `fit`. Features come scale by scale,
    and in each cell by cell. Pixels may have any real scale. RGB images become gray
    first, by ITU-R 601. Adding a constant to an integer image leaves the features
    unchanged with ``border="skip"``, and so does multiplying by a power of two; other
    increasing maps of the gray levels may move points between pixels across their
    centre.

    Codes are those of ``skimage.feature.local_binary_pattern``, which interpolates
    bilinearly too, except where a point is exactly as bright as its centre: that counts
    as brighter here always, there up to rounding. Flat areas are the usual case.

    References
    ----------
    .. [1] T. Ojala, M. Pietikainen and T. Maenpaa, "Multiresolution gray-scale and
       rotation invariant texture classification with local binary patterns", TPAMI
       24(7), 2002, :doi:`10.1109/TPAMI.2002.1017623`.
    .. [2] T. Ahonen, A. Hadid and M. Pietikainen, "Face description with local binary
       patterns", TPAMI 28(12), 2006, :doi:`10.1109/TPAMI.2006.244`.

    Examples
    --------
    >>> import numpy as np
    >>> from imgfeat.features import LBP
    >>> stripes = np.tile([0, 0, 9, 9], (1, 4, 1))
    >>> LBP(n_points=4, normalize=None).fit_transform(stripes)
    array([[0., 0., 0., 2., 2., 0.]], dtype=float32)
    """

    _parameter_constraints: dict = {
        **ImageFeature._parameter_constraints,
        "n_points": [Integral, tuple, list],
        "radius": [Real, tuple, list],
        "method": [StrOptions(set(METHODS))],
        "grid": [tuple, list],
        "normalize": [StrOptions(set(NORMALIZATIONS)), None],
        "border": [StrOptions({"skip", "zeros"})],
    }

    _part_size = 64

    def __init__(
        self,
        n_points=8,
        radius=1,
        *,
        method="uniform",
        grid=(1, 1),
        normalize="sqrt",
        border="skip",
        image_shape=None,
        n_jobs=None,
        verbose=0,
    ):
        self.n_points = n_points
        self.radius = radius
        self.method = method
        self.grid = grid
        self.normalize = normalize
        self.border = border
        self.image_shape = image_shape
        self.n_jobs = n_jobs
        self.verbose = verbose

    def get_feature_names_out(self, input_features=None) -> np.ndarray:
        """Name features by scale, cell and bin, as in ``"lbp_r1_row0_col2_bin9"``."""
        n_rows, n_cols = check_shape_param(self.grid, "grid")
        names = [
            f"lbp_r{radius:g}_row{row}_col{col}_bin{bin_}"
            for n_points, radius in self._scales()
            for row in range(n_rows)
            for col in range(n_cols)
            for bin_ in range(count_bins(n_points, self.method))
        ]
        return np.asarray(names, dtype=object)

    def _check_params(self):
        self._scales()
        check_shape_param(self.grid, "grid")

    def _scales(self):
        """Pairs of (n_points, radius), checked."""
        single = isinstance(self.n_points, Integral), isinstance(self.radius, Real)
        n_points = (self.n_points,) if single[0] else tuple(self.n_points)
        radii = (self.radius,) if single[1] else tuple(self.radius)
        if len(n_points) != len(radii) or not n_points:
            raise ValueError(
                f"n_points and radius must have one entry a scale. Got {len(n_points)} "
                f"in n_points={self.n_points!r} and {len(radii)} in "
                f"radius={self.radius!r}."
            )
        most = MAX_POINTS if self.method == "uniform" else MAX_POINTS_IN_TABLE
        if not all(isinstance(n, Integral) and 1 <= n <= most for n in n_points):
            raise ValueError(
                f"n_points must be ints from 1 to {most} with method={self.method!r}. "
                f"Got {self.n_points!r}."
            )
        if not all(isinstance(r, Real) and 0 < r < np.inf for r in radii):
            raise ValueError(
                f"radius must be positive, in pixels. Got {self.radius!r}."
            )
        return list(zip(n_points, radii, strict=True))

    def _check_room(self, X):
        scales, grid = self._scales(), check_shape_param(self.grid, "grid")
        edge = max(margin(radius) for _, radius in scales)
        edge = 0 if self.border == "zeros" else edge
        needed = tuple(cells + 2 * edge for cells in grid)
        if X.shape[1] < needed[0] or X.shape[2] < needed[1]:
            raise ValueError(
                f"LBP with radius={self.radius} and grid={grid} needs images of at "
                f"least {size_text(needed)} pixels. Got {size_text(X.shape[1:])}; use "
                "a smaller radius, a coarser grid or larger images."
            )

    def _describe_part(self, X):
        images = X if X.ndim == 3 else to_gray(X)
        grid = check_shape_param(self.grid, "grid")
        features = []
        for n_points, radius in self._scales():
            counts = lbp_histograms(
                self._framed(images, radius),
                n_points=n_points,
                radius=radius,
                method=self.method,
                grid=grid,
            )
            features.append(normalize_histograms(counts, self.normalize))
        return np.concatenate(features, axis=1)

    def _framed(self, images, radius):
        if self.border == "skip":
            return images
        edge = margin(radius)
        return np.pad(images, ((0, 0), (edge, edge), (edge, edge)))

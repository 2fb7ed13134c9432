"""Co-occurrence of gray levels: texture by which grays lie next to which."""

from numbers import Integral, Real

import numpy as np
from skimage.feature import graycomatrix, graycoprops

from imgfeat._sklearn import Interval
from imgfeat._validation import check_shape_param, size_text
from imgfeat.features._image_feature import ImageFeature
from imgfeat.kernels.gray import to_gray
from imgfeat.sources._scale import white_of

PROPERTIES = ("contrast", "dissimilarity", "homogeneity", "energy", "correlation")
# The rest of scikit-image's, which these five imply or which depend on the gray level.
MORE_PROPERTIES = ("ASM", "mean", "variance", "std", "entropy")


class GLCM(ImageFeature):
    """Haralick's properties of gray-level co-occurrence matrices.

    Gray levels are brought to a few. How often each pair of them lies at a given
    distance and angle makes a matrix; a few numbers describe its shape [1]_. Other
    than LBP, it sees contrast and stands noise.

    Parameters
    ----------
    n_levels : int, default=16
        Gray levels, 2 to 256, that split black to white evenly.
    distances : tuple of int, default=(1, 2, 4)
        Between the pixels of a pair, in pixels.
    angles : tuple of float, default=(0, 45, 90, 135)
        From the one pixel to the other, in degrees; 0 is to the right, 90 down. Pairs
        count both ways, so the other half of the circle adds nothing.
    properties : tuple of str
        Of ``"contrast"``, ``"dissimilarity"``, ``"homogeneity"``, ``"energy"`` and
        ``"correlation"``, which are the default, ``"ASM"``, ``"mean"``, ``"variance"``,
        ``"std"`` and ``"entropy"``, as scikit-image defines them.
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
    LBP : Faster, and blind to contrast. The two together are better than each.

    Notes
    -----
    Nothing is learned: `transform` works without `fit`. Features come property by
    property; in each, distances, and in each, angles. RGB images become gray first, by
    ITU-R 601. Floats are read as 0..1 and refused beyond. The matrices and their
    properties are scikit-image's, at its speed. An image of one gray has the
    correlation 1.

    References
    ----------
    .. [1] R. M. Haralick, K. Shanmugam and I. Dinstein, "Textural features for image
       classification", IEEE Transactions on Systems, Man, and Cybernetics SMC-3(6),
       1973, :doi:`10.1109/TSMC.1973.4309314`.

    Examples
    --------
    >>> import numpy as np
    >>> from imgfeat.features import GLCM
    >>> stripes = np.tile([0, 1], (1, 4, 2))  # black, white, black, white
    >>> glcm = GLCM(distances=(1,), angles=(0, 90), properties=("correlation",))
    >>> glcm.fit_transform(stripes * 255)
    array([[-1.,  1.]], dtype=float32)
    """

    _parameter_constraints: dict = {
        **ImageFeature._parameter_constraints,
        "n_levels": [Interval(Integral, 2, 256, closed="both")],
        "distances": [tuple, list],
        "angles": [tuple, list],
        "properties": [tuple, list],
    }

    _needs_unit_range = True

    def __init__(
        self,
        n_levels=16,
        *,
        distances=(1, 2, 4),
        angles=(0, 45, 90, 135),
        properties=PROPERTIES,
        image_shape=None,
        n_jobs=None,
        verbose=0,
    ):
        self.n_levels = n_levels
        self.distances = distances
        self.angles = angles
        self.properties = properties
        self.image_shape = image_shape
        self.n_jobs = n_jobs
        self.verbose = verbose

    def get_feature_names_out(self, input_features=None) -> np.ndarray:
        """Name features by property, distance and angle: ``"glcm_energy_d2_a45"``."""
        self._check_params()
        names = [
            f"glcm_{name}_d{distance}_a{angle:g}"
            for name in self.properties
            for distance in self.distances
            for angle in self.angles
        ]
        return np.asarray(names, dtype=object)

    def _check_params(self):
        lengths = (len(self.distances),) if self.distances else (1,)
        check_shape_param(self.distances, "distances", length=lengths)
        if not self.angles or not all(isinstance(a, Real) for a in self.angles):
            raise ValueError(f"angles must be numbers in degrees. Got {self.angles!r}.")
        known = (*PROPERTIES, *MORE_PROPERTIES)
        unknown = [name for name in self.properties if name not in known]
        if unknown or not self.properties:
            raise ValueError(
                f"properties must be of {', '.join(known)}. Got {self.properties!r}."
            )

    def _check_room(self, X):
        needed = (max(self.distances) + 1,) * 2
        if min(X.shape[1:3]) < needed[0]:
            raise ValueError(
                f"distances={self.distances} needs images of at least "
                f"{size_text(needed)} pixels. Got {size_text(X.shape[1:])}; use "
                "smaller distances or larger images."
            )

    def _describe_part(self, X):
        images, white = X if X.ndim == 3 else to_gray(X), white_of(X.dtype)
        # Integers have as many values as white and black; of floats, white itself
        # belongs to the last level.
        scaled = images * (self.n_levels / (white + 1 if white > 1 else 1))
        levels = np.minimum(scaled, self.n_levels - 1).astype(np.uint8)
        angles = np.deg2rad(self.angles)
        how = {"levels": self.n_levels, "symmetric": True, "normed": True}
        matrices = [graycomatrix(x, self.distances, angles, **how) for x in levels]
        # Images side by side along the distances: one call for each property.
        matrices = np.concatenate(matrices, axis=2)
        shape = len(images), -1
        described = [
            graycoprops(matrices, name).reshape(shape) for name in self.properties
        ]
        return np.concatenate(described, axis=1, dtype=np.float32)

"""OpenCV's keypoints, described: SIFT and ORB."""

import math
from numbers import Integral, Real

import cv2
import numpy as np

from imgfeat._opencv import one_opencv_thread
from imgfeat._sklearn import Interval
from imgfeat.features.local._base import LocalFeature, histogram_names, to_unit_range
from imgfeat.features.local._regions import Regions
from imgfeat.sources._pixels import as_dtype, as_mode


class _Keypoints(LocalFeature, auto_wrap_output_keys=None):
    """A LocalFeature by one of OpenCV's detectors, made anew for each image."""

    def _while_running(self):
        return one_opencv_thread

    def _describe(self, image):
        keypoints, values, shape = self._find(image)
        if not keypoints:
            return np.empty((0, self._n_dims), np.float32), np.empty((0, 2), np.float32)
        # OpenCV's (0, 0) is the middle of the first pixel.
        places = cv2.KeyPoint_convert(keypoints)[:, ::-1] + np.float32(0.5)
        positions = places / np.array(shape, dtype=np.float32)
        return self._finish(values), np.clip(positions, 0, 1)

    def _regions(self, image):
        with one_opencv_thread:
            keypoints = self._find(image)[0]
        radii = np.array([keypoint.size / 2 for keypoint in keypoints])
        return Regions(
            np.array([keypoint.pt[::-1] for keypoint in keypoints]).reshape(-1, 2),
            radii,
            np.array([keypoint.angle for keypoint in keypoints]),
            radii * self._reach,
        )

    def _find(self, image):
        """Keypoints as OpenCV has them, their descriptors, and the image's shape."""
        image = as_mode(image, "gray")
        if image.dtype.kind == "f":
            image = to_unit_range(image)
        image = as_dtype(image, "uint8")
        detector = self._detector(*image.shape)
        keypoints, values = (), None
        if detector is not None:
            keypoints, values = detector.detectAndCompute(image, None)
        if values is None:
            return [], None, image.shape
        # OpenCV gives no order, and more than asked for where responses are equal.
        order = sorted(range(len(keypoints)), key=lambda i: _rank(keypoints[i]))
        order = order[: self.n_keypoints]
        return [keypoints[i] for i in order], values[order], image.shape


class SIFT(_Keypoints, auto_wrap_output_keys=None):
    """Scale-invariant keypoints and their descriptors, by OpenCV.

    Blobs are found at all sizes and described by 4 x 4 histograms of gradient
    directions, turned with the blob [1]_.

    Parameters
    ----------
    n_keypoints : int or None, default=500
        Keep this many of an image's keypoints, those of highest contrast. None keeps
        all.
    contrast_threshold : float, default=0.04
        Leave out keypoints of lower contrast, from 0 to 1. Lower values find more.
    edge_threshold : float, default=10
        Leave out keypoints along edges, with a ratio of principal curvatures above
        this. Higher values find more.
    sigma : float, default=1.6
        Blur of the first octave, in pixels. Lower it for small, soft images.
    root : bool, default=True
        Give the square roots of the L1-normalized descriptors (RootSIFT [2]_), whose
        Euclidean distance is the Hellinger distance between histograms. If false,
        L2-normalized descriptors.
    image_shape : tuple or list of (height, width) or (height, width, 3), optional
        Shape in pixels of the images in a 2-D X that are not square.
    n_jobs : int, default=None
        Number of threads, which also decode; -1 uses all cores.
    verbose : int or bool, default=False
        Show progress.

    Attributes
    ----------
    image_shape_in_ : tuple of int
        Shape of the images seen in `fit`, if they were an array.
    n_features_in_ : int
        Values in one of these images.

    See Also
    --------
    DenseSIFT : On a grid instead of keypoints; the better choice for most
        classification.
    ORB : Binary and faster.

    Notes
    -----
    Each image has its own number of descriptors, the strongest first. A blank
    or tiny image has none. OpenCV takes 8-bit gray images: RGB is weighed by ITU-R
    601; 16-bit and floats in 0..1 are rounded to 8 bits. An image of floats that
    leaves 0..1 is stretched, so that its lowest value becomes 0 and its highest 255.
    Memory grows with the image, about 200 bytes a pixel; put
    ``ImageReader(size=...)`` before it for photographs.

    References
    ----------
    .. [1] D. G. Lowe, "Distinctive image features from scale-invariant keypoints",
       IJCV 60(2), 2004, :doi:`10.1023/B:VISI.0000029664.99615.94`.
    .. [2] R. Arandjelovic and A. Zisserman, "Three things everyone should know to
       improve object retrieval", CVPR 2012, :doi:`10.1109/CVPR.2012.6248018`.

    Examples
    --------
    >>> import numpy as np
    >>> from imgfeat.features import SIFT
    >>> images = np.zeros((2, 64, 64), dtype=np.uint8)
    >>> images[0, 20:40, 20:40] = 255  # a square, and a blank image
    >>> X = SIFT().fit_transform(images)
    >>> X.n_per_image > 0
    array([ True, False])
    >>> X[1].shape
    (0, 128)
    """

    _parameter_constraints: dict = {
        **LocalFeature._parameter_constraints,
        "n_keypoints": [Interval(Integral, 1, None, closed="left"), None],
        "contrast_threshold": [Interval(Real, 0, None, closed="left")],
        "edge_threshold": [Interval(Real, 0, None, closed="neither")],
        "sigma": [Interval(Real, 0, None, closed="neither")],
        "root": ["boolean"],
    }
    _n_dims = 128
    _reach = 6  # four bins of three times the scale, from end to end

    def __init__(
        self,
        n_keypoints=500,
        *,
        contrast_threshold=0.04,
        edge_threshold=10,
        sigma=1.6,
        root=True,
        image_shape=None,
        n_jobs=None,
        verbose=False,
    ):
        self.n_keypoints = n_keypoints
        self.contrast_threshold = contrast_threshold
        self.edge_threshold = edge_threshold
        self.sigma = sigma
        self.root = root
        self.image_shape = image_shape
        self.n_jobs = n_jobs
        self.verbose = verbose

    def get_feature_names_out(self, input_features=None) -> np.ndarray:
        """Name a descriptor's numbers, as in ``"sift_row0_col3_bin7"``."""
        return histogram_names("sift")

    def _detector(self, height, width):
        return cv2.SIFT_create(
            nfeatures=self.n_keypoints or 0,
            contrastThreshold=self.contrast_threshold,
            edgeThreshold=self.edge_threshold,
            sigma=self.sigma,
        )

    def _finish(self, values):
        total = values.sum(axis=1) if self.root else np.linalg.norm(values, axis=1)
        total = np.where(total > 0, total, 1)[:, None]
        return np.sqrt(values / total) if self.root else values / total


class ORB(_Keypoints, auto_wrap_output_keys=None):
    """Oriented FAST corners with binary descriptors, by OpenCV.

    Corners are found at several scales and described by 256 comparisons of two pixels
    each, turned with the corner [1]_.

    Parameters
    ----------
    n_keypoints : int, default=500
        Keep at most this many of an image's keypoints.
    scale_factor : float, default=1.2
        Ratio between the sizes of neighbouring scales, above 1.
    n_levels : int, default=8
        Number of scales.
    patch_size : int, default=31
        Side of what a descriptor sees at the first scale, in pixels; also the width of
        the border without keypoints.
    fast_threshold : int, default=20
        Leave out corners with less contrast, in gray levels of 255.
    image_shape : tuple or list of (height, width) or (height, width, 3), optional
        Shape in pixels of the images in a 2-D X that are not square.
    n_jobs : int, default=None
        Number of threads, which also decode; -1 uses all cores.
    verbose : int or bool, default=False
        Show progress.

    Attributes
    ----------
    image_shape_in_ : tuple of int
        Shape of the images seen in `fit`, if they were an array.
    n_features_in_ : int
        Values in one of these images.

    See Also
    --------
    SIFT : Slower, and more accurate.

    Notes
    -----
    A descriptor is 256 numbers, each 0 or 1, so that k-means and its kin can be used:
    the squared Euclidean distance is the Hamming distance, and the mean of a cluster
    says how often each bit is set. An image that is blank, or no larger than twice
    `patch_size`, has none. Images become 8-bit gray as for `SIFT`. Keypoints come
    strongest first.

    References
    ----------
    .. [1] E. Rublee, V. Rabaud, K. Konolige and G. Bradski, "ORB: an efficient
       alternative to SIFT or SURF", ICCV 2011, :doi:`10.1109/ICCV.2011.6126544`.

    Examples
    --------
    >>> import numpy as np
    >>> from imgfeat.features import ORB
    >>> images = np.zeros((2, 96, 96), dtype=np.uint8)
    >>> images[0, 40:56, 40:56] = 255  # a square, and a blank image
    >>> X = ORB().fit_transform(images)
    >>> X.n_per_image > 0
    array([ True, False])
    >>> np.unique(X[0])
    array([0., 1.], dtype=float32)
    """

    _parameter_constraints: dict = {
        **LocalFeature._parameter_constraints,
        "n_keypoints": [Interval(Integral, 1, None, closed="left")],
        "scale_factor": [Interval(Real, 1, None, closed="neither")],
        "n_levels": [Interval(Integral, 1, None, closed="left")],
        "patch_size": [Interval(Integral, 2, None, closed="left")],
        "fast_threshold": [Interval(Integral, 0, 255, closed="both")],
    }
    _n_dims = 256
    _reach = 1

    def __init__(
        self,
        n_keypoints=500,
        *,
        scale_factor=1.2,
        n_levels=8,
        patch_size=31,
        fast_threshold=20,
        image_shape=None,
        n_jobs=None,
        verbose=False,
    ):
        self.n_keypoints = n_keypoints
        self.scale_factor = scale_factor
        self.n_levels = n_levels
        self.patch_size = patch_size
        self.fast_threshold = fast_threshold
        self.image_shape = image_shape
        self.n_jobs = n_jobs
        self.verbose = verbose

    def get_feature_names_out(self, input_features=None) -> np.ndarray:
        """Name a descriptor's numbers, as in ``"orb_bit255"``."""
        return np.asarray([f"orb_bit{i}" for i in range(self._n_dims)], dtype=object)

    def _detector(self, height, width):
        shortest = min(height, width)
        if shortest <= 2 * self.patch_size:
            return None
        # Scales without one pixel make OpenCV fail.
        most = 1 + int(math.log(shortest, self.scale_factor))
        return cv2.ORB_create(
            nfeatures=self.n_keypoints,
            scaleFactor=self.scale_factor,
            nlevels=min(self.n_levels, most),
            edgeThreshold=self.patch_size,
            patchSize=self.patch_size,
            fastThreshold=self.fast_threshold,
        )

    def _finish(self, values):
        return np.unpackbits(values, axis=1).astype(np.float32)


def _rank(keypoint):
    """Strongest first; ties by place, so that the order is always the same."""
    col, row = keypoint.pt
    return -keypoint.response, row, col, keypoint.size, keypoint.angle

"""SIFT descriptors on a grid."""

from numbers import Integral, Real

import numpy as np

from imgfeat._devices import find_device, run_on_device
from imgfeat._sklearn import Interval, StrOptions
from imgfeat._threads import count_threads, map_threads, row_slices
from imgfeat._traits import Traits
from imgfeat._validation import size_text
from imgfeat.features.local._base import LocalFeature, histogram_names, to_unit_range
from imgfeat.features.local._descriptors import Descriptors
from imgfeat.features.local._regions import Regions
from imgfeat.kernels.dense_sift import N_BINS, SIZE, dense_sift, grid_starts
from imgfeat.kernels.gray import to_gray

_CHANNELS = {
    "gray": ("gray",),
    "rgb": ("red", "green", "blue"),
    "opponent": ("red_green", "yellow_blue", "intensity"),
}

# Pixels that a thread converts at once: some megabytes of floats.
_PIXELS_AT_ONCE = 2**20


class DenseSIFT(LocalFeature, auto_wrap_output_keys=None):
    """SIFT descriptors on a regular grid, at one or several scales.

    Each descriptor is 4 x 4 histograms of gradient directions [1]_, upright, `bin_size`
    pixels apart; descriptors lie `step` pixels apart. The usual input of bags of
    visual words and Fisher vectors.

    Parameters
    ----------
    step : int, default=4
        Distance between descriptors in pixels.
    bin_size : int or tuple of int, default=4
        Distance between a descriptor's bins in pixels; a descriptor sees ``5 *
        bin_size - 1`` pixels each way. A tuple gives a grid for each size, one after
        the other.
    contrast_threshold : float, default=0.005
        A descriptor is zero where the mean gradient is at most this part of the gray
        scale a pixel. It holds for each channel by itself.
    root : bool, default=True
        Give the square roots of the L1-normalized descriptors (RootSIFT [2]_), whose
        Euclidean distance is the Hellinger distance between histograms. If false,
        L2-normalized descriptors.
    color : {"gray", "rgb", "opponent"}, default="gray"
        Describe luminance in 128 numbers, or three channels in 384 [3]_: the colours
        themselves, or ``(R - G, R + G - 2 B, R + G + B)`` scaled to unit length. Gray
        images count as R = G = B.
    image_shape : tuple or list of (height, width) or (height, width, 3), optional
        Shape in pixels of the images in a 2-D X that are not square.
    n_jobs : int, default=None
        Number of threads, which also decode; -1 uses all cores.
    verbose : int or bool, default=False
        Show progress.
    device : str, default="auto"
        Where the work is done: ``"cpu"``, ``"cuda"`` or another device of torch;
        ``"auto"`` is CUDA if there is any. Files are described one by one, which
        leaves a device idle; arrays, in batches.

    Attributes
    ----------
    image_shape_in_ : tuple of int
        Shape of the images seen in `fit`, if they were an array.
    n_features_in_ : int
        Values in one of these images.

    See Also
    --------
    SIFT : At keypoints instead of a grid, turned and scaled with them.
    HOG : One vector an image, without a vocabulary.

    Notes
    -----
    Adding a constant to an image leaves its descriptors unchanged, and scaling it by a
    positive factor does too but for `contrast_threshold`. That is a part of 255 for
    uint8, of 65535 for uint16, of 1 for floats in 0..1; an image of floats that leaves
    0..1 is stretched to it first. Each channel of a descriptor has unit length, or is
    zero. An image of 128 x 128 pixels has 841 descriptors at step 4, 430 kB;
    `CachedFeatures` around this keeps them on disk, below an encoder, which learns.

    The method is VLFeat's ``vl_dsift`` with its flat window [4]_, equal to it up to
    the order of numbers. Here the grid lies in the middle of the image rather than at
    its corner, no image is smoothed before larger bins read it, and the contrast is a
    true mean, weighted like the descriptor.

    References
    ----------
    .. [1] D. G. Lowe, "Distinctive image features from scale-invariant keypoints",
       IJCV 60(2), 2004, :doi:`10.1023/B:VISI.0000029664.99615.94`.
    .. [2] R. Arandjelovic and A. Zisserman, "Three things everyone should know to
       improve object retrieval", CVPR 2012, :doi:`10.1109/CVPR.2012.6248018`.
    .. [3] K. van de Sande, T. Gevers and C. Snoek, "Evaluating color descriptors for
       object and scene recognition", TPAMI 32(9), 2010,
       :doi:`10.1109/TPAMI.2009.154`.
    .. [4] A. Vedaldi and B. Fulkerson, "VLFeat: an open and portable library of
       computer vision algorithms", ACM Multimedia 2010,
       :doi:`10.1145/1873951.1874249`.

    Examples
    --------
    >>> import numpy as np
    >>> from imgfeat.features import DenseSIFT
    >>> images = np.random.default_rng(0).random((2, 32, 32))
    >>> DenseSIFT().fit_transform(images)
    Descriptors(2 images, 50 descriptors of 128 numbers)
    >>> DenseSIFT(bin_size=(4, 6), color="rgb").fit_transform(images)
    Descriptors(2 images, 82 descriptors of 384 numbers)
    """

    _parameter_constraints: dict = {
        **LocalFeature._parameter_constraints,
        "step": [Interval(Integral, 1, None, closed="left")],
        "bin_size": [Interval(Integral, 1, None, closed="left"), tuple, list],
        "contrast_threshold": [Interval(Real, 0, None, closed="left")],
        "root": ["boolean"],
        "color": [StrOptions(set(_CHANNELS))],
        "device": [str],
    }

    def __init__(
        self,
        step=4,
        *,
        bin_size=4,
        contrast_threshold=0.005,
        root=True,
        color="gray",
        image_shape=None,
        n_jobs=None,
        verbose=False,
        device="auto",
    ):
        self.step = step
        self.bin_size = bin_size
        self.contrast_threshold = contrast_threshold
        self.root = root
        self.color = color
        self.image_shape = image_shape
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.device = device

    def get_feature_names_out(self, input_features=None) -> np.ndarray:
        """Name a descriptor's numbers, as in ``"gray_row0_col3_bin7"``."""
        names = [
            histogram_names(f"{channel}_sift") for channel in _CHANNELS[self.color]
        ]
        return np.concatenate(names)

    def __imgfeat_traits__(self):
        return Traits(device_param="device")

    def _describe(self, image):
        positions = self._positions(image.shape)
        values = np.empty((1, len(positions), self._n_dims()), dtype=np.float32)
        self._describe_into(values, image[None])
        return values[0], positions

    def _describe_array(self, images, advance):
        n_samples = len(images)
        positions = self._positions(images.shape[1:])
        n_each = len(positions)
        values = np.empty((n_samples, n_each, self._n_dims()), dtype=np.float32)

        def describe(rows):
            self._describe_into(values[rows], images[rows])
            advance(rows.stop - rows.start)

        n_parts = max(count_threads(self.n_jobs), images.size // _PIXELS_AT_ONCE)
        map_threads(describe, row_slices(n_samples, n_parts), self.n_jobs)
        return Descriptors(
            values.reshape(n_samples * n_each, -1),
            np.tile(positions, (n_samples, 1)),
            np.arange(n_samples + 1) * n_each,
        )

    def _describe_into(self, values, images):
        """Fill (n_samples, n_descriptors, n_dims) with what `images` show."""
        channels = self._channels(images)
        start = 0
        for bin_size in self._bin_sizes():
            shape = [len(starts) for starts in self._grid(images.shape[1:3], bin_size)]
            stop = start + shape[0] * shape[1]
            for c, (channel, threshold) in enumerate(channels):
                target = values[:, start:stop, c * SIZE : (c + 1) * SIZE]
                params = {
                    "step": self.step,
                    "bin_size": bin_size,
                    "contrast_threshold": threshold,
                    "root": self.root,
                }
                _fill(target, shape, channel, find_device(self.device), params)
            start = stop

    def _channels(self, images):
        """Planes (n_samples, height, width) to describe, and the contrast each needs.

        Planes may be scaled by anything, as long as their thresholds are too.
        """
        gray_scale = 1 if images.dtype.kind == "f" else np.iinfo(images.dtype).max
        threshold = self.contrast_threshold * gray_scale
        if self.color == "gray" and images.ndim == 4:
            images = to_gray(images)
        if images.dtype.kind == "f":
            images = np.stack([to_unit_range(image) for image in images])
        if self.color == "gray":
            return [(images, threshold)]
        if images.ndim == 4:
            channels = [np.ascontiguousarray(images[..., c]) for c in range(3)]
        else:
            channels = [images] * 3
        if self.color == "rgb":
            return [(channel, threshold) for channel in channels]
        # Not divided by the lengths of these axes, so that integers stay exact.
        red, green, blue = (channel.astype(np.float32) for channel in channels)
        return [
            (red - green, threshold * 2**0.5),
            (red + green - 2 * blue, threshold * 6**0.5),
            (red + green + blue, threshold * 3**0.5),
        ]

    def _positions(self, shape):
        """Middle of each descriptor as (row, col) in 0..1."""
        positions = []
        for bin_size in self._bin_sizes():
            # From the first bin's centre to the middle; (0, 0) is a pixel's corner.
            middle = (N_BINS - 1) * bin_size / 2 + 0.5
            rows, cols = (
                (starts + middle) / side
                for starts, side in zip(
                    self._grid(shape, bin_size), shape[:2], strict=True
                )
            )
            grid = np.meshgrid(rows, cols, indexing="ij")
            positions.append(np.stack(grid, axis=-1).reshape(-1, 2))
        return np.concatenate(positions).astype(np.float32)

    def _regions(self, image):
        counts = [
            len(rows) * len(cols)
            for rows, cols in (self._grid(image.shape, b) for b in self._bin_sizes())
        ]
        bins = np.repeat(np.array(self._bin_sizes(), dtype=float), counts)
        return Regions(
            self._positions(image.shape) * image.shape[:2] - 0.5,
            bins / 3,  # where bins are three times the scale, as in SIFT
            np.zeros(len(bins)),
            bins * N_BINS / 2,
        )

    def _grid(self, shape, bin_size):
        return [
            grid_starts(side, step=self.step, bin_size=bin_size) for side in shape[:2]
        ]

    def _n_dims(self):
        return SIZE * len(_CHANNELS[self.color])

    def _bin_sizes(self):
        if isinstance(self.bin_size, Integral):
            return (self.bin_size,)
        return tuple(self.bin_size)

    def _check_params(self):
        sizes = self._bin_sizes()
        if not sizes or not all(
            isinstance(size, Integral) and size >= 1 for size in sizes
        ):
            raise ValueError(
                f"bin_size must be one or more positive ints, in pixels. Got "
                f"{self.bin_size!r}."
            )

    def _check_size(self, shape, name=None):
        largest = max(self._bin_sizes())
        needed = (N_BINS - 1) * largest + 1
        if min(shape[:2]) < needed:
            raise ValueError(
                f"DenseSIFT with bin_size={self.bin_size} needs images of at least "
                f"{needed} x {needed} pixels. Got {size_text(shape)}"
                f"{'' if name is None else f' in {name}'}; use smaller bins or larger "
                "images."
            )


def _fill(target, shape, channel, device, params):
    """Describe one channel into its place in (n_samples, n_descriptors, 128)."""
    grid = (len(target), *shape, SIZE)
    if device != "cpu":
        # Only here, as it imports torch, which takes a second or two.
        from imgfeat.kernels import torch_dense_sift

        kernel = torch_dense_sift.dense_sift
        found = run_on_device(kernel, channel, device, **params)
        target[:] = found.reshape(target.shape)
    elif target.flags.c_contiguous:
        dense_sift(channel, **params, out=target.reshape(grid))
    else:
        target[:] = dense_sift(channel, **params).reshape(target.shape)

"""ImageReader: from files to one batch of images."""

from numbers import Integral, Real

import numpy as np

from imgfeat._frames import make_frame
from imgfeat._sklearn import Interval, StrOptions
from imgfeat._traits import Traits
from imgfeat._validation import check_size_param
from imgfeat.kernels.resize import INTERPOLATIONS
from imgfeat.sources._aspect import ASPECTS, fit_image
from imgfeat.sources._decode import DTYPES, MAX_PIXELS
from imgfeat.sources._decode_error import ImageDecodeError
from imgfeat.sources._pixels import warned_once
from imgfeat.sources._transformer import ImageTransformer


class ImageReader(ImageTransformer):
    """Read images from paths, bytes, PIL images or arrays into one batch.

    Decodes, turns upright, converts and resizes every image in the same way, wherever
    it comes from. Stateless: usable without `fit`.

    Parameters
    ----------
    size : int, tuple or list of (height, width), optional
        In pixels; an int is both. By default images keep their size, and must have the
        same.
    mode : {"rgb", "gray"}, default="rgb"
        Three channels or none. Gray is ITU-R 601 luminance, Pillow's ``L``.
    dtype : {"uint8", "float32"}, default="uint8"
        uint8 has values 0..255; float32 has 0..1 and keeps the depth of 16-bit images.
    aspect : {"stretch", "crop", "pad"}, default="stretch"
        What happens to images of another aspect ratio than `size`: ``"crop"`` resizes
        until the image covers `size` and cuts the middle out, ``"pad"`` resizes until
        it fits in, and centers it on black.
    interpolation : {"nearest", "box", "bilinear", "bicubic", "lanczos"}, \
            default="bilinear"
        The resize filter; all but ``"nearest"`` antialias.
    on_error : {"raise", "nan"}, default="raise"
        What happens to an image that cannot be read: an `ImageDecodeError`, or a row
        of NaN that `errors_` lists. ``"nan"`` needs ``dtype="float32"``.
    max_pixels : int, default=50_000_000
        Refuse files with more pixels; checked on the header, before decoding.
    strict : bool, default=True
        Refuse JPEGs whose data ends early or has been overwritten. With False what is
        missing is gray.
    value_range : tuple or list of (low, high), optional
        Which values of 16-bit, wider and float images are black and white, such as
        ``(0, 4095)`` for 12 bits. Without it the dtype says it. Images of 8 bits keep
        0..255.
    color : {"srgb"}, optional
        Convert from an embedded ICC profile, such as the Display P3 of phones, to sRGB;
        what has none is taken as sRGB. By default values stay as stored.
    image_shape : tuple or list of (height, width) or (height, width, 3), optional
        Shape of the images in a 2-D array X, where they are not square.
    n_jobs : int, optional
        Threads that read; None is 1, -1 is all cores.
    verbose : int, default=0
        Whether to show a progress bar.

    Attributes
    ----------
    errors_ : DataFrame with columns row, path, reason
        What the last `transform` could not read. Only with ``on_error="nan"``.

    See Also
    --------
    imgfeat.preprocess.Resize : Resize images that are read already.
    load_image_folder : Find the paths and their labels.

    Notes
    -----
    Row i depends on nothing but image i. Paths, encoded bytes, PIL images and arrays
    of the same pixels give the same row. Numbers are converted as files are: uint16
    has 0..65535, all other integers 0..255, floats must be in 0..1. The first image of
    a batch whose 16 bits use less than a tenth of that is warned of.

    Resizing uses Pillow's filters on the converted image, with pixels of `dtype`.

    Examples
    --------
    >>> import numpy as np
    >>> from imgfeat.sources import ImageReader
    >>> photos = [np.zeros((30, 40, 3), dtype=np.uint8), np.ones((20, 10))]
    >>> ImageReader(size=(8, 8), mode="gray").transform(photos).shape
    (2, 8, 8)
    """

    _parameter_constraints: dict = {
        "size": [Integral, tuple, list, None],
        "mode": [StrOptions({"rgb", "gray"})],
        "dtype": [StrOptions(set(DTYPES))],
        "aspect": [StrOptions(set(ASPECTS))],
        "interpolation": [StrOptions(set(INTERPOLATIONS))],
        "on_error": [StrOptions({"raise", "nan"})],
        "max_pixels": [Interval(Integral, 1, None, closed="left")],
        "strict": ["boolean"],
        "value_range": [tuple, list, None],
        "color": [StrOptions({"srgb"}), None],
        "image_shape": [tuple, list, None],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        size=None,
        *,
        mode="rgb",
        dtype="uint8",
        aspect="stretch",
        interpolation="bilinear",
        on_error="raise",
        max_pixels=MAX_PIXELS,
        strict=True,
        value_range=None,
        color=None,
        image_shape=None,
        n_jobs=None,
        verbose=0,
    ):
        self.size = size
        self.mode = mode
        self.dtype = dtype
        self.aspect = aspect
        self.interpolation = interpolation
        self.on_error = on_error
        self.max_pixels = max_pixels
        self.strict = strict
        self.value_range = value_range
        self.color = color
        self.image_shape = image_shape
        self.n_jobs = n_jobs
        self.verbose = verbose

    def transform(self, X) -> np.ndarray:
        """Read every image.

        Parameters
        ----------
        X : images
            A list, 1-D array or Series of paths, bytes, PIL images or arrays; or an
            array of shape (n_samples, height, width[, 3]) or (n_samples, n_pixels).

        Returns
        -------
        ndarray of shape (n_samples, height, width) or (n_samples, height, width, 3)
            Of `dtype`, C-contiguous.

        Raises
        ------
        ImageDecodeError
            If an image cannot be read, with ``on_error="raise"``.
        ValueError
            If `size` is None and the images differ in size, or a parameter is wrong.
        """
        size = self._check_parameters()
        images = self._images(X)
        errors = {}

        def read(row):
            try:
                with warned_once(images.told):
                    return self._read(images.source(row), size)
            except ImageDecodeError as error:
                if self.on_error == "raise":
                    raise
                errors[row] = (row, images.name(row), error.reason)
                return self._missing(size)

        batch = images.stack(read, n_jobs=self.n_jobs, verbose=self.verbose)
        if self.on_error == "nan":
            self.errors_ = make_frame(
                [errors[row] for row in sorted(errors)],
                columns=["row", "path", "reason"],
            )
        return self._give(batch, images)

    def _images(self, X):
        is_wide = isinstance(X, np.ndarray) and X.dtype.kind in "iu"
        if self.value_range is not None and is_wide and X.dtype.itemsize > 1:
            # Floats may have any value, which `value_range` then scales.
            X = X.astype(np.float64)
        return super()._images(X)

    def _read(self, source, size):
        image = source.decode(
            mode=self.mode,
            dtype=self.dtype,
            max_pixels=self.max_pixels,
            strict=self.strict,
            value_range=self.value_range,
            color=self.color,
        )
        if size is None:
            return image
        return fit_image(
            image, size, aspect=self.aspect, interpolation=self.interpolation
        )

    def _missing(self, size):
        """Return an image of NaN, or None where the size is still to be seen."""
        if size is None:
            return None
        shape = (*size, 3) if self.mode == "rgb" else size
        return np.full(shape, np.nan, dtype=np.float32)

    def _check_parameters(self):
        """Return `size` as a tuple, or None."""
        if self.on_error == "nan" and self.dtype != "float32":
            raise ValueError(
                "on_error='nan' needs dtype='float32', for integers have no NaN. Got "
                f"dtype={self.dtype!r}; set dtype='float32' or on_error='raise'."
            )
        if self.value_range is not None:
            _check_value_range(self.value_range)
        return None if self.size is None else check_size_param(self.size)

    def __imgfeat_traits__(self):
        return Traits(takes_any_size=self.size is not None)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags


def _check_value_range(value_range):
    ok = len(value_range) == 2 and all(isinstance(end, Real) for end in value_range)
    if not ok or not value_range[0] < value_range[1]:
        raise ValueError(
            "value_range must be two numbers, those of black and of white, the lower "
            f"one first. Got {value_range!r}."
        )

"""Resize and CenterCrop: images of any sizes to one size."""

from numbers import Integral

import numpy as np

from imgfeat._sklearn import StrOptions
from imgfeat._traits import Traits
from imgfeat._validation import check_size_param, size_text
from imgfeat.kernels.resize import INTERPOLATIONS
from imgfeat.sources._aspect import ASPECTS, center_corner, fit_image
from imgfeat.sources._transformer import ImageTransformer


class Resize(ImageTransformer):
    """Resize images to one size, antialiased.

    Parameters
    ----------
    size : int, tuple or list of (height, width), default=(224, 224)
        In pixels; an int is both.
    aspect : {"stretch", "crop", "pad"}, default="stretch"
        What happens to another aspect ratio: ``"crop"`` resizes until the image covers
        `size` and cuts the middle out, ``"pad"`` resizes until it fits in, and centers
        it on zeros.
    interpolation : {"nearest", "box", "bilinear", "bicubic", "lanczos"}, \
            default="bilinear"
        The filter; all but ``"nearest"`` antialias.
    image_shape : tuple or list of (height, width) or (height, width, 3), optional
        Shape of the images in a 2-D array X, where they are not square.
    n_jobs : int, optional
        Threads; None is 1, -1 is all cores.
    verbose : int, default=0
        Show a progress bar.

    See Also
    --------
    imgfeat.sources.ImageReader : Read files and resize them in one step.

    Notes
    -----
    Gray stays gray, RGB stays RGB, and the dtype stays. uint8 equals
    ``PIL.Image.resize`` but for rare pixels, which differ by one level.

    Examples
    --------
    >>> import numpy as np
    >>> from imgfeat.preprocess import Resize
    >>> ramp = np.tile(np.arange(4.0), (1, 4, 1))
    >>> Resize((2, 2)).fit_transform(ramp)
    array([[[0.714..., 2.285...],
            [0.714..., 2.285...]]])
    """

    _parameter_constraints: dict = {
        "size": [Integral, tuple, list],
        "aspect": [StrOptions(set(ASPECTS))],
        "interpolation": [StrOptions(set(INTERPOLATIONS))],
        "image_shape": [tuple, list, None],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        size=(224, 224),
        *,
        aspect="stretch",
        interpolation="bilinear",
        image_shape=None,
        n_jobs=None,
        verbose=0,
    ):
        self.size = size
        self.aspect = aspect
        self.interpolation = interpolation
        self.image_shape = image_shape
        self.n_jobs = n_jobs
        self.verbose = verbose

    def transform(self, X) -> np.ndarray:
        """Resize every image.

        Parameters
        ----------
        X : images
            Any batch, of any sizes.

        Returns
        -------
        ndarray of shape (n_samples, height, width) or (n_samples, height, width, 3)
            With the dtype of the images; files give uint8.

        Raises
        ------
        ImageDecodeError
            If an image cannot be read.
        ValueError
            If X is no batch of images, or they are not all gray or all RGB.
        """
        size = self._check_parameters()
        images = self._images(X)

        def read(row):
            return fit_image(
                images.read(row),
                size,
                aspect=self.aspect,
                interpolation=self.interpolation,
            )

        batch = images.stack(read, n_jobs=self.n_jobs, verbose=self.verbose)
        return self._give(batch, images)

    def __imgfeat_traits__(self):
        return Traits(takes_any_size=True)

    def _check_parameters(self):
        return check_size_param(self.size)


class CenterCrop(ImageTransformer):
    """Cut the middle out of images.

    Parameters
    ----------
    size : int, tuple or list of (height, width), default=(224, 224)
        In pixels; an int is both. No image may be smaller.
    image_shape : tuple or list of (height, width) or (height, width, 3), optional
        Shape of the images in a 2-D array X, where they are not square.
    n_jobs : int, optional
        Threads that read files; None is 1, -1 is all cores.
    verbose : int, default=0
        Show a progress bar.

    See Also
    --------
    Resize : With ``aspect="crop"``, resizes first.

    Notes
    -----
    An odd rest is rounded as torchvision's ``CenterCrop`` does: the corner is half of
    it, to the nearest even pixel.

    Examples
    --------
    >>> import numpy as np
    >>> from imgfeat.preprocess import CenterCrop
    >>> CenterCrop((2, 2)).fit_transform(np.arange(16.0).reshape(1, 4, 4))
    array([[[ 5.,  6.],
            [ 9., 10.]]])
    """

    _parameter_constraints: dict = {
        "size": [Integral, tuple, list],
        "image_shape": [tuple, list, None],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }

    def __init__(self, size=(224, 224), *, image_shape=None, n_jobs=None, verbose=0):
        self.size = size
        self.image_shape = image_shape
        self.n_jobs = n_jobs
        self.verbose = verbose

    def transform(self, X) -> np.ndarray:
        """Crop every image.

        Parameters
        ----------
        X : images
            Any batch, of any sizes not below `size`.

        Returns
        -------
        ndarray of shape (n_samples, height, width) or (n_samples, height, width, 3)
            With the dtype of the images; files give uint8.

        Raises
        ------
        ImageDecodeError
            If an image cannot be read.
        ValueError
            If an image is smaller than `size`, or they are not all gray or all RGB.
        """
        height, width = self._check_parameters()
        images = self._images(X)

        def read(row):
            image = images.read(row)
            if image.shape[0] < height or image.shape[1] < width:
                raise ValueError(
                    f"CenterCrop(size={(height, width)}) needs images of at least "
                    f"{height} x {width} pixels. Got {size_text(image.shape)} in "
                    f"{images.name(row)}; resize first, or crop less."
                )
            top, left = center_corner(image.shape[:2], (height, width))
            return image[top : top + height, left : left + width]

        batch = images.stack(read, n_jobs=self.n_jobs, verbose=self.verbose)
        return self._give(batch, images)

    def _check_parameters(self):
        return check_size_param(self.size)

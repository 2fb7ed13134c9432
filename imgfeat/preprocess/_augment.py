"""Named augmentation policies: what may happen to a training image, and by how much."""

import importlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

import numpy as np

from imgfeat._validation import size_text
from imgfeat.kernels.gray import to_gray
from imgfeat.kernels.resize import resize
from imgfeat.preprocess._color_weights import color_weights
from imgfeat.sources._pixels import as_dtype
from imgfeat.sources._scale import check_unit_range, white_of

if TYPE_CHECKING:
    import torch

N_TRIES = 10
WIDEST = 4 / 3  # how far the aspect ratio of a window may leave that of the result


@dataclass(frozen=True)
class Policy:
    """What is done at random to a training image.

    `find_policy` gives the named ones, and ``dataclasses.replace`` changes them.

    Parameters
    ----------
    least_area : float, default=1.0
        A random window keeps this share at least of the area of the largest one that
        has the shape wanted, in (0, 1]. 1 cuts nothing and shifts nothing.
    mirrors : bool, default=False
        Mirror every other image, left to right. Not for digits or letters.
    color : float, default=0.0
        Brightness, contrast and saturation are multiplied by numbers from 1 - `color`
        to 1 + `color`; in [0, 1].
    operations : {"randaugment", "trivialaugment"}, optional
        Then apply these random operations.
    function : callable, optional
        Or only this: from a uint8 array (height, width, 3) to one of the same shape.

    Raises
    ------
    ValueError
        If a value is none of these.

    See Also
    --------
    augment_image : Apply all of it to one image.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from imgfeat.preprocess import find_policy
    >>> replace(find_policy("light"), mirrors=False)
    Policy(least_area=0.7, mirrors=False, color=0.0, operations=None, function=None)
    """

    least_area: float = 1.0
    mirrors: bool = False
    color: float = 0.0
    operations: str | None = None
    function: Callable | None = None

    def __post_init__(self):
        if not 0 < self.least_area <= 1:
            raise ValueError(f"least_area must be in (0, 1]. Got {self.least_area!r}.")
        if not 0 <= self.color <= 1:
            raise ValueError(f"color must be in [0, 1]. Got {self.color!r}.")
        if self.operations not in (None, *OPERATIONS):
            raise ValueError(
                f"operations must be one of {', '.join(OPERATIONS)}, or None. Got "
                f"{self.operations!r}."
            )

    def window(self, height, width, rng, aspect=1.0) -> tuple[int, int, int, int]:
        """Draw the part of an image that is cut out and resized to what is wanted.

        Parameters
        ----------
        height, width : int
            Of the image, in pixels.
        rng : numpy.random.Generator
        aspect : float, default=1.0
            Width by height of what the window will be resized to. The window's own is
            3/4 to 4/3 of it.

        Returns
        -------
        tuple of (top, left, height, width)
            In pixels, inside of the image. The whole of it where ``least_area`` is 1.

        Notes
        -----
        As torchvision's ``RandomResizedCrop``: the area is uniform, the aspect ratio
        log-uniform, and after ten draws that do not fit, the middle is taken. But the
        area is a share of what a cut of the middle would keep, not of the whole image:
        70 % of a wide photo cannot be square, so all would be squeezed one way.
        """
        if self.least_area == 1:
            return 0, 0, height, width
        largest = min(height, width / aspect) * min(width, height * aspect)
        for _ in range(N_TRIES):
            area = largest * rng.uniform(self.least_area, 1)
            ratio = aspect * WIDEST ** rng.uniform(-1, 1)
            tall, wide = round(math.sqrt(area / ratio)), round(math.sqrt(area * ratio))
            if 1 <= tall <= height and 1 <= wide <= width:
                top = int(rng.integers(height - tall, endpoint=True))
                left = int(rng.integers(width - wide, endpoint=True))
                return top, left, tall, wide
        tall = max(1, min(height, round(width / (aspect / WIDEST))))
        wide = max(1, min(width, round(height * aspect * WIDEST)))
        return (height - tall) // 2, (width - wide) // 2, tall, wide

    def is_mirrored(self, rng) -> bool:
        """Draw whether an image is mirrored.

        Parameters
        ----------
        rng : numpy.random.Generator

        Returns
        -------
        bool
        """
        return bool(self.mirrors and rng.random() < 0.5)

    def batch(
        self, images, generator, *, translate=False, mirror=True
    ) -> "torch.Tensor":
        """Augment images that have their size already; they keep it.

        Parameters
        ----------
        images : torch.Tensor of shape (n, 3, height, width), uint8
            On any device.
        generator : torch.Generator
            The one source of randomness; on the CPU or the images' device.
        translate : bool, default=False
            Also shift by up to an eighth of height and width, what is missing reflected
            at the border. For small images, of which no `window` was cut.
        mirror : bool, default=True
            Mirror every other image, if the policy mirrors. False where the caller did.

        Returns
        -------
        torch.Tensor of the shape, dtype and device of `images`
            `images` itself where nothing is done.

        Raises
        ------
        ValueError
            If ``function`` returns another shape or dtype.

        Notes
        -----
        Shifts, mirror images and colours are computed for the whole batch at once.
        RandAugment and TrivialAugment [1]_ [2]_ are torchvision's and go image by
        image. They draw from torch's global generator of the CPU, which is seeded for
        them and then put back as it was.

        References
        ----------
        .. [1] E. Cubuk, B. Zoph, J. Shlens and Q. Le, "RandAugment: practical automated
           data augmentation with a reduced search space", CVPR workshops 2020,
           :doi:`10.1109/CVPRW50498.2020.00359`. Two operations of magnitude 9 of 30.
        .. [2] S. Mueller and F. Hutter, "TrivialAugment: tuning-free yet
           state-of-the-art data augmentation", ICCV 2021,
           :doi:`10.1109/ICCV48922.2021.00081`. The wide space.
        """
        return _torch_side().augment_batch(
            self, images, generator, translate=translate, mirror=mirror
        )

    def call_function(self, image) -> np.ndarray:
        """What ``function`` makes of one image; raises if that is no such image.

        Parameters
        ----------
        image : ndarray of shape (height, width, 3), uint8
        """
        found = self.function(image)  # type: ignore[misc]
        if isinstance(found, np.ndarray):
            if found.shape == image.shape and found.dtype == np.uint8:
                return found
            what = f"{found.dtype} of shape {found.shape}"
        else:
            what = f"{type(found).__name__}"
        name = getattr(self.function, "__name__", type(self.function).__name__)
        raise ValueError(
            f"The augmentation {name} must return a uint8 array of the shape that it "
            f"is given, {image.shape}. Got {what}."
        )


OPERATIONS = "randaugment", "trivialaugment"
POLICIES = {
    "none": Policy(),
    "light": Policy(least_area=0.7, mirrors=True),
    "standard": Policy(least_area=0.35, mirrors=True, color=0.2),
    **{
        name: Policy(least_area=0.35, mirrors=True, operations=name)
        for name in OPERATIONS
    },
}


def find_policy(
    augment: "str | Policy | Callable[[np.ndarray], np.ndarray]",
) -> "Policy":
    """Find an augmentation policy.

    Parameters
    ----------
    augment : {"none", "light", "standard", "randaugment", "trivialaugment"}, callable \
            or Policy
        ``"light"``: windows of 70 % of the area or more, and mirror images.
        ``"standard"``: of 35 % or more, mirror images, and brightness, contrast and
        saturation changed by up to 20 %. ``"randaugment"``, ``"trivialaugment"``: the
        windows and mirror images of ``"standard"``, then random operations. A callable
        takes a uint8 array (height, width, 3) and returns one of that shape.

    Returns
    -------
    Policy

    Raises
    ------
    ValueError
        If there is no such name; a close one is offered.
    TypeError
        If it is neither a name nor callable nor a policy.

    Examples
    --------
    >>> from imgfeat.preprocess import find_policy
    >>> find_policy("standard").least_area
    0.35
    """
    if isinstance(augment, Policy):
        return augment
    if callable(augment):
        return Policy(function=augment)
    names = ", ".join(POLICIES)
    if not isinstance(augment, str):
        raise TypeError(
            f"augment must be one of {names}, or a callable from image to image. Got "
            f"{augment!r}."
        )
    if augment not in POLICIES:
        close = get_close_matches(augment, POLICIES, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise ValueError(
            f"There is no augmentation {augment!r}; {hint}Augmentations are {names}."
        )
    return POLICIES[augment]


def augment_image(
    image: np.ndarray, policy: Policy, rng: np.random.Generator
) -> np.ndarray:
    """Augment one image at random; it keeps its size, channels and dtype.

    Parameters
    ----------
    image : ndarray of shape (height, width) or (height, width, 3)
        uint8, uint16, float32 or float64. Floats of any range where only its geometry
        changes, in 0..1 for all that changes colours.
    policy : str, callable or Policy
        As for `find_policy`.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of the shape and dtype of `image`
        C-contiguous, and never `image` itself.

    Raises
    ------
    ValueError
        If floats leave 0..1 where colours change, or a callable returns another shape
        or dtype.

    Notes
    -----
    A random window is cut and resized back, antialiased, then mirrored, then its
    colours change. Gray stays gray. Random operations and callables see 8 bits.

    A callable's own randomness is its own: seed it where results must repeat.

    Examples
    --------
    >>> import numpy as np
    >>> from imgfeat.preprocess import augment_image
    >>> photo = np.zeros((30, 40, 3), dtype=np.uint8)
    >>> augment_image(photo, "standard", np.random.default_rng(0)).shape
    (30, 40, 3)
    """
    policy = find_policy(policy)
    height, width = image.shape[:2]
    _check_levels(image, policy)
    top, left, tall, wide = policy.window(height, width, rng, width / height)
    part = image[top : top + tall, left : left + wide]
    view = resize(np.ascontiguousarray(part), (height, width))
    if policy.is_mirrored(rng):
        view = np.ascontiguousarray(view[:, ::-1])
    if policy.color:
        view = _recolor(view, 1 + policy.color * rng.uniform(-1, 1, 3))
    if policy.operations:
        seed = int(rng.integers(2**62))
        operate = _torch_side().operate_on_array
        view = _in_8_bits(view, lambda rgb: operate(rgb, policy.operations, seed))
    if policy.function:
        view = _in_8_bits(view, policy.call_function)
    return view


def _torch_side():
    """The module that imports torch, which geometry and colours never need."""
    return importlib.import_module("imgfeat.preprocess._augment_batch")


def _check_levels(image, policy):
    changes_colors = policy.color or policy.operations or policy.function
    if changes_colors:
        check_unit_range(
            image,
            "An augmentation that changes colours",
            f"an image of {size_text(image.shape)} pixels",
            instead="use 'light'",
        )


def _recolor(image, factors):
    wide = np.float64 if image.dtype == np.float64 else np.float32
    pixels = image.astype(wide)
    luminance = to_gray(pixels) if image.ndim == 3 else pixels
    a, b, c = map(wide, color_weights(*factors))
    offset = b * luminance + c * luminance.mean()
    pixels *= a
    pixels += offset[..., None] if image.ndim == 3 else offset
    np.clip(pixels, 0, white_of(image.dtype), out=pixels)
    if image.dtype.kind != "f":
        np.rint(pixels, out=pixels)
    return pixels.astype(image.dtype)


def _in_8_bits(image, function):
    """Apply a function of uint8 RGB to an image of any kind."""
    pixels = as_dtype(image, "uint8")
    if image.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    found = np.ascontiguousarray(function(pixels))
    if image.ndim == 2:
        found = to_gray(found)
    if image.dtype == np.uint8:
        return found
    if image.dtype == np.uint16:
        return found * np.uint16(257)
    return found / image.dtype.type(255)

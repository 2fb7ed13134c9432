"""What happens to pixels before a net sees them. It belongs to the weights."""

import math
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple, Self

from imgfeat._validation import check_size_param
from imgfeat.kernels.resize import INTERPOLATIONS, resize
from imgfeat.sources._pixels import as_dtype


class View(NamedTuple):
    """Which part of a resized image a net sees, and whether in a mirror."""

    place: tuple = (0.5, 0.5)
    is_mirrored: bool = False


CENTER = View()
_CORNERS = [View(place) for place in ((0, 0), (0, 1), (1, 0), (1, 1))]

# Number of views -> which. The mirror images come last.
VIEWS = {n: [CENTER, *_CORNERS][:n] for n in (1, 5)}
VIEWS |= {
    2 * n: views + [View(view.place, is_mirrored=True) for view in views]
    for n, views in VIEWS.items()
}


@dataclass(frozen=True)
class Preprocessing:
    """How images are cut and scaled for a net.

    An image is resized, antialiased, until its shorter side is ``size / crop`` pixels,
    its middle is cut out, and each channel is normalized.

    Parameters
    ----------
    size : tuple of (int, int)
        Height and width in pixels of what the net sees.
    mean, std : tuple of three floats
        Per channel, for pixels scaled to 0..1; std is positive.
    crop : float, default=0.875
        The share of the resized image's sides that the crop keeps, in (0, 1].
    interpolation : {"nearest", "box", "bilinear", "bicubic", "lanczos"}, \
            default="bilinear"

    Raises
    ------
    ValueError
        If a value is none of these.

    Examples
    --------
    >>> from imgfeat.nets import Preprocessing
    >>> stated = Preprocessing((224, 224), mean=(0.5,) * 3, std=(0.5,) * 3)
    >>> stated.window(480, 640)  # resize to 256 x 341, then cut
    ((256, 341), (16, 58, 224, 224))
    """

    size: tuple
    mean: tuple
    std: tuple
    crop: float = 0.875
    interpolation: str = "bilinear"

    def __post_init__(self):
        # Frozen, so that it can be part of a key: what comes as a list is stored once.
        object.__setattr__(self, "size", check_size_param(self.size))
        for name in ("mean", "std"):
            object.__setattr__(self, name, _three(getattr(self, name), name))
        if min(self.std) <= 0:
            raise ValueError(f"std must be positive. Got {self.std}.")
        if not 0 < self.crop <= 1:
            raise ValueError(f"crop must be in (0, 1]. Got {self.crop!r}.")
        if self.interpolation not in INTERPOLATIONS:
            raise ValueError(
                f"interpolation must be one of {', '.join(INTERPOLATIONS)}. Got "
                f"{self.interpolation!r}."
            )

    @classmethod
    def from_config(cls, config) -> Self:
        """Read what timm's nets carry as ``pretrained_cfg``, a mapping."""
        return cls(
            size=tuple(config["input_size"][1:]),
            mean=config["mean"],
            std=config["std"],
            crop=config.get("crop_pct") or 0.875,
            interpolation=config.get("interpolation") or "bilinear",
        )

    def with_changes(self, **changes) -> Self:
        """The same with other values; None changes nothing.

        For another `size`, an int or (height, width), the share that the crop keeps
        stays as it is.
        """
        changes = {name: value for name, value in changes.items() if value is not None}
        return replace(self, **changes)

    def window(
        self, height, width, place=(0.5, 0.5)
    ) -> tuple[tuple[int, int], tuple[int, ...]]:
        """Where the net's view lies in the resized image.

        As torchvision's ``Resize`` and ``CenterCrop`` compute it, to the pixel.

        Parameters
        ----------
        height, width : int
            Of the image.
        place : tuple of (float, float), default=(0.5, 0.5)
            Where the view lies between top and bottom, and between left and right;
            0 to 1.

        Returns
        -------
        size : tuple of (int, int)
            Height and width of the whole resized image.
        box : tuple of (top, left, height, width)
            The part of it that the net sees, all in pixels of the resized image.
        """
        tall, wide = self._least_sides()
        if tall * width >= wide * height:
            resized = tall, int(tall * width / height)
        else:
            resized = int(wide * height / width), wide
        corner = (
            round((whole - part) * share)
            for whole, part, share in zip(resized, self.size, place, strict=True)
        )
        return resized, (*corner, *self.size)

    def shorter_side(self) -> int:
        """Pixels of the shorter side, with which no image is enlarged."""
        return max(self._least_sides())

    def apply(self, image, out, view=CENTER) -> None:
        """Write what the net sees of one image into `out`.

        Parameters
        ----------
        image : ndarray of shape (height, width) or (height, width, 3)
            uint8, uint16, or floats in 0..1, which are rounded to 8 bits.
        out : ndarray of shape (*size, 3), uint8
            C-contiguous.
        view : View, default=CENTER
        """
        image = as_dtype(image, "uint8")
        resized, box = self.window(*image.shape[:2], view.place)  # type: ignore[call-arg]
        options = {"interpolation": self.interpolation, "box": box}
        if image.ndim == 2:
            out[...] = resize(image, resized, **options)[..., None]
        else:
            resize(image, resized, **options, out=out)
        if view.is_mirrored:
            out[...] = out[:, ::-1].copy()

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a report or a file."""
        return asdict(self)

    def _least_sides(self):
        # 224 / (224 / 232) may fall just short of 232.
        return [math.floor(side / self.crop + 1e-6) for side in self.size]


def _three(values, name):
    values = tuple(float(value) for value in values)
    if len(values) != 3 or not all(map(math.isfinite, values)):
        raise ValueError(f"{name} must be three finite numbers. Got {values}.")
    return values

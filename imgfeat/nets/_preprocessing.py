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


CROP_MODES = ("center", "squash", "border")

# Of timm's configurations: what is read here,
_NEEDED = {"input_size", "mean", "std"}
_READ = {*_NEEDED, "crop_pct", "crop_mode", "interpolation"}
# and what says nothing of pixels, or of other pixels than those of the training. Sizes
# that a net can take are the catalog's concern.
_OTHER = {
    "architecture", "classifier", "custom_load", "description", "file", "first_conv",
    "fixed_input_size", "hf_hub_filename", "hf_hub_id", "label_descriptions",
    "label_names", "label_offset", "license", "min_input_size", "notes", "num_classes",
    "origin_url", "paper_ids", "paper_name", "pool_size", "source", "state_dict", "tag",
    "test_crop_pct", "test_input_size", "test_pool_size", "url",
}  # fmt: skip


@dataclass(frozen=True)
class Preprocessing:
    """How images are cut and scaled for a net.

    An image is resized, antialiased, as `crop_mode` says, its middle is cut out, and
    each channel is normalized.

    Parameters
    ----------
    size : tuple of (int, int)
        Height and width in pixels of what the net sees.
    mean, std : tuple of three floats
        Per channel, for pixels scaled to 0..1; std is positive.
    crop : float, default=0.875
        The share of the resized image's sides that the crop keeps, in (0, 2]. Above 1
        the image is smaller than what the net sees, and black is around it.
    interpolation : {"nearest", "box", "bilinear", "bicubic", "lanczos"}, \
            default="bilinear"
    crop_mode : {"center", "squash", "border"}, default="center"
        As timm names it. "center" resizes until the shorter side has ``size / crop``
        pixels; "squash" until both sides have, whatever the shape of the image;
        "border" until the longer side has, and fills up with the mean.

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
    crop_mode: str = "center"

    def __post_init__(self):
        # Frozen, so that it can be part of a key: what comes as a list is stored once.
        object.__setattr__(self, "size", check_size_param(self.size))
        for name in ("mean", "std"):
            object.__setattr__(self, name, _three(getattr(self, name), name))
        if min(self.std) <= 0:
            raise ValueError(f"std must be positive. Got {self.std}.")
        if not 0 < self.crop <= 2:
            raise ValueError(f"crop must be in (0, 2]. Got {self.crop!r}.")
        options = {"interpolation": INTERPOLATIONS, "crop_mode": CROP_MODES}
        for name, known in options.items():
            value = getattr(self, name)
            if value not in known:
                raise ValueError(
                    f"{name} must be one of {', '.join(known)}. Got {value!r}."
                )

    @classmethod
    def from_config(cls, config) -> Self:
        """Read what timm's nets carry as ``pretrained_cfg``, a mapping.

        Images are seen as by ``timm.data.create_transform`` in evaluation, at the size
        of the training: what is stated for larger tests is left.

        Raises
        ------
        ValueError
            If the mapping lacks a size, a mean or a std, is for other images than RGB,
            or has fields that are unknown here, for they may say what happens to
            pixels.
        """
        stated = {name: value for name, value in config.items() if value is not None}
        _check_fields(stated)
        n_channels, *size = stated["input_size"]
        if n_channels != 3:
            raise ValueError(
                "A net's configuration needs an input_size of 3 channels, red, green "
                f"and blue. Got {tuple(stated['input_size'])}; use another net."
            )
        return cls(
            size=tuple(size),
            mean=stated["mean"],
            std=stated["std"],
            crop=stated.get("crop_pct") or 0.875,
            interpolation=stated.get("interpolation") or "bicubic",
            crop_mode=stated.get("crop_mode") or "center",
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

        As torchvision's ``Resize`` and ``CenterCrop`` compute it, or what timm has
        for views that are not square and for other modes, to the pixel.

        Parameters
        ----------
        height, width : int
            Of the image.
        place : tuple of (float, float), default=(0.5, 0.5)
            Where the view lies between top and bottom, and between left and right;
            0 to 1. An image that is smaller than the view is in its middle.

        Returns
        -------
        size : tuple of (int, int)
            Height and width of the whole resized image.
        box : tuple of (top, left, height, width)
            The part of it that the net sees, all in pixels of the resized image; top
            and left are negative where the view is larger than that.
        """
        resized = self._resized(height, width)
        corner = map(_corner, resized, self.size, place)
        return resized, (*corner, *self.size)

    def shorter_side(self) -> int:
        """Pixels of the shorter side, with which no image is enlarged."""
        return max(self.least_sides())

    def apply(self, image, out, view=CENTER) -> None:
        """Write what the net sees of one image into `out`.

        Parameters
        ----------
        image : ndarray of shape (height, width) or (height, width, 3)
            uint8, uint16, or floats in 0..1, which are rounded to 8 bits.
        out : ndarray of shape (height, width, 3), uint8
            C-contiguous, of this `size`.
        view : View, default=CENTER
        """
        image = as_dtype(image, "uint8")
        resized, box = self.window(*image.shape[:2], view.place)  # type: ignore[call-arg]
        top, left, tall, wide = box
        rows, cols = _overlap(top, tall, resized[0]), _overlap(left, wide, resized[1])
        is_filled = len(rows) == tall and len(cols) == wide
        inside = rows.start, cols.start, len(rows), len(cols)
        options = {"interpolation": self.interpolation, "box": inside}
        if is_filled and image.ndim == 3:
            resize(image, resized, **options, out=out)
        else:
            if not is_filled:
                out[...] = self.around()
            part = resize(image, resized, **options)
            part = part if image.ndim == 3 else part[..., None]
            y, x = rows.start - top, cols.start - left
            out[y : y + len(rows), x : x + len(cols)] = part
        if view.is_mirrored:
            out[...] = out[:, ::-1].copy()

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a report or a file."""
        return asdict(self)

    def around(self) -> list[int]:
        """The color around an image that is smaller than the view, 0..255."""
        if self.crop_mode == "border":
            return [round(255 * value) for value in self.mean]
        return [0, 0, 0]

    def least_sides(self) -> tuple[int, int]:
        """Height and width that a resized image has to reach, in pixels."""
        # 224 / (224 / 232) may fall just short of 232.
        tall, wide = (math.floor(side / self.crop + 1e-6) for side in self.size)
        return tall, wide

    def _resized(self, height, width):
        tall, wide = least = self.least_sides()
        if self.crop_mode == "squash":
            return least
        if self.crop_mode == "center" and tall == wide:
            # torchvision's, which rounds down; timm has another for all else.
            if height <= width:
                return tall, int(tall * width / height)
            return int(wide * height / width), wide
        decisive = max if self.crop_mode == "border" else min
        ratio = decisive(height / tall, width / wide)
        return max(1, round(height / ratio)), max(1, round(width / ratio))


def _check_fields(stated):
    missing = sorted(_NEEDED - stated.keys())
    if missing:
        raise ValueError(
            f"A net's configuration needs {', '.join(sorted(_NEEDED))}. Got none of "
            f"{', '.join(missing)}; set the module's attribute `preprocessing`."
        )
    unknown = sorted(stated.keys() - _READ - _OTHER)
    if unknown:
        raise ValueError(
            "A net's configuration needs fields that are known, for others may change "
            f"what it sees. Got {', '.join(unknown)}; use an older timm, or state the "
            "preprocessing in a module's attribute `preprocessing`."
        )


def _corner(whole, part, share):
    """Where a view begins on one axis."""
    if whole >= part:
        return round((whole - part) * share)
    return -((part - whole) // 2)


def _overlap(start, length, whole):
    """The pixels of an axis that lie in the view."""
    return range(max(start, 0), min(start + length, whole))


def _three(values, name):
    values = tuple(float(value) for value in values)
    if len(values) != 3 or not all(map(math.isfinite, values)):
        raise ValueError(f"{name} must be three finite numbers. Got {values}.")
    return values

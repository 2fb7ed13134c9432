"""From the colors of an embedded profile to sRGB."""

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

from imgfeat.sources._decode_error import ImageDecodeError

COLORS = (None, "srgb")

# What a profile calls its colors, and Pillow its pixels.
_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}
# Scanners, screens, printers and spaces; the rest describes no colors of pixels.
_CLASSES = {"scnr", "mntr", "prtr", "spac"}
_REMEDY = "save it again in sRGB, or keep its colors as stored with color=None"


def to_srgb(image, name):
    """Return a loaded PIL image in sRGB, its alpha kept.

    Parameters
    ----------
    image : PIL image
        One without a profile comes back as it is.
    name : str
        What errors call it.

    Returns
    -------
    PIL image
        Gray as ``L`` or ``LA``, all else as ``RGB`` or ``RGBA``.

    Raises
    ------
    ImageDecodeError
        If the profile is damaged, or is for other pixels than these.
    """
    if "icc_profile" not in image.info:
        return image
    profile = image.info["icc_profile"]
    pixels, alpha = _without_alpha(image)
    if pixels.mode not in _MODES.values():
        raise ImageDecodeError(
            name, "color profiles of more than 8 bits are not supported", _REMEDY
        )
    # Pillow has None for what it could not unpack, and numbers for a tag of numbers.
    space, transform = _transform_of(profile if isinstance(profile, bytes) else b"")
    if transform is None:
        raise ImageDecodeError(name, f"its color profile {space}", _REMEDY)
    if space != pixels.mode:
        raise ImageDecodeError(
            name,
            f"its color profile is for {space}, and its pixels are {pixels.mode}",
            _REMEDY,
        )
    converted = transform.apply(pixels)
    if space == "L":
        converted = converted.getchannel("G")  # all three are alike
    if alpha is not None:
        converted.putalpha(alpha)
    return converted


def array_to_srgb(pixels, profile, name):
    """Do as `to_srgb` with uint8 pixels, gray or RGB.

    Parameters
    ----------
    pixels : ndarray of shape (height, width) or (height, width, 3)
    profile : bytes, or None for one that could not be read
    name : str
    """
    image = Image.fromarray(pixels)
    image.info["icc_profile"] = profile
    return np.array(to_srgb(image, name))


def _without_alpha(image):
    """Return the colors of an image, in a mode of profiles if it can be, and alpha."""
    if image.mode == "La":
        image = image.convert("LA")
    if image.has_transparency_data:
        is_gray = image.mode in ("1", "L", "LA")
        image = image.convert("LA" if is_gray else "RGBA")
        alpha = image.getchannel("A")
        return image.convert("L" if is_gray else "RGB"), alpha
    if image.mode == "1":
        return image.convert("L"), None
    if image.mode in ("P", "RGBX", "YCbCr", "HSV"):
        return image.convert("RGB"), None
    return image, None


# Photos of one camera share their profile. A few, for those of printers have megabytes.
@lru_cache(maxsize=8)
def _transform_of(profile):
    """Return the mode of a profile and its transform; or what is wrong, and None."""
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = opened.profile.xcolor_space.strip()
        kind = opened.profile.device_class.strip()
        mode = _MODES.get(space)
        if mode is None or kind not in _CLASSES:
            return f"is of a kind that is not supported ({kind}, {space})", None
        # Optimized, gray is off by up to ten levels where its curve is straight.
        flags = ImageCms.Flags.NOOPTIMIZE if mode == "L" else ImageCms.Flags.NONE
        return mode, ImageCms.buildTransform(
            opened,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags,
        )
    except (OSError, ValueError, ImageCms.PyCMSError) as error:
        return f"is damaged ({error})", None

"""The one place where bytes become pixels.

How every image becomes gray ``(height, width)`` or RGB ``(height, width, 3)``:

====================================  ================================================
Stored as                             Becomes
====================================  ================================================
1 bit                                 gray, 0 or 255
gray 8 bit                            gray
gray 16 bit (PNG, TIFF, PGM)          gray; uint8 is ``round(value / 257)``, float32
                                      is ``value / 65535`` and keeps the depth
gray 32 bit integers (TIFF)           as 16 bit; refused outside 0..65535
gray float (TIFF)                     gray; refused outside 0..1
RGB 8 bit, YCbCr                      RGB
RGB 16 bit                            RGB with the upper 8 bits of each value: Pillow
                                      keeps no more, so float32 has 256 levels here too
palette                               RGB
gray + alpha, or gray with one        gray, laid on white; in 16-bit gray a transparent
transparent value                     value is ignored
RGBA, or RGB or palette with          RGB, laid on white
transparency
CMYK                                  RGB by ``(1 - C) * (1 - K)``; JPEG files are taken
                                      as inverted, as Adobe writes them
HSV, LAB                              RGB
animated GIF, WebP, PNG; TIFF pages   the first frame
EXIF orientation 1 to 8               applied, then forgotten; an unreadable EXIF block
                                      counts as orientation 1
====================================  ================================================

No colour profile is applied. ``mode="gray"`` weighs RGB as Pillow's ``L`` does
(ITU-R 601); ``mode="rgb"`` repeats gray three times. JPEGs are decoded at full size,
unless `at_least` is given.
"""

import io
import os
import stat
import threading
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFile

from imgfeat._switch import HeldSwitch
from imgfeat.sources._decode_error import ImageDecodeError, text_of
from imgfeat.sources._formats import DECODER_ERRORS, JPEG, identify, read_header
from imgfeat.sources._jpeg import can_hold, check_jpeg, decode_jpeg
from imgfeat.sources._pixels import as_dtype, as_mode, check_pixels

MAX_PIXELS = 50_000_000
MODES = (None, "rgb", "gray")
DTYPES = ("uint8", "float32")
_ORIENTATION = 0x0112  # the EXIF tag
_UPRIGHT = {
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: pixels.swapaxes(0, 1)[:, ::-1],
    7: lambda pixels: pixels.swapaxes(0, 1)[::-1, ::-1],
    8: lambda pixels: pixels.swapaxes(0, 1)[::-1],
}


def decode_image(
    source: Any,
    *,
    mode: str | None = None,
    dtype: str = "uint8",
    max_pixels: int = MAX_PIXELS,
    at_least: int | None = None,
    strict: bool = True,
    name: str | None = None,
) -> np.ndarray:
    """Read one image, upright, as gray or RGB pixels.

    Parameters
    ----------
    source : str, path, bytes, PIL image, binary file object or ndarray
        An encoded image in one of the formats JPEG, PNG, WebP, BMP, GIF, TIFF and PNM,
        whatever its file name says; a PIL image of any format; or the pixels
        themselves, of shape (height, width[, 3]), uint8, uint16, bool, or floats in
        0..1.
    mode : {"rgb", "gray"}, optional
        Convert to this. By default gray stays gray and all else becomes RGB.
    dtype : {"uint8", "float32"}, default="uint8"
        uint8 has values 0..255; float32 has 0..1 and keeps the depth of 16-bit images.
    max_pixels : int, default=50_000_000
        Refuse images with more pixels; checked on the header, before decoding.
    at_least : int, optional
        Let JPEGs come at 1/2, 1/4 or 1/8 of their size, as long as their shorter side
        has so many pixels. The decoder then leaves fine detail out instead of
        computing it, which is several times as fast, and not quite what resizing the
        whole image gives.
    strict : bool, default=True
        Refuse a JPEG file of which a part is missing or overwritten. Otherwise what is
        there is decoded, and the rest is a guess.
    name : str, optional
        What errors call a source that has no path; ``"the image"`` by default.

    Returns
    -------
    ndarray of shape (height, width) or (height, width, 3)
        C-contiguous and writable; never shares memory with `source`.

    Raises
    ------
    ImageDecodeError
        If the source is missing, damaged, truncated, empty, too large, or of another
        format. Never returns half an image, unless `strict` is False.

    Notes
    -----
    The module's own documentation has the table of all conversions. Any number of
    threads may decode at once.

    Examples
    --------
    >>> from PIL import Image
    >>> from imgfeat.sources import decode_image
    >>> decode_image(Image.new("RGB", (3, 2), "red"), mode="gray")
    array([[76, 76, 76],
           [76, 76, 76]], dtype=uint8)
    """
    if mode not in MODES:
        raise ValueError(f"mode must be None, 'rgb' or 'gray'. Got {mode!r}.")
    if dtype not in DTYPES:
        raise ValueError(f"dtype must be 'uint8' or 'float32'. Got {dtype!r}.")
    name = source_name(source, name)
    if isinstance(source, np.ndarray):
        pixels = check_array_source(source, name)
    else:
        pixels = _decode(source, max_pixels, at_least, strict, name)
    try:
        pixels = as_mode(as_dtype(pixels, dtype), mode)
    except ValueError as error:
        raise ImageDecodeError(name, str(error), "scale its values") from error
    if isinstance(source, np.ndarray) and np.may_share_memory(pixels, source):
        return pixels.copy()
    return pixels


def source_name(source, name=None):
    """What errors call `source`: its path, or `name`."""
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    return name or "the image"


def check_array_source(pixels, name):
    """Return an ndarray as pixels of a known shape and dtype, values unchanged."""
    try:
        return check_pixels(pixels)
    except ValueError as error:
        raise ImageDecodeError(name, str(error), "correct the array") from error


def _decode(source, max_pixels, at_least, strict, name):
    """Return upright pixels of any depth; every failure is an ImageDecodeError."""
    try:
        if isinstance(source, Image.Image):
            # Two threads may meet in one lazily opened image.
            with _lock_of(source):
                return _pixels_of(source, max_pixels, name)
        with open_encoded(source, name) as file:
            kind = identify(file, name)
            if kind is JPEG:
                return _jpeg_pixels(file.read(), max_pixels, at_least, strict, name)
            return _pixels_of(read_header(kind, file, name), max_pixels, name)
    except ImageDecodeError:
        raise
    except DECODER_ERRORS as error:
        raise ImageDecodeError(name, text_of(error)) from error


def open_encoded(source, name):
    """Return what is encoded, not pixels, as a binary file."""
    if isinstance(source, str | os.PathLike):
        return _open_path(source, name)
    if isinstance(source, bytes | bytearray | memoryview):
        return io.BytesIO(source)
    if hasattr(source, "read"):
        with _lock_of(source):
            if source.seekable():
                source.seek(0)
            content = source.read()
        if isinstance(content, str):
            raise ImageDecodeError(
                name, "it is a text file object", "open the file in mode 'rb'"
            )
        return io.BytesIO(content)
    raise ImageDecodeError(
        name,
        f"{_quote(source)} of type {type(source).__name__} is not an image",
        "give a path, bytes, a PIL image or an array",
    )


def _open_path(path, name):
    if isinstance(path, str) and path.partition("://")[0] in ("http", "https", "ftp"):
        raise ImageDecodeError(name, "it is a web address", "download it first")
    try:
        kind = os.stat(path).st_mode
        # A pipe would block for ever, a device never end.
        if not stat.S_ISREG(kind):
            what = "a folder" if stat.S_ISDIR(kind) else "not a regular file"
            raise ImageDecodeError(name, f"it is {what}", "give an image file")
        return Path(path).open("rb")
    except FileNotFoundError as error:
        raise ImageDecodeError(
            name, "there is no such file", "check the path"
        ) from error
    except PermissionError as error:
        raise ImageDecodeError(
            name, "permission denied", "allow this user to read it"
        ) from error


def _jpeg_pixels(content, max_pixels, at_least, strict, name):
    check_jpeg(content)
    image = read_header(JPEG, io.BytesIO(content), name)
    _check_size(image, max_pixels, name)
    if not can_hold(len(content), *image.size):
        height, width = image.size[::-1]
        raise ImageDecodeError(
            name,
            f"its header says {height} x {width} pixels, which its {len(content):,} "
            "bytes cannot hold",
        )
    if at_least is not None:
        image.draft(image.mode, (at_least, at_least))
    pixels = decode_jpeg(content, image.mode, image.size[::-1], strict=strict)
    if image.mode == "CMYK":  # Pillow knows how Adobe writes it; whole it is now
        image.load()
        pixels = _plain(image, name)
    return _turn_upright(pixels, image)


def _pixels_of(image, max_pixels, name):
    _check_size(image, max_pixels, name)
    with _strictly:
        image.load()
    return _turn_upright(_plain(image, name), image)


def _check_size(image, max_pixels, name):
    width, height = image.size
    if width < 1 or height < 1:
        raise ImageDecodeError(name, f"it has no pixels ({height} x {width})")
    if width * height > max_pixels:
        raise ImageDecodeError(
            name,
            f"its header says {height} x {width} pixels, more than {max_pixels:,}",
            "raise max_pixels if you trust it",
        )


def _turn_upright(pixels, image):
    upright = _UPRIGHT.get(_orientation(image))
    if upright is None:
        return pixels
    return np.ascontiguousarray(upright(pixels))


def _plain(image, name):
    """Pixels of a loaded PIL image: uint8 gray or RGB, uint16 or float32 gray."""
    if image.mode.startswith("I;16"):
        return np.array(image).astype(np.uint16, copy=False)
    if image.mode == "I":
        return _deep_integers(np.array(image), name)
    if image.mode == "F":
        return np.array(image, dtype=np.float32)
    mode = "L" if image.mode in ("1", "L", "LA", "La") else "RGB"
    if image.has_transparency_data:
        if image.mode == "La":
            image = image.convert("LA")
        canvas = Image.new("RGBA", image.size, "white")
        canvas.alpha_composite(image.convert("RGBA"))
        image = canvas
    if image.mode != mode:
        image = image.convert(mode)
    return np.array(image)


def _deep_integers(pixels, name):
    low, high = int(pixels.min()), int(pixels.max())
    if low < 0 or high > 65535:
        raise ImageDecodeError(
            name,
            f"its 32-bit values {low}..{high} are outside 0..65535",
            "scale them to 16 bits",
        )
    return pixels.astype(np.uint16)


def _orientation(image):
    try:
        return image.getexif().get(_ORIENTATION, 1)
    except DECODER_ERRORS:
        return (
            1  # promised above: the pixels are whole, only the note about them is not
        )


def _quote(value):
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


# Locks by object: few enough to keep, many enough not to wait for a stranger.
_LOCKS = [threading.Lock() for _ in range(64)]


def _lock_of(thing):
    return _LOCKS[hash(id(thing)) % len(_LOCKS)]


# Truncated files are refused even where a program asked Pillow to fill them up.
_strictly = HeldSwitch(
    lambda: ImageFile.LOAD_TRUNCATED_IMAGES,
    lambda value: setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", value),
    False,
)

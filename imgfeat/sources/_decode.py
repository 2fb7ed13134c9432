"""The one place where bytes become pixels.

How every image becomes gray ``(height, width)`` or RGB ``(height, width, 3)``:

====================================  ================================================
Stored as                             Becomes
====================================  ================================================
1 bit                                 gray, 0 or 255
gray 8 bit                            gray
gray 16 bit (PNG, TIFF, PGM)          gray; uint8 is ``round(value / 257)``, float32
                                      is ``value / 65535`` and keeps the depth
gray integers with a sign, or of 32   as 16 bit; refused outside 0..65535
bit (TIFF)
gray float32 (TIFF)                   gray; refused outside 0..1
white as zero (TIFF)                  inverted, at every depth
float64, float RGB, more than four    not supported
bands (TIFF)
RGB 8 bit, YCbCr                      RGB
RGB 16 bit                            RGB with the upper 8 bits of each value: Pillow
                                      keeps no more, so float32 has 256 levels here too
palette                               RGB
gray + alpha, or gray with one        gray, laid on white; in 16-bit gray a transparent
transparent value                     value is ignored
RGBA, or RGB or palette with          RGB, laid on white; a BMP whose alpha is 0
transparency                          everywhere is opaque
CMYK                                  RGB by ``(1 - C) * (1 - K)``; JPEG files are taken
                                      as inverted, as Adobe writes them
HSV, LAB                              RGB
animated GIF, WebP, PNG; TIFF pages   the first frame
DICOM, gray                           gray: rescaled or looked up as its modality says,
                                      then the first VOI table or window is 0..1, else
                                      all that ``BitsStored`` bits hold; MONOCHROME1 is
                                      inverted last; float32 keeps the depth
DICOM, RGB, YBR or palette            RGB, of deep ones the upper 8 bits of each value
DICOM, several frames or floats       not supported
EXIF orientation 1 to 8               applied, then forgotten; an unreadable EXIF block
                                      counts as orientation 1
====================================  ================================================

No colour profile is applied, unless ``color="srgb"``. ``mode="gray"`` weighs RGB as
Pillow's ``L`` does (ITU-R 601); ``mode="rgb"`` repeats gray three times. JPEGs are
decoded at full size, unless `at_least` is given.
"""

import io
from typing import Any

import numpy as np
from PIL import Image, ImageFile, JpegImagePlugin

from imgfeat._switch import HeldSwitch
from imgfeat.sources._decode_error import DECODER_ERRORS, ImageDecodeError, error_text
from imgfeat.sources._dicom import DicomImage
from imgfeat.sources._encoded import lock_of, open_encoded, source_name
from imgfeat.sources._formats import check_room, identify, roomy_text
from imgfeat.sources._jpeg import JpegFile
from imgfeat.sources._libtiff import libtiff_errors
from imgfeat.sources._pixels import (
    as_dtype,
    as_mode,
    check_pixels,
    note_range,
    to_unit_range,
)
from imgfeat.sources._profile import COLORS, array_to_srgb, to_srgb
from imgfeat.sources._quiet import no_warnings

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
    value_range: tuple[float, float] | None = None,
    color: str | None = None,
    name: str | None = None,
) -> np.ndarray:
    """Read one image, upright, as gray or RGB pixels.

    Parameters
    ----------
    source : str, path, bytes, PIL image, binary file object, ArchiveMember or ndarray
        An encoded image in one of the formats JPEG, PNG, WebP, AVIF, JPEG 2000, BMP,
        GIF, TIFF and PNM, or with the extra ``heif`` HEIC and with ``medical`` DICOM,
        whatever its file name says, and wherever it is, as text with ``://`` is a URL;
        a PIL image of any format; or the pixels themselves, of shape (height, width[,
        3]), uint8, uint16, bool, or floats in 0..1.
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
        Refuse JPEGs whose data ends early or has been overwritten. With False what is
        missing is gray.
    value_range : tuple of (low, high), optional
        Which values of 16-bit, wider and float images are black and white, such as
        ``(0, 4095)`` for 12 bits; values outside are refused. Images of 8 bits keep
        0..255. Of gray DICOM images these are values in the units of the modality,
        ``(-1024, 3071)`` in Hounsfield for one, and take the place of its window.
    color : {"srgb"}, optional
        Convert from an embedded ICC profile, such as the Display P3 of phones, to sRGB,
        by relative colorimetry. What has no profile is taken as sRGB, arrays and the
        formats BMP, GIF, PNM and JPEG 2000 among it. By default values stay as stored,
        whatever the profile says of them.
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
        format, or its server does not answer; with ``color="srgb"`` also if its profile
        is damaged, or not for its kind of pixels. Never returns half an image, unless
        `strict` is False.

    Notes
    -----
    The module's own documentation has the table of all conversions. Any number of
    threads may decode at once. Of DICOM files nothing is read that speaks of a patient;
    what is burned into the pixels stays there.

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
    if color not in COLORS:
        raise ValueError(f"color must be None or 'srgb'. Got {color!r}.")
    name = source_name(source, name)
    if isinstance(source, np.ndarray):
        pixels = check_array_source(source, name, value_range)
    else:
        limits = {"max_pixels": max_pixels, "at_least": at_least, "strict": strict}
        values = {"color": color, "value_range": value_range}
        pixels = _decode(source, name, **limits, **values)
    try:
        if not isinstance(source, np.ndarray):
            pixels = _scaled(pixels, value_range)
        note_range(pixels)
        pixels = as_mode(as_dtype(pixels, dtype), mode)
    except ValueError as error:
        remedy = "scale its values, or give value_range"
        raise ImageDecodeError(name, str(error), remedy) from error
    if isinstance(source, np.ndarray) and np.may_share_memory(pixels, source):
        return pixels.copy()
    return pixels


def check_array_source(pixels, name, value_range=None):
    """Return an ndarray as pixels of a known shape and dtype, values unchanged."""
    try:
        return check_pixels(pixels, value_range)
    except ValueError as error:
        raise ImageDecodeError(name, str(error), "correct the array") from error


def _scaled(pixels, value_range):
    """Return a file's pixels as uint8, uint16 or floats; int32 has 16-bit values."""
    if value_range is not None:
        return to_unit_range(pixels, value_range)
    if pixels.dtype != np.int32:
        return pixels
    low, high = pixels.min(), pixels.max()
    if low < 0 or high > 65535:
        raise ValueError(f"its integers {low}..{high} are outside 0..65535")
    return pixels.astype(np.uint16)


@no_warnings()
def _decode(source, name, *, at_least, **options):
    """Return upright pixels of any depth; every failure is an ImageDecodeError."""
    try:
        if isinstance(source, Image.Image):
            # Two threads may meet in one lazily opened image.
            with lock_of(source):
                jpeg = _jpeg_behind(source, name)
                pixels = _pixels_of(source, jpeg, name, **options)
                source.load()  # which closes its file
                return pixels
        with open_encoded(source, name) as file:
            jpeg = None
            if file.read(3) == b"\xff\xd8\xff":
                file.seek(0)
                jpeg = JpegFile(file.read(), name)
            file.seek(0)
            with io.BytesIO(jpeg.data) if jpeg else file as file:
                image = identify(file, name)
                return _pixels_of(image, jpeg, name, at_least=at_least, **options)
    except ImageDecodeError:
        raise
    except DECODER_ERRORS as error:
        raise ImageDecodeError(name, error_text(error)) from error


def _jpeg_behind(image, name):
    """Return the file of a JPEG that was opened and not loaded, or None."""
    is_jpeg = isinstance(image, JpegImagePlugin.JpegImageFile)
    if not is_jpeg or not image.tile or image.fp is None or image.tell():
        return None
    place = image.fp.tell()
    image.fp.seek(0)
    data = image.fp.read()
    image.fp.seek(place)
    return JpegFile(data, name) if data.startswith(b"\xff\xd8\xff") else None


def _pixels_of(
    image, jpeg, name, *, max_pixels, strict, color, value_range, at_least=None
):
    width, height = image.size
    if width < 1 or height < 1:
        raise ImageDecodeError(name, f"it has no pixels ({height} x {width})")
    if width * height > max_pixels:
        raise ImageDecodeError(
            name,
            f"its header says {height} x {width} pixels, more than {max_pixels:,}",
            "raise max_pixels if you trust it",
        )
    pixels = None
    if isinstance(image, DicomImage):
        with _strictly:
            pixels = image.decode(value_range)
    elif jpeg is not None:
        if strict:
            jpeg.check_size(width, height)
        if at_least is not None:
            image.draft(image.mode, (at_least, at_least))
        pixels = jpeg.decode(image.mode, image.size, strict=strict)
    else:
        check_room(image, name)
    if pixels is None:
        _load(image, name, strict)
        pixels = _plain(to_srgb(image, name) if color else image)
    elif color and "icc_profile" in image.info:
        pixels = array_to_srgb(pixels, image.info["icc_profile"], name)
    upright = _UPRIGHT.get(orientation_of(image))
    if upright is not None:
        pixels = upright(pixels)
    return np.ascontiguousarray(pixels)


def _load(image, name, strict):
    """Decode, and refuse what libtiff finds damaged even if Pillow goes on."""
    failure = None
    with _strictly, roomy_text, libtiff_errors() as errors:
        try:
            image.load()
        except DECODER_ERRORS as error:
            failure = error
    if errors and (strict or failure):
        raise ImageDecodeError(name, f"its data is damaged ({errors[0]})") from failure
    if failure:
        raise failure


def _plain(image):
    """Pixels of a loaded PIL image: uint8 gray or RGB, uint16 or float32 gray."""
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        pixels = _deep(image)
        if getattr(image, "white_is_zero", False):
            white = 1 if image.mode == "F" else 65535
            pixels = pixels.dtype.type(white) - pixels
        return pixels
    if (
        image.format == "BMP"
        and image.mode == "RGBA"
        and not any(image.getextrema()[3])
    ):
        # Many programs leave the fourth byte 0 and mean nothing by it.
        image = image.convert("RGB")
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


def _deep(image):
    """Pixels of more than 8 bits: uint16, int32 of any value, or float32."""
    pixels = np.array(image)
    dtype = {"I": np.int32, "F": np.float32}.get(image.mode, np.uint16)
    return pixels.astype(dtype, copy=False)


def orientation_of(image):
    """The EXIF orientation of a PIL image, 1 to 8."""
    try:
        return image.getexif().get(_ORIENTATION, 1)
    except DECODER_ERRORS:
        return (
            1  # promised above: the pixels are whole, only the note about them is not
        )


# Truncated files are refused even where a program asked Pillow to fill them up.
_strictly = HeldSwitch(
    lambda: ImageFile.LOAD_TRUNCATED_IMAGES,
    lambda value: setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", value),
    False,
)

"""Which formats there are, told by how a file starts, and what opens each."""

import re

from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from imgfeat._optional import has_module
from imgfeat._switch import HeldSwitch
from imgfeat.sources._decode_error import DECODER_ERRORS, ImageDecodeError, error_text
from imgfeat.sources._dicom import is_dicom, open_dicom
from imgfeat.sources._limits import MAX_STRIPS, UnboundedError, check_limits

ALLOWED = "JPEG, PNG, WebP, AVIF, HEIC, JPEG 2000, BMP, GIF, TIFF, PNM or DICOM"

_AVIF = {b"avif", b"avis"}
_HEIC = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}
_CONVERT_RAW = "convert it to TIFF or JPEG, with rawpy or darktable-cli for example"
_RAW = (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"\0MRM")

# A profile or an XMP block of some megabytes is no bomb; what is, is far larger.
roomy_text = HeldSwitch(
    lambda: PngImagePlugin.MAX_TEXT_CHUNK,
    lambda value: setattr(PngImagePlugin, "MAX_TEXT_CHUNK", value),
    PngImagePlugin.MAX_TEXT_MEMORY // 2,
)


class _TiffFile(TiffImagePlugin.TiffImageFile):
    """A TIFF that tells whether its deep values still have white as zero.

    Pillow inverts up to 8 bits itself; of 16 it forgets to in one byte order, and does
    not know the other.
    """

    white_is_zero = False

    def _setup(self):
        tags = self.tag_v2
        # Reading them takes the square of their number.
        strips = tags.get(
            TiffImagePlugin.STRIPOFFSETS, tags.get(TiffImagePlugin.TILEOFFSETS, ())
        )
        if len(strips) > MAX_STRIPS:
            raise UnboundedError(f"it has more than {MAX_STRIPS:,} strips or tiles")
        bits = tags.get(TiffImagePlugin.BITSPERSAMPLE, (1,))
        if tags.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == 0 and max(bits) > 8:
            self.white_is_zero = True
            tags[TiffImagePlugin.PHOTOMETRIC_INTERPRETATION] = 1
        super()._setup()


# What each allowed format starts with. Sounds are RIFF too, and any text may begin with
# BM or P1. The plugins are called by hand, not through Image.open: that tries formats
# in turn, and warns about large images by its own limit.
_READERS = tuple(
    (re.compile(start, re.DOTALL), reader)
    for start, reader in (
        (rb"\xff\xd8\xff", JpegImagePlugin.JpegImageFile),
        (rb"\x89PNG\r\n\x1a\n", PngImagePlugin.PngImageFile),
        (rb"RIFF.{4}WEBP", WebPImagePlugin.WebPImageFile),
        (rb"GIF8[79]a", GifImagePlugin.GifImageFile),
        (rb"|".join(map(re.escape, TiffImagePlugin.PREFIXES)), _TiffFile),
        (rb"P[1-6]\s+[#\d]", PpmImagePlugin.PpmImageFile),
        (rb"BM.{12}[\x0c(\x34\x38\x40l|]\0\0\0", BmpImagePlugin.BmpImageFile),
        (
            rb"\xff\x4f\xff\x51|\0\0\0\x0cjP  \r\n\x87\n",
            Jpeg2KImagePlugin.Jpeg2KImageFile,
        ),
    )
)
_UNPACKED_BY_PILLOW = {"PNG", "TIFF", "BMP", "PPM"}
# So many bytes tell.
START = 132


def is_image(start):
    """Whether a file that starts so is of an allowed format.

    Parameters
    ----------
    start : bytes
        Its first `START` bytes.
    """
    return not _is_raw(start) and (
        is_dicom(start)
        or _reader_of(start) is not None
        or bool(_brands(start) & (_AVIF | _HEIC))
    )


def _reader_of(start):
    for pattern, reader in _READERS:
        if pattern.match(start):
            return reader
    return None


def _is_raw(start):
    return start.startswith(_RAW) or start[8:10] == b"CR" or start[4:11] == b"ftypcrx"


def _brands(start):
    """What a file of boxes says it can be read as."""
    if start[4:8] != b"ftyp":
        return set()
    length = min(int.from_bytes(start[:4]), len(start))
    return {start[8:12], *(start[at : at + 4] for at in range(16, length, 4))}


def identify(file, name):
    """Return a PIL image of which only the header has been read.

    Parameters
    ----------
    file : binary file object
        At its start.
    name : str
        What errors call it.

    Raises
    ------
    ImageDecodeError
        If it is of no allowed format, or its header is damaged.
    """
    start = file.read(START)
    file.seek(0)
    if not start:
        raise ImageDecodeError(name, "it is empty (0 bytes)", "replace or remove it")
    # First: what stands before its mark is free, and may be the start of a TIFF.
    if is_dicom(start):
        return open_dicom(file, name)
    if _is_raw(start):
        raise ImageDecodeError(name, "it is a camera's raw data", _CONVERT_RAW)
    reader = _reader_of(start) or _reader_of_boxes(start, name)
    if reader is None:
        raise ImageDecodeError(
            name,
            f"it is not an image file: it starts with {start[:12]!r}",
            f"give a {ALLOWED} file",
        )
    if start[:1] in (b"\x89", b"P"):  # PNG and PNM
        check_limits(file, start, name)
    image = _read_header(reader, file, name)
    if isinstance(image, _TiffFile):
        _refuse_raw(image, name)
    return image


def _reader_of_boxes(start, name):
    """Return what reads AVIF or HEIC, whose brands tell them apart."""
    brands = _brands(start)
    if brands & _AVIF:
        try:
            from PIL import AvifImagePlugin
        except ImportError as error:
            raise ImageDecodeError(
                name, "AVIF needs Pillow 11.3", "pip install -U pillow"
            ) from error
        return AvifImagePlugin.AvifImageFile
    if brands & _HEIC:
        if not has_module("pillow_heif"):
            raise ImageDecodeError(
                name,
                "HEIC needs the package 'pillow-heif', which is not installed",
                "run pip install 'imgfeat[heif]', or convert it to JPEG",
            )
        from pillow_heif import HeifImageFile

        return HeifImageFile
    return None


def _read_header(reader, file, name):
    try:
        with roomy_text:
            return reader(file)
    except UnboundedError as error:
        remedy = "save it again in larger ones"
        raise ImageDecodeError(name, str(error), remedy) from error
    except DECODER_ERRORS as error:
        text = error_text(error)
        if reader is _TiffFile and text.startswith(("unknown", "More samples")):
            raise ImageDecodeError(
                name,
                f"TIFF files with pixels like its own are not supported ({text})",
                "save it as 8 or 16 bits, gray or RGB",
            ) from error
        raise ImageDecodeError(
            name, f"its header is damaged, or says that there are no pixels ({text})"
        ) from error


def _refuse_raw(image, name):
    # The first picture in such a file is a preview, whose tag 254 says so.
    if image.tag_v2.get(254, 0) & 1 and 330 in image.tag_v2:
        raise ImageDecodeError(
            name, "it starts with a preview, as raw data of cameras does", _CONVERT_RAW
        )


def check_room(image, name):
    """Refuse a header that speaks of more pixels than its file can hold.

    Parameters
    ----------
    image : PIL image
        As `identify` returns it.
    name : str
    """
    # Packed data shrinks to a thousandth at most, and plain data is a bit a pixel.
    codec = image.tile[0][0] if getattr(image, "tile", None) else None
    most = {"zip": 1032 * 8, "raw": 8}.get(codec)
    if image.format not in _UNPACKED_BY_PILLOW:
        # AVIF and HEIC are raw to Pillow, because others unpack them.
        most = None
    if most is None or getattr(image, "fp", None) is None:
        return
    place = image.fp.tell()
    size = image.fp.seek(0, 2)
    image.fp.seek(place)
    width, height = image.size
    if width * height > most * size:
        raise ImageDecodeError(
            name,
            f"its header says {height} x {width} pixels, more than its {size:,} bytes "
            "can hold",
        )

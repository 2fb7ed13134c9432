"""The formats that are read, by how files begin, never by their names."""

import struct
import zlib

from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from imgfeat.sources._decode_error import ImageDecodeError, text_of

JPEG = JpegImagePlugin.JpegImageFile
ALLOWED = "JPEG, PNG, WebP, BMP, GIF, TIFF or PNM"

# What each allowed format starts with. The plugins are called by hand, not through
# Image.open: that tries formats in turn, and warns about large images by its own limit.
_READERS = (
    ((b"\xff\xd8\xff",), JpegImagePlugin.JpegImageFile),
    ((b"\x89PNG\r\n\x1a\n",), PngImagePlugin.PngImageFile),
    ((b"RIFF",), WebPImagePlugin.WebPImageFile),
    ((b"GIF87a", b"GIF89a"), GifImagePlugin.GifImageFile),
    (tuple(TiffImagePlugin.PREFIXES), TiffImagePlugin.TiffImageFile),
    (tuple(b"P%d" % kind for kind in range(1, 7)), PpmImagePlugin.PpmImageFile),
    ((b"BM",), BmpImagePlugin.BmpImageFile),
)

# Everything that Pillow's decoders are known to raise on damaged files. Warning is
# here for programs that turn warnings into errors.
DECODER_ERRORS = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Warning,
)


def identify(file, name):
    """Return the reader of a file by how it begins, or say that it is no image."""
    start = file.read(16)
    file.seek(0)
    if not start:
        raise ImageDecodeError(name, "it is empty (0 bytes)", "replace or remove it")
    for prefixes, reader in _READERS:
        if start.startswith(prefixes):
            return reader
    raise ImageDecodeError(
        name,
        f"it is not an image file: it starts with {start[:12]!r}",
        f"give a {ALLOWED} file",
    )


def read_header(reader, file, name):
    """Return the PIL image of a file, its pixels unread."""
    try:
        return reader(file)
    except DECODER_ERRORS as error:
        raise ImageDecodeError(
            name,
            f"its header is damaged, or says that it has no pixels ({text_of(error)})",
        ) from error

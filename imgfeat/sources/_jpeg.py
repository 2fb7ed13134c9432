"""JPEG files: decoded as a whole, or refused.

libjpeg goes on where entropy data ends early or makes no sense, and only warns; Pillow
drops the warning, and the rest of the image is gray. simplejpeg runs the same library
and raises. Its pixels are those of Pillow, to the last bit, at full size and at 1/2,
1/4 and 1/8 of it.
"""

import struct
from itertools import islice

import simplejpeg

# More are no photo: a file of 200 KB with a thousand scans takes a minute to decode,
# one with a million comments as long to be looked at.
MAX_SCANS = 100
MAX_SEGMENTS = 2000

_COLORSPACES = {"RGB": "RGB", "L": "GRAY", "CMYK": "CMYK"}
_END = b"\xff\xd9"
_CUT_SHORT = "Premature end of JPEG file"
# Warnings about the header, which leave the pixels what they are.
_HARMLESS = (
    "unknown JFIF revision",
    "Unknown Adobe color transform",
    "Invalid SOS parameters",
    "Corrupt JPEG data: bad ICC marker",
)
_START_OF_SCAN = 0xDA
# Markers without a length: fill bytes, restarts, start of the image.
_BARE = {0x01, *range(0xD0, 0xD9), 0xFF}


def check_jpeg(content):
    """Raise if a file would take far longer than its pixels are worth.

    Parameters
    ----------
    content : bytes

    Raises
    ------
    ValueError
        If it has too many segments in front of its pixels, or too many scans.
    """
    if sum(1 for _ in islice(_segments(content), MAX_SEGMENTS + 1)) > MAX_SEGMENTS:
        raise ValueError(f"its header has more than {MAX_SEGMENTS} segments")
    n_scans = content.count(b"\xff\xda")
    if n_scans > MAX_SCANS:
        raise ValueError(f"it has {n_scans} scans, more than {MAX_SCANS}")


def can_hold(n_bytes, width, height):
    """Whether a file of so many bytes can hold so many pixels.

    A block of 8 x 8 takes a bit at least, for its mean.
    """
    return width * height <= 8 * 64 * n_bytes


def decode_jpeg(content, mode, shape, *, strict=True):
    """Return the pixels of a JPEG file.

    Parameters
    ----------
    content : bytes
    mode : {"RGB", "L", "CMYK"}
        As Pillow calls what the file holds.
    shape : tuple of (height, width)
        Of the whole image, or of 1/2, 1/4 or 1/8 of it.
    strict : bool, default=True
        Raise if any pixel is a guess.

    Returns
    -------
    ndarray of shape (height, width) or (height, width, n_channels), uint8

    Raises
    ------
    ValueError
        If the file is damaged.
    """
    how = {
        "colorspace": _COLORSPACES[mode],
        "fastdct": False,
        "fastupsample": False,
        "min_height": shape[0],
        "min_width": shape[1],
    }
    try:
        pixels = _decode_whole(content, how) if strict else _decode(content, how, False)
    except ValueError as error:
        raise ValueError(f"it is truncated or damaged ({error})") from error
    return pixels[..., 0] if mode == "L" else pixels


def _decode_whole(content, how):
    try:
        return _decode(content, how, True)
    except ValueError as error:
        if _CUT_SHORT in str(error):
            # The end marker alone may be what is missing.
            return _decode(content + _END, how, True)
        if any(warning in str(error) for warning in _HARMLESS):
            return _decode(content, how, False)
        raise


def _decode(content, how, strict):
    return simplejpeg.decode_jpeg(content, strict=strict, **how)


def _segments(content):
    """Yield the marker of each segment in front of the first scan."""
    place = 2
    while place + 4 <= len(content) and content[place] == 0xFF:
        marker = content[place + 1]
        if marker in _BARE:
            place += 1 if marker == 0xFF else 2
            yield marker
            continue
        yield marker
        if marker == _START_OF_SCAN:
            return
        place += 2 + struct.unpack_from(">H", content, place + 2)[0]

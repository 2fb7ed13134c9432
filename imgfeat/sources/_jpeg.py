"""JPEG: whole or refused, within limits that are read before anything is decoded.

Pillow drops what libjpeg warns of, and fills with gray what is missing; simplejpeg
passes the warnings on. Both run libjpeg-turbo, so sound files have the same pixels.
"""

import re

import numpy as np
import simplejpeg

from imgfeat.sources._decode_error import ImageDecodeError

MAX_HEADER_BYTES = 2**24
MAX_SEGMENTS = 2000
MAX_SCANS = 64  # ten are usual

_SCAN = 0xDA
_NO_LENGTH = {0x01, *range(0xD0, 0xDA)}  # markers without content
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_END = b"\xff\xd9"
# Within a scan 0xff is followed by 0 or a restart marker, or fills.
_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")
_COLORS = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}

# How libjpeg begins to tell of data that is not whole.
_DAMAGE = ("Corrupt JPEG data", "Premature end", "Inconsistent progression")


class JpegFile:
    """An encoded JPEG, whose segments have been counted.

    Parameters
    ----------
    data : bytes
    name : str
        What errors call it.

    Raises
    ------
    ImageDecodeError
        If reading the header, or all its scans, would take unbounded time.
    """

    def __init__(self, data, name):
        self.data = data
        self._name = name
        self._frame = None
        self._has_scans = True
        self._strays = []
        self._start = self._walk_header()
        self._check_scans()

    def check_size(self, width, height):
        """Refuse a header that speaks of more pixels than the data can hold."""
        # The shortest code has one bit: a block takes two, or one where later scans
        # refine it. Arithmetic coding has no such bound.
        bits = {0xC0: 2, 0xC1: 2, 0xC2: 1}.get(self._frame)
        blocks = -(-width // 8) * -(-height // 8)
        room = len(self.data) - self._start
        if bits and blocks * bits > 8 * room:
            raise ImageDecodeError(
                self._name,
                f"its header says {height} x {width} pixels, more than its {room:,} "
                "bytes of data can hold",
            )

    def decode(self, mode, size, *, strict=True):
        """Return the pixels, or None for what only Pillow reads.

        Parameters
        ----------
        mode : str
            Pillow's.
        size : tuple of (width, height)
            Of all pixels, or of what `Image.draft` makes of them.
        strict : bool, default=True
            Refuse data that is not whole; else what is there is filled with gray.

        Raises
        ------
        ImageDecodeError
            If the data ends early, or has been overwritten.
        """
        color = _COLORS.get(mode)
        if color is None:
            return None
        try:
            pixels = self._decode(color, size, strict)
        except ValueError as error:
            text = str(error)
            if not strict or not text.startswith(_DAMAGE):
                return None
            raise ImageDecodeError(
                self._name, f"its data is truncated or damaged ({text})"
            ) from error
        if pixels.shape[:2] != size[::-1] or mode == "CMYK":
            return None
        return pixels[..., 0] if mode == "L" else pixels

    def _decode(self, color, size, strict):
        try:
            return _decode(self.data, color, size, strict)
        except ValueError:
            if not strict:
                raise
            mended = self._without_strays()
            if mended is None:
                raise
            return _decode(mended, color, size, strict)

    def _without_strays(self):
        """Return the data without what does no harm, or None if there is nothing."""
        data = self.data
        for start, stop in reversed(self._strays):
            data = data[:start] + data[stop:]
        start = self._start - sum(stop - start for start, stop in self._strays)
        end = data.rfind(_END, start)
        if end < 0:
            # Who has all rows needs no end marker. A scan that is missing from a
            # progressive file would not be missed, so that such a file must end.
            return None if self._frame == 0xC2 else data + _END
        body = data[:end].rstrip(b"\0")
        # What ended in 0xff 0x00 ends so still.
        if body.endswith(b"\xff") and len(body) < end:
            body += b"\0"
        mended = body + _END
        return mended if len(mended) != len(self.data) else None

    def _walk_header(self):
        """Return where the first scan starts."""
        data, at, n_segments, n_components = self.data, 2, 0, b""
        while True:
            stray, at = at, data.find(b"\xff", at)
            if at < 0:
                return len(data)
            if at > stray:
                self._strays.append((stray, at))
            while data[at : at + 1] == b"\xff":
                at += 1
            if at + 3 > len(data):
                return len(data)
            marker = data[at]
            if marker == _SCAN:
                # One scan with all components is the last that libjpeg reads.
                is_whole = data[at + 3 : at + 4] == n_components
                self._has_scans = self._frame == 0xC2 or not is_whole
                return at - 1
            if marker in _FRAMES:
                self._frame = marker
                n_components = data[at + 8 : at + 9]
            at += 1
            if marker not in _NO_LENGTH:
                at += int.from_bytes(data[at : at + 2])
            n_segments += 1
            if at > MAX_HEADER_BYTES or n_segments > MAX_SEGMENTS:
                raise ImageDecodeError(
                    self._name,
                    f"its header has more than {MAX_HEADER_BYTES:,} bytes or "
                    f"{MAX_SEGMENTS} segments",
                    "save it again without metadata",
                )

    def _check_scans(self):
        # The quick count is too high where other data follows; few files need more.
        n_most = self.data.count(b"\xff\xda", self._start) if self._has_scans else 1
        if n_most <= MAX_SCANS:
            return
        n_scans, at = 0, self._start
        while found := _MARKER.search(self.data, at):
            marker, at = found[1][0], found.end()
            if marker == 0xD9:
                return
            n_scans += marker == _SCAN
            if n_scans > MAX_SCANS:
                raise ImageDecodeError(
                    self._name,
                    f"it has more than {MAX_SCANS} scans, which take unbounded time",
                    "save it again as a baseline JPEG",
                )
            at += int.from_bytes(self.data[at : at + 2])


def _decode(data, color, size, strict):
    width, height = size
    return np.asarray(
        simplejpeg.decode_jpeg(
            data,
            color,
            fastdct=False,
            fastupsample=False,
            min_height=height,
            min_width=width,
            strict=strict,
        )
    )

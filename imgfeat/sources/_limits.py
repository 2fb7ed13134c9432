"""What would take unbounded time, told from headers before anything is decoded.

JPEG has limits of its own, in `JpegFile`.
"""

import re

from imgfeat.sources._decode_error import ImageDecodeError

MAX_CHUNKS = 200_000  # a PNG of 50 megapixels in pieces of 1 KiB has fewer
MAX_STRIPS = 200_000  # a TIFF of 50 megapixels in tiles of 16 x 16 has fewer
MAX_PNM_HEADER = 2**16
MAX_PLAIN_BYTES = 8_000_000
MAX_PLAIN_COMMENTS = 10_000
MAX_REMOTE_BYTES = 2**29  # 50 megapixels of 16-bit RGB take 300 MB

_PNG_START = 8
_CHUNK = 12  # bytes of length, kind and check
# Width and height, and but for bits the highest value.
_PNM_HEADER = re.compile(
    rb"P(?:[14](?:%(word)b){2}|[2356](?:%(word)b){3})\s"
    % {b"word": rb"(?:\s|#[^\r\n]*[\r\n])+\d+"}
)


class UnboundedError(Exception):
    """What a reader raises for files that `check_limits` cannot see through."""


def check_limits(file, start, name):
    """Refuse a PNG or PNM whose header, or whose text, would take unbounded time.

    Parameters
    ----------
    file : binary file object
        Comes back at its start.
    start : bytes
        How it starts.
    name : str
        What errors call it.

    Raises
    ------
    ImageDecodeError
    """
    if start.startswith(b"\x89PNG"):
        _check_chunks(file, name)
    elif start[:1] == b"P":
        _check_pnm(file, start[1], name)
    file.seek(0)


def _check_chunks(file, name):
    at, n_profiles = _PNG_START, 0
    for _ in range(MAX_CHUNKS):
        file.seek(at)
        head = file.read(8)
        if len(head) < 8 or head.endswith(b"IEND"):
            return
        # Each is unpacked, to megabytes, and all but the last forgotten.
        n_profiles += head.endswith(b"iCCP")
        if n_profiles > 1:
            raise ImageDecodeError(
                name, "it has more than one color profile", "save it again without them"
            )
        at += _CHUNK + int.from_bytes(head[:4])
    raise ImageDecodeError(
        name,
        f"it has more than {MAX_CHUNKS:,} chunks",
        "save it again without metadata",
    )


def _check_pnm(file, kind, name):
    size = file.seek(0, 2)
    file.seek(0)
    header = file.read(MAX_PNM_HEADER)
    if size > MAX_PNM_HEADER and not _PNM_HEADER.match(header):
        raise ImageDecodeError(
            name,
            f"its header has more than {MAX_PNM_HEADER:,} bytes",
            "save it again without comments",
        )
    if kind not in b"123":
        return
    file.seek(0)
    if size > MAX_PLAIN_BYTES or file.read().count(b"#") > MAX_PLAIN_COMMENTS:
        raise ImageDecodeError(
            name,
            f"it is written as text, of more than {MAX_PLAIN_BYTES:,} bytes or "
            f"{MAX_PLAIN_COMMENTS:,} comments",
            "save it again in binary, as P4, P5 or P6",
        )

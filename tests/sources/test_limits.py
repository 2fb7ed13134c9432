"""Tests for imgfeat/sources/_limits.py: nothing takes more than a moment."""

import io
import struct
import time
import zlib

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from imgfeat.sources import ImageDecodeError, decode_image
from tests.sources._files import encode, png_chunk, raw_png


def png_with(chunk):
    return raw_png(1, 1, rows=b"\0\5", extra=chunk)


def tiff_of_strips(count):
    """A TIFF one pixel wide, with every row in a strip of its own, of zeros."""
    after = 8 + 2 + 12 * 9 + 4  # where its pixels are, and the table of strips
    tags = [
        (256, 4, 1, 1),
        (257, 4, 1, count),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, count, after),
        (277, 3, 1, 1),
        (278, 4, 1, 1),
        (279, 4, count, after),
    ]
    rows = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return b"II*\0\x08\0\0\0\x09\0" + rows + bytes(4) + bytes(4 * count)


def profile():
    return png_chunk(b"iCCP", b"k\0\0" + zlib.compress(bytes(30_000_000)))


HOSTILE = {
    "chunks": (lambda: png_with(png_chunk(b"teSt", b"") * 300_000), "200,000 chunks"),
    "profiles": (lambda: png_with(profile() * 40), "more than one color profile"),
    "strips": (lambda: tiff_of_strips(1_000_000), "200,000 strips or tiles; save it"),
    "comment": (
        lambda: b"P5\n#" + bytes(5_000_000) + b"\n1 1 255\n\5",
        "header has more than 65,536 bytes; save it again without comments",
    ),
    "text": (lambda: b"P2\n3000 3000 255\n" + b"0 " * 9_000_000, "written as text"),
    "comments": (
        lambda: b"P2\n1 1 255\n" + b"#\n" * 500_000 + b"5 ",
        "written as text.*or 10,000 comments",
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_would_take_unbounded_time_is_refused_at_once(kind):
    make, message = HOSTILE[kind]
    file = make()
    # The time of this thread, so that a busy machine does no harm.
    start = time.thread_time()
    with pytest.raises(ImageDecodeError, match=message):
        decode_image(file)
    assert time.thread_time() - start < 2


def animation(format):
    frames = [Image.new("L", (4, 4), value % 256) for value in range(1000)]
    return encode(frames[0], format, save_all=True, append_images=frames[1:])


def gif_with_comment():
    file = encode(Image.new("L", (4, 4)), "GIF")
    return file[:13] + b"\x21\xfe" + b"\1a" * 1_000_000 + b"\0" + file[13:]


def tiff_that_follows_itself():
    file = tiff_of_strips(4)
    return file[:118] + b"\x08\0\0\0" + file[122:]


@pytest.mark.parametrize(
    "make",
    [
        *(lambda format=x: animation(format) for x in ("GIF", "PNG", "TIFF", "WEBP")),
        gif_with_comment,
        tiff_that_follows_itself,
    ],
    ids=["GIF", "APNG", "pages", "WebP", "comment", "loop"],
)
def test_what_follows_the_first_frame_costs_nothing(make):
    file = make()
    start = time.thread_time()
    assert decode_image(file, mode="gray").shape in ((4, 4), (4, 1))
    assert time.thread_time() - start < 2


@pytest.mark.parametrize(
    "file",
    [
        png_with(profile()),
        png_with(png_chunk(b"tEXt", b"k\0v") * 5000),
        b"P5\n# a comment\n1 # another\n1\n255\n\5",
        b"P2 1 1 255 5 ",
    ],
    ids=["profile", "texts", "comments", "plain"],
)
def test_what_is_merely_unusual_is_read(file):
    assert_array_equal(decode_image(file), [[5]])


@pytest.mark.parametrize("kind", ["1", "L", "RGB"])
def test_large_pnm_has_its_header_found(kind):
    file = encode(Image.new(kind, (800, 800)), "PPM")
    magic, rest = file[:3], file[3:]
    for with_comments in (file, magic + b"# made by hand\n#\r" + rest):
        assert not decode_image(with_comments).any()


def test_strips_in_moderate_numbers_are_read():
    assert decode_image(tiff_of_strips(20_000)).shape == (20_000, 1)


@pytest.mark.avif
def test_avif_may_shrink_pixels_as_far_as_it_can():
    # Blank images take less than a bit for each pixel there.
    file = io.BytesIO()
    Image.new("RGB", (1000, 1000), "white").save(file, "AVIF", speed=10)
    assert np.all(decode_image(file.getvalue()) == 255)

"""Tests for imgfeat/sources/_jpeg.py: whole JPEG files, and all others refused."""

import io
import struct
import time

import numpy as np
import pytest
from PIL import Image

from imgfeat.deploy._example import picture
from imgfeat.sources import ImageDecodeError, ImageReader, decode_image
from imgfeat.sources._jpeg import MAX_SCANS, MAX_SEGMENTS, can_hold


def encode(image, **options):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def by_pillow(content, at_least=None):
    image = Image.open(io.BytesIO(content))
    if at_least is not None:
        image.draft(image.mode, (at_least, at_least))
    return np.array(image)


@pytest.fixture(scope="module")
def photo():
    return picture((240, 320, 3), seed=1)


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("quality", [30, 95])
@pytest.mark.parametrize("shape", [(1, 1), (7, 13), (16, 17), (61, 40)])
def test_pixels_are_those_of_pillow(photo, shape, quality, progressive, subsampling):
    how = {"subsampling": subsampling, "progressive": progressive, "quality": quality}
    height, width = shape
    for image in (photo[:height, :width], photo[:height, :width, 1].copy()):
        content = encode(image, **how, restart_marker_blocks=3)
        np.testing.assert_array_equal(decode_image(content), by_pillow(content))


@pytest.mark.parametrize("at_least", [20, 55, 100])
def test_smaller_pixels_are_those_of_pillow(photo, at_least):
    content = encode(photo)
    np.testing.assert_array_equal(
        decode_image(content, at_least=at_least), by_pillow(content, at_least)
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content + b"\0" * 100,
        lambda content: content + b"\r\n<!-- sent by mail -->",
        lambda content: content[:-2],
        lambda content: content[:-2] + b"\0\0\0\xff\xd9",
        lambda content: content[:-2] + b"\xff\xff\xff\xd9",
        lambda content: content + content,
    ],
    ids=["zeros behind", "text behind", "no end", "zeros", "fill bytes", "twice"],
)
def test_sound_files_with_odd_ends_are_read(photo, change):
    content = encode(photo)
    np.testing.assert_array_equal(decode_image(change(content)), by_pillow(content))


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("with_end", [False, True])
def test_data_that_ends_early_is_an_error(photo, share, progressive, with_end):
    content = encode(photo, progressive=progressive)
    cut = content[: int(share * len(content))] + (b"\xff\xd9" if with_end else b"")
    with pytest.raises(ImageDecodeError, match="truncated or damaged"):
        decode_image(cut)
    with pytest.raises(ImageDecodeError, match="truncated or damaged"):
        decode_image(cut, at_least=30)


def test_overwritten_data_is_an_error_nearly_always(photo):
    # A decoder may fall into step again by chance, and count as many blocks.
    content = encode(photo)
    rng = np.random.default_rng(0)
    n_wrong = 0
    for _ in range(60):
        damaged = bytearray(content)
        start = int(rng.integers(700, len(content) - 900))
        damaged[start : start + 800] = rng.bytes(800)
        try:
            pixels = decode_image(bytes(damaged))
        except ImageDecodeError:
            continue
        off = (pixels != by_pillow(content)).any(axis=2).mean()
        n_wrong += off > 0.01
    assert n_wrong <= 3


def test_who_wants_what_is_there_gets_it(photo):
    content = encode(photo)
    cut = content[: len(content) // 2]
    pixels = decode_image(cut, strict=False)
    np.testing.assert_array_equal(pixels[:60], by_pillow(content)[:60])
    found = ImageReader((240, 320), strict=False).transform([cut])
    np.testing.assert_array_equal(found[0], pixels)
    with pytest.raises(ImageDecodeError, match="image 0: it is truncated or damaged"):
        ImageReader((240, 320)).transform([cut])


def test_damaged_cmyk_is_an_error(photo):
    buffer = io.BytesIO()
    Image.fromarray(photo).convert("CMYK").save(buffer, "JPEG")
    content = buffer.getvalue()
    assert decode_image(content).shape == photo.shape
    with pytest.raises(ImageDecodeError, match="truncated or damaged"):
        decode_image(content[: len(content) // 2] + b"\xff\xd9")


def test_header_that_its_data_cannot_fill_is_refused_before_memory_is_taken(photo):
    content = bytearray(encode(photo[:8, :8]))
    place = content.index(b"\xff\xc0") + 5
    content[place : place + 4] = struct.pack(">HH", 7000, 7000)
    with pytest.raises(ImageDecodeError, match="7000 x 7000 pixels, which its"):
        decode_image(bytes(content))


@pytest.mark.parametrize("side", [8, 1000, 4000])
def test_blank_images_fit(side):
    content = encode(np.full((side, side), 9, np.uint8), quality=1, optimize=True)
    assert can_hold(len(content), side, side)
    assert decode_image(content).shape == (side, side)


def test_time_is_bounded(photo):
    content = encode(photo)
    comments = b"\xff\xfe\0\4hi" * 2_000_000
    start = time.perf_counter()
    with pytest.raises(ImageDecodeError, match=f"more than {MAX_SEGMENTS} segments"):
        decode_image(content[:2] + comments + content[2:])
    scan = content[content.index(b"\xff\xda") : -2]
    with pytest.raises(ImageDecodeError, match=rf"\d+ scans, more than {MAX_SCANS}"):
        decode_image(content[:-2] + 400 * scan + b"\xff\xd9")
    assert time.perf_counter() - start < 20

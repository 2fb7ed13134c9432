"""Tests for imgfeat/sources/_jpeg.py."""

import io

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from imgfeat.sources import ImageDecodeError, ImageReader, decode_image
from tests.sources._files import encode

RNG = np.random.default_rng(0)
END = b"\xff\xd9"


def smooth(height, width):
    small = RNG.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height))


@pytest.fixture(params=[False, True], ids=["baseline", "progressive"])
def file(request):
    return encode(smooth(96, 128), "JPEG", quality=90, progressive=request.param)


def middle(file):
    return (file.rindex(b"\xff\xda") + len(file)) // 2


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("restart", [0, 2])
@pytest.mark.parametrize("subsampling", [None, 0, 1, 2, "4:1:1"])
def test_pixels_are_pillow_s(progressive, restart, subsampling):
    for height, width in [(1, 1), (1, 17), (7, 2), (16, 9), (17, 17), (100, 63)]:
        options = {} if subsampling is None else {"subsampling": subsampling}
        image = smooth(height, width).convert("L" if subsampling is None else "RGB")
        file = encode(
            image,
            "JPEG",
            progressive=progressive,
            restart_marker_blocks=restart,
            **options,
        )
        assert_array_equal(decode_image(file), np.array(Image.open(io.BytesIO(file))))


@pytest.mark.parametrize("at_least", [10, 24, 40, 90])
def test_smaller_pixels_are_pillow_s(file, at_least):
    image = Image.open(io.BytesIO(file))
    image.draft(image.mode, (at_least, at_least))
    assert_array_equal(decode_image(file, at_least=at_least), np.array(image))


@pytest.mark.parametrize("damage", ["ends early", "zeros", "noise"])
def test_damage_before_the_end_marker_is_an_error(file, damage, tmp_path):
    at = middle(file)
    rest = file[at:-2]
    filler = {"ends early": b"", "zeros": bytes(len(rest)), "noise": b"\x5a" * 9000}
    damaged = file[:at] + filler[damage] + END
    path = tmp_path / "photo.jpg"
    path.write_bytes(damaged)
    sources = [path, damaged, io.BytesIO(damaged), Image.open(io.BytesIO(damaged))]
    for source in sources:
        with pytest.raises(ImageDecodeError, match="data is truncated or damaged"):
            decode_image(source)
    with pytest.raises(ImageDecodeError, match=r"photo.jpg: .*; repair or remove it"):
        ImageReader().transform([path])


def test_damage_is_found_at_a_fraction_of_the_size(file):
    with pytest.raises(ImageDecodeError, match="truncated or damaged"):
        decode_image(file[: middle(file)] + END, at_least=20)


def test_damaged_cmyk_is_an_error():
    file = encode(smooth(96, 128).convert("CMYK"), "JPEG")
    assert decode_image(file).shape == (96, 128, 3)
    with pytest.raises(ImageDecodeError, match="truncated or damaged"):
        decode_image(file[: middle(file)] + END)


def test_what_is_there_may_be_asked_for(file):
    at = middle(file)
    pixels = decode_image(file[:at] + END, strict=False)
    assert_array_equal(pixels[:8], decode_image(file)[:8])
    assert ImageReader(strict=False).transform([file[:at] + END]).shape[1:] == (
        96,
        128,
        3,
    )


@pytest.mark.parametrize(
    "tail", [b"x" * 5000, END, b"\0" * 100, END + b"\xff\xda" * 99]
)
def test_bytes_behind_the_end_do_no_harm(file, tail):
    assert_array_equal(decode_image(file + tail), decode_image(file))


def test_strays_around_the_data_do_no_harm(file):
    expected = decode_image(file)
    assert_array_equal(decode_image(file[:20] + b"abc" + file[20:]), expected)
    assert_array_equal(decode_image(file[:-2] + bytes(50) + END), expected)
    assert_array_equal(decode_image(file[:-2] + b"\xff" * 5 + END), expected)


def test_end_marker_may_be_missing():
    file = encode(smooth(96, 128), "JPEG")
    assert_array_equal(decode_image(file[:-2]), decode_image(file))


@pytest.mark.parametrize("progressive", [False, True])
def test_header_that_the_data_cannot_fill_is_refused(progressive):
    file = encode(smooth(16, 16), "JPEG", progressive=progressive)
    size = (16).to_bytes(2) * 2
    at = file.index(size)
    file = file[:at] + (7000).to_bytes(2) * 2 + file[at + 4 :]
    with pytest.raises(ImageDecodeError, match=r"7000 x 7000 pixels, more than its"):
        decode_image(file)


def test_plain_pictures_fill_their_header():
    for progressive in (False, True):
        black = Image.new("RGB", (3000, 3000))
        file = encode(black, "JPEG", progressive=progressive, optimize=True)
        assert not decode_image(file).any()


def test_scans_without_end_are_refused_at_once():
    file = encode(smooth(512, 512), "JPEG", progressive=True)
    last = file[file.rindex(b"\xff\xda") : -2]
    bomb = file[:-2] + last * 300 + END
    with pytest.raises(ImageDecodeError, match="more than 64 scans"):
        decode_image(bomb)


@pytest.mark.parametrize("length", [2, 60_000])
def test_comments_without_end_are_refused_at_once(file, length):
    comment = b"\xff\xfe" + length.to_bytes(2) + bytes(length - 2)
    bomb = file[:2] + comment * 3000 + file[2:]
    with pytest.raises(ImageDecodeError, match=r"header has more than .* without meta"):
        decode_image(bomb)

"""What decode_image cannot read, and what it says about it."""

import io
import os
import pickle
import warnings
import zlib

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image, ImageFile

from imgfeat.sources import ImageDecodeError, decode_image
from tests.sources._files import LOSSLESS, encode, png_chunk, raw_png


@pytest.fixture
def rgb():
    return np.random.default_rng(1).integers(0, 256, (6, 5, 3), dtype=np.uint8)


def every_format(rgb):
    image = Image.fromarray(np.kron(rgb, np.ones((4, 4, 1), dtype=np.uint8)))
    yield from (encode(image, format, **LOSSLESS[format]) for format in LOSSLESS)
    yield encode(image, "JPEG")
    yield encode(image, "JPEG", progressive=True)
    yield encode(image, "GIF")
    yield encode(image, "TIFF", compression="tiff_lzw")
    yield encode(image, "WEBP")


@pytest.mark.parametrize("lenient", [False, True])
def test_truncated_file_never_gives_half_an_image(rgb, lenient, monkeypatch):
    # Other programs switch Pillow to fill up what is missing; that must not matter.
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", lenient)
    for file in every_format(rgb):
        whole = decode_image(file)
        for length in {*range(40), *range(40, len(file), 97), len(file) - 1}:
            try:
                pixels = decode_image(file[:length])
            except ImageDecodeError:
                continue
            # Only what follows the last pixel was cut off.
            assert length > len(file) - 40
            assert_array_equal(pixels, whole)
    assert ImageFile.LOAD_TRUNCATED_IMAGES is lenient


def test_truncated_jpeg_says_so(rgb, tmp_path):
    path = tmp_path / "half.jpg"
    file = encode(Image.fromarray(rgb).resize((64, 64)), "JPEG")
    path.write_bytes(file[: len(file) // 2 + 200])
    with pytest.raises(ImageDecodeError, match=r"half.jpg: .*truncated.*; repair or"):
        decode_image(path)


def test_flipped_bytes_give_pixels_or_a_decode_error(rgb):
    rng = np.random.default_rng(0)
    for file in every_format(rgb):
        for _ in range(60):
            damaged = bytearray(file)
            damaged[rng.integers(4, len(file))] = rng.integers(256)
            try:
                pixels = decode_image(bytes(damaged), max_pixels=100_000)
            except ImageDecodeError:
                continue
            assert pixels.dtype == np.uint8 and pixels.ndim in (2, 3)


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", r"empty \(0 bytes\); replace or remove it"),
        (b"<html>not found</html>", "not an image file: it starts with b'<html>not fo"),
        (b"\x00" * 100, "not an image file"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "it is not an image file"),
        (b"%PDF-1.4 and more", "give a JPEG, PNG, WebP, .*TIFF, PNM or DICOM file"),
        (b"\xff\xd8\xff", "header is damaged"),
        (b"GIF89a\x00\x00\x00\x00\x00\x00\x00", "no pixels"),
        (raw_png(0, 5), "no pixels"),
        (raw_png(5, 0), "no pixels"),
        (b"P5\n0 3\n255\n", "no pixels"),
    ],
)
def test_junk_is_named(content, message, tmp_path):
    path = tmp_path / "junk.jpg"
    path.write_bytes(content)
    with pytest.raises(ImageDecodeError, match=r"^Cannot read .*junk.jpg: ") as caught:
        decode_image(path)
    assert caught.match(message)
    with pytest.raises(ImageDecodeError, match=r"^Cannot read the image: "):
        decode_image(content)


def test_size_limit_comes_before_the_pixels():
    bomb = raw_png(60_000, 60_000, color=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Pillow's own warning must not show
        with pytest.raises(
            ImageDecodeError,
            match=r"header says 60000 x 60000 pixels, more than 50,000,000; raise max_",
        ):
            decode_image(bomb)


def test_size_limit_can_be_moved(rgb):
    file = encode(rgb)
    assert decode_image(file, max_pixels=30).shape == (6, 5, 3)
    for source in (file, Image.fromarray(rgb)):
        with pytest.raises(ImageDecodeError, match="6 x 5 pixels, more than 29"):
            decode_image(source, max_pixels=29)


def test_pillow_s_own_limit_does_not_matter(rgb, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 4)
    assert_array_equal(decode_image(encode(rgb)), rgb)


def test_text_bomb_in_a_png_is_an_error():
    packed = zlib.compress(b"a" * 50_000_000)
    bomb = png_chunk(b"zTXt", b"k\x00\x00" + packed)
    with pytest.raises(ImageDecodeError, match=r"header is damaged.* too large"):
        decode_image(raw_png(1, 1, rows=b"\x00\x00", extra=bomb))


def test_paths_that_are_no_files_are_named(tmp_path):
    with pytest.raises(ImageDecodeError, match="no such file; check the path"):
        decode_image(tmp_path / "absent.png")
    with pytest.raises(ImageDecodeError, match="it is a folder; give an image file"):
        decode_image(tmp_path)
    with pytest.raises(ImageDecodeError, match="null"):
        decode_image("a\0b.png")
    with pytest.raises(ImageDecodeError, match="no such file"):
        decode_image(b"cat.jpg".decode() + "/")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes")
def test_pipe_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ImageDecodeError, match="not a regular file"):
        decode_image(tmp_path / "pipe.png")


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything"
)
def test_forbidden_file_says_so(tmp_path):
    path = tmp_path / "secret.png"
    path.write_bytes(b"x")
    path.chmod(0)
    with pytest.raises(ImageDecodeError, match="permission denied; allow this user"):
        decode_image(path)


def test_read_only_file_is_read(rgb, tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(encode(rgb))
    path.chmod(0o444)
    assert_array_equal(decode_image(path), rgb)


@pytest.mark.parametrize("junk", [None, 3.5, np.nan, 7, {"a": 1}, object])
def test_other_objects_are_refused_by_type(junk):
    with pytest.raises(ImageDecodeError, match="is not an image; give a path, bytes"):
        decode_image(junk)


def test_text_file_object_is_refused(tmp_path):
    with pytest.raises(ImageDecodeError, match="open the file in mode 'rb'"):
        decode_image(io.StringIO("x"))


def test_closed_image_is_an_error(rgb, tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(encode(rgb))
    image = Image.open(path)
    image.close()
    with pytest.raises(ImageDecodeError, match="Cannot read the image"):
        decode_image(image)


@pytest.mark.parametrize(
    "array, message",
    [
        (np.zeros(4), r"shape \(4,\) is not \(height, width\)"),
        (np.zeros((2, 2, 4)), r"shape \(2, 2, 4\)"),
        (np.zeros((1, 2, 2, 3)), r"shape \(1, 2, 2, 3\)"),
        (np.zeros((0, 4)), "no pixels"),
        (np.zeros((2, 2), dtype=complex), "dtype complex128"),
        (np.full((2, 2), "a"), "dtype <U1"),
        (np.full((2, 2), 255.0), "from 255 to 255 are outside 0..1"),
        (np.full((2, 2), np.nan), "from nan to nan are outside 0..1"),
        (np.full((2, 2), -1), "read as 0..255"),
        (np.full((2, 2), 256), "read as 0..255"),
    ],
)
def test_arrays_that_are_no_images_are_refused(array, message):
    with pytest.raises(ImageDecodeError, match=message):
        decode_image(array)


@pytest.mark.parametrize(
    "array, expected",
    [
        (np.array([[False, True]]), [[0, 255]]),
        (np.array([[0, 200]], dtype=np.int64), [[0, 200]]),
        (np.array([[0, 257]], dtype=">u2"), [[0, 1]]),
        (np.array([[0, 0.5]], dtype=np.float16), [[0, 128]]),
        (np.zeros((1, 2, 1), dtype=np.uint8), [[0, 0]]),
    ],
)
def test_other_arrays_are_brought_to_images(array, expected):
    assert_array_equal(decode_image(array), expected)


@pytest.mark.parametrize("option", [{"mode": "RGB"}, {"dtype": "uint16"}])
def test_unknown_options_are_refused(rgb, option):
    with pytest.raises(ValueError, match=r"must be .* Got"):
        decode_image(rgb, **option)


def test_error_survives_pickling():
    error = ImageDecodeError("cat.jpg", "it is empty", "remove it")
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.source, copy.reason, str(copy)) == (
        "cat.jpg",
        "it is empty",
        "Cannot read cat.jpg: it is empty; remove it.",
    )
    assert isinstance(copy, ValueError)

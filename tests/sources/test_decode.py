"""Tests for imgfeat/sources/_decode.py."""

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image, ImageFile

from imgfeat.sources import ImageDecodeError, decode_image
from tests.sources._files import LOSSLESS, encode, raw_png, with_orientation


@pytest.fixture
def gray():
    return np.random.default_rng(0).integers(0, 256, (6, 5), dtype=np.uint8)


@pytest.fixture
def rgb():
    return np.random.default_rng(1).integers(0, 256, (6, 5, 3), dtype=np.uint8)


# Formats and sources ----------------------------------------------------------------


@pytest.mark.parametrize("format", LOSSLESS)
def test_reads_every_lossless_format(rgb, format):
    assert_array_equal(decode_image(encode(rgb, format, **LOSSLESS[format])), rgb)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_deflate", "packbits"])
def test_reads_compressed_tiff(rgb, compression):
    file = encode(rgb, "TIFF", compression=compression)
    assert_array_equal(decode_image(file), rgb)


@pytest.mark.parametrize("progressive", [False, True])
def test_reads_jpeg_as_pillow_does(rgb, progressive):
    file = encode(rgb, "JPEG", progressive=progressive)
    assert_array_equal(decode_image(file), np.asarray(Image.open(io.BytesIO(file))))


@pytest.mark.parametrize("kind", range(1, 7))
def test_reads_every_kind_of_pnm(kind):
    body = {
        1: b"1 0",
        2: b"255\n0 255",
        3: b"255\n0 0 0 255 255 255",
        4: b"\x80",
        5: b"255\n\x00\xff",
        6: b"255\n\x00\x00\x00\xff\xff\xff",
    }[kind]
    pixels = decode_image(b"P%d\n2 1\n" % kind + body, mode="gray")
    assert_array_equal(pixels, [[0, 255]])


def test_all_sources_of_one_image_agree(rgb, tmp_path):
    path = tmp_path / "photo.png"
    file = encode(rgb)
    path.write_bytes(file)
    with path.open("rb") as opened:
        opened.read(3)  # wherever it stands
        sources = [
            path,
            str(path),
            file,
            bytearray(file),
            memoryview(file),
            Image.open(path),
            Image.fromarray(rgb),
            opened,
            io.BytesIO(file),
            rgb,
        ]
        for source in sources:
            assert_array_equal(decode_image(source), rgb)
            assert_array_equal(decode_image(source), rgb)  # again: nothing is used up


def test_the_content_counts_not_the_suffix(rgb, tmp_path):
    path = tmp_path / "really.jpg"
    path.write_bytes(encode(rgb, "PNG"))
    assert_array_equal(decode_image(path), rgb)


def test_result_is_writable_and_the_caller_s_own(rgb):
    for source in (rgb, encode(rgb), Image.fromarray(rgb)):
        pixels = decode_image(source)
        assert pixels.flags.writeable and pixels.flags.c_contiguous
        assert not np.shares_memory(pixels, rgb)


def test_leaves_a_pil_image_as_it_was(rgb):
    image = Image.open(io.BytesIO(with_orientation(rgb, 6, "PNG")))
    before = image.size, image.mode
    decode_image(image, mode="gray")
    assert (image.size, image.mode) == before


# The conversion table ---------------------------------------------------------------


def test_gray_stays_gray_unless_asked(gray):
    file = encode(gray)
    assert_array_equal(decode_image(file), gray)
    assert_array_equal(decode_image(file, mode="gray"), gray)
    assert_array_equal(decode_image(file, mode="rgb"), np.dstack([gray] * 3))


def test_gray_of_rgb_is_pillow_s_luminance(rgb):
    expected = np.asarray(Image.fromarray(rgb).convert("L"))
    for source in (rgb, encode(rgb), Image.fromarray(rgb)):
        assert_array_equal(decode_image(source, mode="gray"), expected)


def test_one_bit_becomes_black_and_white(gray):
    image = Image.fromarray(gray).convert("1", dither=Image.Dither.NONE)
    for format in ("PNG", "TIFF", "BMP", "PPM"):
        pixels = decode_image(encode(image, format), mode="gray")
        assert_array_equal(pixels, np.where(gray < 128, 0, 255))


def on_white(values, alpha):
    alpha = alpha.astype(float) / 255
    return values * alpha + 255 * (1 - alpha)


def test_gray_with_alpha_lies_on_white(gray):
    alpha = gray[::-1]
    image = Image.merge("LA", [Image.fromarray(gray), Image.fromarray(alpha)])
    for source in (image, encode(image)):
        pixels = decode_image(source)
        assert pixels.shape == gray.shape
        assert_allclose(pixels, on_white(gray, alpha), atol=1)


def test_rgb_with_alpha_lies_on_white(rgb, gray):
    image = Image.fromarray(np.dstack([rgb, gray]))
    for source in (image, encode(image), encode(image, "TIFF"), image.convert("RGBa")):
        pixels = decode_image(source)
        # Premultiplied colors have fewer levels.
        atol = 2 if source is not image and isinstance(source, Image.Image) else 1
        assert_allclose(pixels, on_white(rgb, gray[..., None]), atol=atol)


def test_palette_becomes_rgb(rgb):
    image = Image.fromarray(rgb).quantize(8)
    expected = np.asarray(image.convert("RGB"))
    for source in (image, encode(image), encode(image, "BMP"), encode(image, "GIF")):
        assert_array_equal(decode_image(source), expected)


@pytest.mark.parametrize("format", ["PNG", "GIF"])
def test_palette_with_transparency_lies_on_white(format):
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putdata([0, 1])
    pixels = decode_image(encode(image, format, transparency=1))
    assert_array_equal(pixels, [[[10, 20, 30], [255, 255, 255]]])


def test_palette_with_alpha_lies_on_white():
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putdata([0, 1])
    pixels = decode_image(encode(image, transparency=bytes([255, 128])))
    expected = [[10, 20, 30], on_white(np.array([40, 50, 60]), np.array(128))]
    assert_allclose(pixels, [expected], atol=1)


def test_one_transparent_value_lies_on_white():
    gray = Image.fromarray(np.array([[7, 9]], dtype=np.uint8))
    assert_array_equal(decode_image(encode(gray, transparency=9)), [[7, 255]])
    rgb = Image.merge("RGB", [gray] * 3)
    pixels = decode_image(encode(rgb, transparency=(9, 9, 9)))
    assert_array_equal(pixels, [[[7] * 3, [255] * 3]])


def test_cmyk_jpeg_is_inverted_as_adobe_writes_it():
    color = Image.new("RGB", (16, 16), (200, 40, 90))
    file = encode(color.convert("CMYK"), "JPEG", quality=100)
    assert b"Adobe" in file
    assert_allclose(decode_image(file), np.asarray(color), atol=3)


def test_cmyk_tiff_is_not_inverted():
    color = Image.new("RGB", (16, 16), (200, 40, 90))
    pixels = decode_image(encode(color.convert("CMYK"), "TIFF"))
    assert_allclose(pixels, np.asarray(color), atol=1)


@pytest.mark.parametrize("mode", ["YCbCr", "HSV", "LAB"])
def test_other_color_spaces_become_rgb(rgb, mode):
    image = Image.fromarray(rgb).convert(mode)
    assert_array_equal(decode_image(image), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("format", ["PNG", "TIFF", "PPM"])
def test_sixteen_bits_are_rounded_or_kept(format):
    deep = np.array([[0, 128, 129, 257], [30000, 40000, 65407, 65535]], np.uint16)
    file = encode(deep, format)
    expected = np.rint(deep / 257).astype(np.uint8)
    for source in (file, deep, Image.open(io.BytesIO(file))):
        assert_array_equal(decode_image(source), expected)
        fine = decode_image(source, dtype="float32")
        assert fine.dtype == np.float32
        assert_allclose(fine, deep / 65535, rtol=1e-6)


def test_big_endian_sixteen_bits_are_read():
    deep = Image.frombytes("I;16B", (2, 1), b"\x01\x01\xff\xff")
    for source in (deep, encode(deep, "TIFF")):
        assert_array_equal(decode_image(source), [[1, 255]])


def test_sixteen_bit_rgb_png_keeps_the_upper_eight_bits():
    rows = b"\x00" + bytes.fromhex("1234 5678 9abc")
    pixels = decode_image(raw_png(1, 1, depth=16, color=2, rows=rows))
    assert_array_equal(pixels, [[[0x12, 0x56, 0x9A]]])


def test_32_bit_integers_count_as_16_bit():
    image = Image.fromarray(np.array([[0, 257, 65535]], dtype=np.int32))
    for source in (image, encode(image, "TIFF")):
        assert_array_equal(decode_image(source), [[0, 1, 255]])
    for value in (-1, 65536):
        outside = Image.fromarray(np.array([[0, value]], dtype=np.int32))
        with pytest.raises(ImageDecodeError, match=r"outside 0..65535; scale its"):
            decode_image(encode(outside, "TIFF"))


def test_float_tiff_must_be_in_unit_range():
    image = Image.fromarray(np.array([[0, 0.25, 1]], dtype=np.float32))
    assert_array_equal(decode_image(encode(image, "TIFF")), [[0, 64, 255]])
    fine = decode_image(encode(image, "TIFF"), dtype="float32")
    assert_array_equal(fine, [[0, 0.25, 1]])
    for value in (-0.5, 1.5, np.nan):
        outside = Image.fromarray(np.array([[0, value]], dtype=np.float32))
        with pytest.raises(ImageDecodeError, match=r"outside 0..1; scale its values"):
            decode_image(encode(outside, "TIFF"))


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "TIFF"])
def test_animation_gives_its_first_frame(format):
    frames = [Image.new("L", (4, 3), value).convert("RGB") for value in (60, 200)]
    options = {"lossless": True} if format == "WEBP" else {}
    file = encode(frames[0], format, save_all=True, append_images=frames[1:], **options)
    assert_array_equal(decode_image(file, mode="gray"), np.full((3, 4), 60))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_float32_is_the_value_over_the_highest(gray, dtype):
    image = gray.astype(dtype)
    pixels = decode_image(image, dtype="float32")
    assert_allclose(pixels, gray / np.iinfo(dtype).max, rtol=1e-6)


# EXIF orientation -------------------------------------------------------------------

# How each orientation stores an upright image [[1, 2, 3], [4, 5, 6]]; from the EXIF
# standard: where row 0 and column 0 lie.
STORED = {
    1: [[1, 2, 3], [4, 5, 6]],
    2: [[3, 2, 1], [6, 5, 4]],
    3: [[6, 5, 4], [3, 2, 1]],
    4: [[4, 5, 6], [1, 2, 3]],
    5: [[1, 4], [2, 5], [3, 6]],
    6: [[3, 6], [2, 5], [1, 4]],
    7: [[6, 3], [5, 2], [4, 1]],
    8: [[4, 1], [5, 2], [6, 3]],
}


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_image_is_turned_upright(orientation, format, tmp_path):
    upright = np.arange(1, 7).reshape(2, 3) * 40
    # Blocks of 8 pixels, so that JPEG keeps their values.
    block = np.ones((8, 8), dtype=np.uint8)
    stored = np.kron(np.array(STORED[orientation]) * 40, block).astype(np.uint8)
    file = with_orientation(Image.fromarray(stored).convert("RGB"), orientation, format)
    path = tmp_path / "photo"
    path.write_bytes(file)
    for source in (path, str(path), file, Image.open(path), io.BytesIO(file)):
        pixels = decode_image(source, mode="gray")
        assert_allclose(pixels, np.kron(upright, block), atol=2)


@pytest.mark.parametrize("orientation", STORED)
def test_deep_images_are_turned_too(orientation):
    stored = np.array(STORED[orientation], dtype=np.uint16) * 257
    pixels = decode_image(with_orientation(stored, orientation, "PNG"))
    assert_array_equal(pixels, [[1, 2, 3], [4, 5, 6]])


@pytest.mark.parametrize("orientation", [0, 9, 255])
def test_unknown_orientation_counts_as_upright(rgb, orientation):
    assert_array_equal(decode_image(with_orientation(rgb, orientation, "PNG")), rgb)


def test_unreadable_exif_counts_as_upright(rgb):
    for junk in (b"Exif\x00\x00junk", b"Exif\x00\x00MM\x00*\xff\xff\xff\xff"):
        assert_array_equal(decode_image(encode(rgb, exif=junk)), rgb)


# Threads ----------------------------------------------------------------------------


def test_threads_share_sources_and_settings(rgb, tmp_path):
    path = tmp_path / "photo.png"
    big = np.kron(rgb, np.ones((40, 40, 1), dtype=np.uint8))
    path.write_bytes(encode(big))
    before = ImageFile.LOAD_TRUNCATED_IMAGES
    start = threading.Barrier(8)
    with path.open("rb") as opened, ThreadPoolExecutor(8) as pool:
        for source in (path, path.read_bytes(), Image.open(path), opened):

            def decode(_, source=source):
                start.wait()
                return decode_image(source)

            for pixels in pool.map(decode, range(8)):
                assert_array_equal(pixels, big)
    assert ImageFile.LOAD_TRUNCATED_IMAGES is before


def test_open_files_are_closed(rgb, tmp_path):
    # Warnings are errors here, ResourceWarning too.
    path = Path(tmp_path, "photo.png")
    path.write_bytes(encode(rgb)[:80])
    with pytest.raises(ImageDecodeError, match=r"photo\.png"):
        decode_image(path)
    path.unlink()


@pytest.mark.parametrize("at_least, expected", [(101, 200), (100, 100), (26, 50)])
def test_jpeg_may_come_at_a_fraction_of_its_size(rgb, at_least, expected):
    large = Image.fromarray(rgb).resize((300, 200))
    pixels = decode_image(encode(large, "jpeg"), at_least=at_least)
    assert pixels.shape == (expected, expected * 3 // 2, 3)
    shrunk = np.asarray(large.resize((expected * 3 // 2, expected)), dtype=float)
    assert np.abs(pixels - shrunk).mean() < 3


def test_fraction_of_a_jpeg_is_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "turned.jpg"
    Image.new("RGB", (300, 200)).save(path, exif=exif)
    assert decode_image(path, at_least=100).shape == (150, 100, 3)


def test_other_formats_come_whole(rgb):
    pixels = decode_image(encode(rgb, "png"), at_least=1)
    assert_array_equal(pixels, rgb)

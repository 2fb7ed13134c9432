"""Tests for imgfeat/sources/_formats.py."""

import io
import struct
import zlib

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from imgfeat.sources import ImageDecodeError, _formats, decode_image
from tests.sources._files import encode, png_chunk, raw_png

RAMP = np.arange(60).reshape(6, 10)


def raw_tiff(pixels, *, photometric=1, order="<", tags=()):
    """Return a TIFF file without compression whose tags say anything."""
    height, width = pixels.shape[:2]
    n_bands = pixels.shape[2] if pixels.ndim == 3 else 1
    content = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    bits = struct.pack(order + "H", pixels.dtype.itemsize * 8) * n_bands
    kinds = struct.pack(order + "H", "?uif".index(pixels.dtype.kind)) * n_bands
    entries = {
        256: (3, struct.pack(order + "H", width)),
        257: (3, struct.pack(order + "H", height)),
        258: (3, bits),
        259: (3, struct.pack(order + "H", 1)),
        262: (3, struct.pack(order + "H", photometric)),
        273: (4, struct.pack(order + "I", 8)),
        277: (3, struct.pack(order + "H", n_bands)),
        278: (3, struct.pack(order + "H", height)),
        279: (4, struct.pack(order + "I", len(content))),
        339: (3, kinds),
        **{tag: (4, struct.pack(order + "I", value)) for tag, value in tags},
    }
    extra, rows = b"", b""
    for tag, (kind, value) in sorted(entries.items()):
        count = len(value) // {3: 2, 4: 4}[kind]
        if len(value) > 4:
            place = 8 + len(content) + len(extra)
            extra += value
            value = struct.pack(order + "I", place)
        rows += struct.pack(order + "HHI", tag, kind, count) + value.ljust(4, b"\0")
    start = b"II*\0" if order == "<" else b"MM\0*"
    start += struct.pack(order + "I", 8 + len(content) + len(extra))
    n_tags = struct.pack(order + "H", len(entries))
    return start + content + extra + n_tags + rows + bytes(4)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32])
def test_white_may_be_zero_at_every_depth(dtype, order):
    pixels = RAMP.astype(dtype)
    white = {np.uint8: 255, np.float32: 1}.get(dtype, 65535)
    if dtype == np.float32:
        pixels /= 60
    black_is_zero = decode_image(raw_tiff(pixels, order=order), dtype="float32")
    assert_array_equal(black_is_zero, (pixels / white).astype(np.float32))
    inverted = raw_tiff(pixels, photometric=0, order=order)
    expected = ((white - pixels) / white).astype(np.float32)
    assert_array_equal(decode_image(inverted, dtype="float32"), expected)


@pytest.mark.parametrize("order", ["<", ">"])
def test_integers_with_a_sign_count_as_16_bit(order):
    pixels = RAMP.astype(np.int16) * 500
    got = decode_image(raw_tiff(pixels, order=order), dtype="float32")
    assert_array_equal(got, (pixels / 65535).astype(np.float32))
    with pytest.raises(ImageDecodeError, match=r"-\d+..-\d+ are outside 0..65535"):
        decode_image(raw_tiff(pixels - 30_000, order=order))


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((6, 10), np.float64),
        np.zeros((6, 10, 3), np.float32),
        np.zeros((6, 10, 5), np.uint8),
        np.zeros((6, 10, 6), np.uint16),
    ],
    ids=["float64", "float RGB", "five bands", "six bands"],
)
def test_kinds_that_are_not_read_are_not_called_damaged(pixels):
    photometric = 2 if pixels.ndim == 3 else 1
    with pytest.raises(ImageDecodeError, match=r"not supported .*; save it as 8 or"):
        decode_image(raw_tiff(pixels, photometric=photometric))


def test_previews_in_raw_data_of_cameras_are_not_the_image():
    preview = raw_tiff(RAMP.astype(np.uint8), tags={254: 1, 330: 8}.items())
    for file in (preview, b"II*\0\x10\0\0\0CR\2\0" + bytes(50), b"IIU\0" + bytes(50)):
        with pytest.raises(ImageDecodeError, match=r"raw data.*; convert it to TIFF"):
            decode_image(file)


@pytest.mark.parametrize(
    "format", ["JPEG2000", pytest.param("AVIF", marks=pytest.mark.avif)]
)
def test_newer_formats_are_read(format):
    image = Image.fromarray(RAMP.astype(np.uint8) * 4).convert("RGB").resize((60, 50))
    file = encode(image, format)
    assert abs(decode_image(file).astype(int) - np.array(image)).mean() < 10
    with pytest.raises(ImageDecodeError, match="Cannot read the image"):
        decode_image(file[: len(file) // 2])


def test_heic_names_the_extra(monkeypatch):
    monkeypatch.setattr(_formats, "has_module", lambda name: False)
    file = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(50)
    with pytest.raises(ImageDecodeError, match=r"HEIC needs .*'imgfeat\[heif\]'"):
        decode_image(file)


def test_heic_is_read_with_the_extra():
    pillow_heif = pytest.importorskip("pillow_heif")
    heif = pillow_heif.from_pillow(Image.new("RGB", (64, 48), "red"))
    file = io.BytesIO()
    heif.save(file)
    pixels = decode_image(file.getvalue())
    assert pixels.shape == (48, 64, 3)
    assert abs(pixels.astype(int) - (255, 0, 0)).max() < 10


def test_bmp_without_any_alpha_is_opaque():
    rgb = np.random.default_rng(0).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    bgra = np.dstack([rgb[::-1, :, ::-1], np.zeros((4, 5), np.uint8)])
    masks = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    header = struct.pack("<IiiHHIIiiII", 108, 5, 4, 1, 32, 3, 80, 0, 0, 0, 0)
    header += struct.pack("<4I", *masks) + bytes(108 - 56)
    file = b"BM" + struct.pack("<IHHI", 14 + 108 + 80, 0, 0, 14 + 108) + header
    assert_array_equal(decode_image(file + bgra.tobytes()), rgb)


@pytest.mark.parametrize("kind", [b"iCCP", b"zTXt", b"iTXt"])
def test_large_profiles_and_texts_are_no_damage(kind):
    between = b"\0\0" if kind != b"iTXt" else b"\0\1\0\0\0"
    chunk = png_chunk(kind, b"k" + between + zlib.compress(bytes(3_000_000)))
    assert decode_image(raw_png(1, 1, rows=b"\0\5", extra=chunk)) == 5


@pytest.mark.parametrize(
    "file",
    [raw_png(7000, 7000), b"P5\n7000 7000\n255\n" + bytes(99), b"P4\n7000 7000\n" * 2],
    ids=["PNG", "PGM", "PBM"],
)
def test_header_that_the_file_cannot_fill_is_refused(file):
    with pytest.raises(ImageDecodeError, match="7000 x 7000 pixels, more than its"):
        decode_image(file)


def test_plain_png_fills_its_header():
    assert not decode_image(encode(Image.new("L", (5000, 5000)))).any()

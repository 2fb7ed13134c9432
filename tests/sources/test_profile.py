"""Tests for imgfeat/sources/_profile.py."""

import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image, ImageCms
from sklearn.base import clone

from imgfeat.sources import ImageDecodeError, ImageReader, decode_image
from imgfeat.sources._source import source_of
from tests.sources import _profiles as profiles
from tests.sources._files import encode, png_chunk, raw_png


@pytest.fixture(scope="module")
def rgb():
    return np.random.default_rng(0).integers(0, 256, (16, 24, 3), dtype=np.uint8)


def by_hand(image, profile, mode="RGB"):
    """What ImageCms makes of a PIL image, by relative colorimetry."""
    converted = ImageCms.profileToProfile(
        image,
        ImageCms.ImageCmsProfile(io.BytesIO(profile)),
        ImageCms.createProfile("sRGB"),
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode=mode,
    )
    return np.asarray(converted)


def to_linear(values):
    return np.where(
        values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4
    )


def from_linear(values):
    values = np.clip(values, 0, 1)
    return np.where(
        values <= 0.0031308, values * 12.92, 1.055 * values ** (1 / 2.4) - 0.055
    )


def test_display_p3_becomes_srgb_as_its_matrix_says(rgb):
    matrix = np.linalg.inv(profiles.colorants(profiles.srgb())) @ profiles.P3
    expected = from_linear(to_linear(rgb / 255) @ matrix.T) * 255
    file = encode(rgb, icc_profile=profiles.display_p3())
    found = decode_image(file, color="srgb")
    assert_allclose(found, expected, atol=1.5)
    assert np.abs(found - rgb.astype(float)).max() > 20
    assert_array_equal(decode_image(file), rgb)


@pytest.mark.parametrize(
    "format",
    ["PNG", "TIFF", "WEBP", "JPEG", pytest.param("AVIF", marks=pytest.mark.avif)],
)
def test_every_format_with_profiles_is_converted_as_imagecms_does(rgb, format):
    profile = profiles.display_p3()
    options = {"lossless": True} if format == "WEBP" else {}
    file = encode(rgb, format, icc_profile=profile, **options)
    stored = Image.fromarray(decode_image(file))
    for source in (file, io.BytesIO(file), Image.open(io.BytesIO(file))):
        found = decode_image(source, color="srgb")
        assert_array_equal(found, by_hand(stored, profile))


def test_gray_has_the_curve_of_its_profile():
    gray = np.arange(256, dtype=np.uint8).reshape(16, 16)
    for format in ("PNG", "TIFF", "JPEG"):
        options = {"quality": 100} if format == "JPEG" else {}
        file = encode(gray, format, icc_profile=profiles.linear_gray(), **options)
        found = decode_image(file, color="srgb")
        assert found.shape == gray.shape
        assert_allclose(found, from_linear(decode_image(file) / 255) * 255, atol=1)


@pytest.mark.parametrize("format", ["TIFF", "JPEG"])
def test_inks_are_mixed_as_their_profile_says(rgb, format):
    image = Image.fromarray(rgb).convert("CMYK")
    file = encode(image, format, icc_profile=profiles.inks())
    stored = Image.open(io.BytesIO(file))
    found = decode_image(file, color="srgb")
    assert_array_equal(found, by_hand(stored, profiles.inks()))
    assert np.ptp(found.astype(int), axis=2).max() <= 1  # all inks are gray
    assert np.abs(found - decode_image(file).astype(float)).max() > 50


def test_alpha_is_laid_on_white_after_the_conversion(rgb):
    profile = profiles.display_p3()
    alpha = Image.fromarray(rgb[..., 0])
    image = Image.fromarray(rgb)
    image.putalpha(alpha)
    colors = Image.fromarray(by_hand(Image.fromarray(rgb), profile))
    expected = Image.composite(colors, Image.new("RGB", colors.size, "white"), alpha)
    found = decode_image(encode(image, icc_profile=profile), color="srgb")
    assert_allclose(found, np.asarray(expected), atol=1)


def test_palette_is_converted(rgb):
    profile = profiles.display_p3()
    palette = Image.fromarray(rgb).quantize(16)
    found = decode_image(encode(palette, icc_profile=profile), color="srgb")
    assert_array_equal(found, by_hand(palette.convert("RGB"), profile))
    one_bit = Image.fromarray(rgb[..., 0]).convert("1")
    found = decode_image(
        encode(one_bit, icc_profile=profiles.linear_gray()), color="srgb"
    )
    assert_array_equal(found, np.asarray(one_bit) * 255)


def test_what_has_no_profile_stays_as_it_is(rgb):
    for source in (rgb, Image.fromarray(rgb), encode(rgb), encode(rgb, "BMP")):
        assert_array_equal(decode_image(source, color="srgb"), rgb)
    deep = rgb[..., 0].astype(np.uint16) * 256
    assert_array_equal(
        decode_image(encode(deep), color="srgb", dtype="float32"),
        decode_image(encode(deep), dtype="float32"),
    )


def test_gray_is_made_of_converted_colors(rgb):
    file = encode(rgb, icc_profile=profiles.display_p3())
    converted = Image.fromarray(decode_image(file, color="srgb"))
    gray = decode_image(file, color="srgb", mode="gray")
    assert_array_equal(gray, np.asarray(converted.convert("L")))


def bad_zlib():
    return raw_png(1, 1, rows=b"\0\0", extra=png_chunk(b"iCCP", b"x\0\0junk"))


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda rgb: encode(rgb, icc_profile=b"junk" * 50), "profile is damaged"),
        (lambda rgb: encode(rgb, icc_profile=profiles.srgb()[:300]), "is damaged"),
        (lambda rgb: bad_zlib(), "profile is damaged"),
        (
            lambda rgb: encode(rgb[..., 0], icc_profile=profiles.srgb()),
            "profile is for RGB, and its pixels are L",
        ),
        (
            lambda rgb: encode(rgb, "JPEG", icc_profile=profiles.linear_gray()),
            "profile is for L, and its pixels are RGB",
        ),
        (
            lambda rgb: encode(
                rgb[..., 0].astype(np.uint16), icc_profile=profiles.linear_gray()
            ),
            "more than 8 bits are not supported",
        ),
        (
            lambda rgb: encode(
                rgb, icc_profile=profiles.srgb().replace(b"mntr", b"link")
            ),
            r"a kind that is not supported \(link, RGB\)",
        ),
    ],
)
def test_a_profile_that_cannot_be_applied_is_refused(rgb, make, message, tmp_path):
    path = tmp_path / "photo"
    path.write_bytes(make(rgb))
    assert decode_image(path).dtype == np.uint8  # no matter without the option
    with pytest.raises(ImageDecodeError, match=message) as caught:
        decode_image(path, color="srgb")
    assert caught.match("as stored with color=None")


def test_threads_share_a_transform(rgb):
    file = encode(rgb, icc_profile=profiles.display_p3())
    expected = decode_image(file, color="srgb")
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: decode_image(file, color="srgb"), range(40)):
            assert_array_equal(found, expected)


def test_reader_converts_and_keeps_the_parameter(rgb):
    file = encode(rgb, icc_profile=profiles.display_p3())
    reader = clone(ImageReader(color="srgb"))
    assert reader.get_params()["color"] == "srgb"
    assert_array_equal(reader.transform([file])[0], decode_image(file, color="srgb"))
    assert_array_equal(ImageReader().transform([file])[0], rgb)
    with pytest.raises(ValueError, match="color"):
        ImageReader(color="p3").fit([file])
    with pytest.raises(ValueError, match=r"color must be None or 'srgb'\. Got 'p3'"):
        decode_image(file, color="p3")


def test_pictures_of_equal_pixels_and_another_profile_are_told_apart(rgb):
    plain, wide = Image.fromarray(rgb), Image.fromarray(rgb)
    wide.info["icc_profile"] = profiles.display_p3()
    assert source_of(plain).identity() != source_of(wide).identity()

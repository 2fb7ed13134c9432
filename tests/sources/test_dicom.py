"""Tests for imgfeat/sources/_dicom.py, _dicom_values.py and _dicom_frame.py."""

import io
import pickle
import traceback
import zlib

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from imgfeat.sources import (
    ImageDecodeError,
    ImageReader,
    _dicom,
    decode_image,
    load_image_folder,
)
from tests.sources._files import encode

pydicom = pytest.importorskip("pydicom")

from pydicom.data import get_testdata_file  # noqa: E402
from pydicom.pixels import (  # noqa: E402
    apply_color_lut,
    apply_modality_lut,
    apply_windowing,
    get_decoder,
)
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, generate_uid  # noqa: E402

from tests.sources._dicom_files import (  # noqa: E402
    PATIENT,
    dataset_of,
    dicom,
    ramp,
    table,
    written,
)

STORED = ramp() // 16  # 12 bits
TWELVE = {"BitsStored": 12}
WINDOW = {"WindowCenter": 1000, "WindowWidth": 800}


def path_of(name):
    return get_testdata_file(name, download=False)


def as_floats(file, **options):
    return decode_image(file, dtype="float32", **options)


# Values -----------------------------------------------------------------------------


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize("rescale", [{}, {"RescaleSlope": 2, "RescaleIntercept": -700}])
def test_windows_are_those_of_pydicom(function, rescale):
    dataset = dataset_of(STORED, **TWELVE, **WINDOW, **rescale, VOILUTFunction=function)
    found = as_floats(written(dataset))
    expected = apply_windowing(apply_modality_lut(STORED, dataset), dataset)
    slope, intercept = rescale.values() or (1, 0)
    expected = (expected - intercept) / (4095 * slope)
    if function == "SIGMOID":  # where pydicom adds the lowest value past the curve
        measured = STORED * float(slope) + intercept
        expected = 1 / (1 + np.exp(-4 * (measured - 1000) / 800))
    assert_allclose(found, expected, atol=1e-6)
    assert_allclose(decode_image(written(dataset)), found * 255, atol=0.5001)


def test_the_first_of_several_windows_counts():
    both = {"WindowCenter": [1000, 40], "WindowWidth": [800, 400]}
    assert_array_equal(
        as_floats(dicom(STORED, **TWELVE, **both)),
        as_floats(dicom(STORED, **TWELVE, **WINDOW)),
    )


def test_a_window_of_width_one_is_a_threshold():
    found = as_floats(dicom(STORED, WindowCenter=100, WindowWidth=1))
    assert_array_equal(found, STORED > 99)


def test_without_a_window_the_bits_stored_are_the_range():
    assert_allclose(as_floats(dicom(STORED, **TWELVE)), STORED / 4095, atol=1e-7)
    signed = STORED.astype(np.int16) - 2048
    found = as_floats(dicom(signed, **TWELVE, RescaleSlope=-1, RescaleIntercept=5))
    assert_allclose(found, 1 - STORED / 4095, atol=1e-6)


def test_float32_keeps_more_levels_than_uint8():
    file = dicom(STORED, **TWELVE)
    assert len(np.unique(decode_image(file))) == 256
    assert len(np.unique(as_floats(file))) == len(np.unique(STORED))


def test_eight_bits_come_as_they_are_whatever_the_range():
    pixels = ramp(dtype=np.uint8, step=1)
    assert_array_equal(decode_image(dicom(pixels)), pixels)
    assert_array_equal(decode_image(dicom(pixels), value_range=(0, 4095)), pixels)


def test_a_modality_table_comes_before_the_window():
    entries = np.arange(4096)[::-1] // 2
    found = as_floats(
        dicom(STORED, **TWELVE, **WINDOW, ModalityLUTSequence=table(entries))
    )
    as_stored = dicom(entries[STORED].astype(np.uint16), **TWELVE, **WINDOW)
    assert_array_equal(found, as_floats(as_stored))


@pytest.mark.parametrize("n_bits", [8, 12, 16])
def test_a_table_of_values_comes_before_a_window(n_bits):
    entries = np.linspace(0, 2**n_bits - 1, 4000).astype(int)
    file = dicom(
        STORED, **TWELVE, **WINDOW, VOILUTSequence=table(entries, 50, n_bits=n_bits)
    )
    index = np.clip(STORED.astype(int) - 50, 0, 3999)
    assert_allclose(as_floats(file), entries[index] / (2**n_bits - 1), atol=1e-7)


@pytest.mark.parametrize("order", [{}, WINDOW], ids=["stored", "window"])
def test_monochrome1_is_inverted_last(order):
    plain = as_floats(dicom(STORED, **TWELVE, **order))
    inverted = dicom(
        STORED,
        **TWELVE,
        **order,
        PhotometricInterpretation="MONOCHROME1",
        PresentationLUTShape="INVERSE",
    )
    assert_allclose(as_floats(inverted), 1 - plain, atol=1e-7)
    eight = ramp(dtype=np.uint8, step=1)
    inverted = dicom(eight, PhotometricInterpretation="MONOCHROME1")
    assert_array_equal(decode_image(inverted), 255 - eight)


def test_a_value_range_takes_the_place_of_the_window():
    hounsfield = {"RescaleSlope": 1, "RescaleIntercept": -1024}
    file = dicom(STORED, **TWELVE, **WINDOW, **hounsfield)
    found = as_floats(file, value_range=(-1024, 3071))
    assert_allclose(found, STORED / 4095, atol=1e-7)
    with pytest.raises(ImageDecodeError, match="outside value_range"):
        as_floats(file, value_range=(-1000, 400))
    inverted = {"PhotometricInterpretation": "MONOCHROME1"}
    file = dicom(STORED, **TWELVE, **WINDOW, **hounsfield, **inverted)
    found = as_floats(file, value_range=(-1024, 3071))
    assert_allclose(found, 1 - STORED / 4095, atol=1e-7)


def test_a_batch_without_windows_that_is_flat_is_told_of():
    path = path_of("CT_small.dcm")
    match = r"without a window .*value_range=\(-1024"
    with pytest.warns(UserWarning, match=match) as w:
        ImageReader((16, 16)).transform([path, path])
    assert len(w) == 1
    found = ImageReader((16, 16), value_range=(-1024, 3071)).transform([path])
    assert np.ptp(found) > 64


# Colors -----------------------------------------------------------------------------


def test_rgb_comes_as_it_is_and_deep_rgb_by_its_upper_bits():
    rgb = np.random.default_rng(0).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    assert_array_equal(decode_image(dicom(rgb)), rgb)
    deep = rgb.astype(np.uint16) * 256 + 77
    assert_array_equal(decode_image(dicom(deep)), rgb)


def test_a_palette_is_looked_up():
    path = path_of("examples_palette.dcm")
    dataset = pydicom.dcmread(path)
    expected = apply_color_lut(dataset.pixel_array, dataset) >> 8
    assert_array_equal(decode_image(path), expected)


# All that pydicom ships -------------------------------------------------------------

ONE_RGB = ("rgb_rle", "rgb_dcmtk_+eb+cr", "ybr_full_422_uncompressed")


def test_all_encodings_of_one_picture_look_alike():
    expected = decode_image(path_of("MR_small.dcm"))
    for kind in ("RLE", "bigendian", "expb", "implicit", "padded", "jp2klossless"):
        assert_array_equal(decode_image(path_of(f"MR_small_{kind}.dcm")), expected)
    rgb = decode_image(path_of("SC_rgb_rle.dcm")).astype(int)
    for name in ONE_RGB:
        found = decode_image(path_of(f"SC_{name}.dcm")).astype(int)
        assert abs(found - rgb).mean() < 2


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("examples_ybr_color.dcm", r"30 frames.*pixel_array\(path, index=0\)"),
        ("rtplan.dcm", "holds no pixels"),
        ("reportsi.dcm", "holds no pixels"),
        ("waveform_ecg.dcm", "holds no pixels"),
        ("meta_missing_tsyntax.dcm", "holds no pixels"),
        ("badVR.dcm", "header is damaged"),
        ("liver_1frame.dcm", "enhanced object"),
        ("image_dfl.dcm", "deflated as a whole"),
        ("MR_truncated.dcm", "truncated or damaged"),
        ("no_meta.dcm", "is not an image file"),
        ("GDCMJ2K_TextGBR.dcm", "JPEG 2000 data stands in a file of its own"),
    ],
)
def test_what_is_no_image_is_refused_by_name(name, match):
    with pytest.raises(ImageDecodeError, match=match):
        decode_image(path_of(name))


# Bad input --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("elements", "match"),
    [
        ({"PhotometricInterpretation": "HSV"}, "interpretation is of another kind"),
        ({"PhotometricInterpretation": "RGB"}, "is RGB, with 1 samples"),
        ({"PresentationLUTShape": "INVERSE"}, "both MONOCHROME2 and INVERSE"),
        ({"BitsStored": 12, "HighBit": 15}, "keeps 12 of 16 bits up to bit 15"),
        ({"PixelData": None}, "holds no pixels"),
        ({"WindowCenter": 1, "WindowWidth": 0}, "its window are damaged"),
        ({**WINDOW, "VOILUTFunction": "CUBIC"}, "its window are damaged"),
        ({"VOILUTSequence": table([1, 2], n_bits=40)}, "its tables .* damaged"),
        ({"RescaleSlope": 0, "RescaleIntercept": 0}, "outside 0..1"),
        ({"Rows": 0}, "no pixels"),
        ({"Rows": 65}, "truncated or damaged"),
        ({"NumberOfFrames": 2}, "2 frames"),
    ],
)
def test_a_header_that_makes_no_sense_is_refused(elements, match):
    with pytest.raises(ImageDecodeError, match=match):
        decode_image(dicom(ramp(), **elements))


def test_the_header_is_held_against_the_limit_before_anything_is_decoded(monkeypatch):
    monkeypatch.setattr(_dicom.DicomImage, "decode", None)
    with pytest.raises(ImageDecodeError, match="60000 x 60000 pixels, more than"):
        decode_image(dicom(ramp(), Rows=60000, Columns=60000))


@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, JPEG2000Lossless])
def test_a_frame_that_is_larger_than_its_file_says_is_refused(syntax):
    large = Image.new("L", (640, 480))
    frame = encode(large, "JPEG" if syntax == JPEGBaseline8Bit else "JPEG2000")
    frame = frame[frame.find(b"\xff\x4f\xff\x51") :] if frame[:1] == b"\0" else frame
    dataset = dataset_of(np.zeros((8, 8), np.uint8))
    dataset.PixelData = pydicom.encaps.encapsulate([frame])
    dataset.file_meta.TransferSyntaxUID = syntax
    with pytest.raises(ImageDecodeError, match="of another size than its header"):
        decode_image(written(dataset))
    dataset.Rows, dataset.Columns = 480, 640
    assert not decode_image(written(dataset)).any()


def test_a_jpeg_within_that_ends_early_is_refused():
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    frame = encode(noise, "JPEG")
    dataset = dataset_of(noise)
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    dataset.PixelData = pydicom.encaps.encapsulate([frame[: len(frame) // 2]])
    with pytest.raises(ImageDecodeError, match="truncated or damaged"):
        decode_image(written(dataset))


def test_an_unknown_transfer_syntax_is_named():
    dataset = dataset_of(ramp())
    dataset.file_meta.TransferSyntaxUID = uid = generate_uid()
    dataset.preamble = bytes(128)
    file = io.BytesIO()
    dataset.save_as(file, implicit_vr=False, little_endian=True)
    with pytest.raises(ImageDecodeError, match=f"decodes its transfer syntax {uid}"):
        decode_image(file)


@pytest.mark.parametrize(
    ("name", "plugins", "match"),
    [
        ("MR_small_jp2klossless.dcm", (), r"JPEG 2000.*'imgfeat\[medical\]'"),
        ("SC_rgb_jpeg_gdcm.dcm", (), r"JPEG Lossless.*install pylibjpeg-libjpeg"),
        ("JPGExtended.dcm", ("pillow",), r"JPEG Extended.*install pylibjpeg-libjpeg"),
    ],
)
def test_a_missing_decoder_is_named(name, plugins, match, monkeypatch):
    decoder = type(get_decoder(JPEG2000Lossless))
    monkeypatch.setattr(decoder, "available_plugins", plugins)
    monkeypatch.setattr(decoder, "is_available", bool(plugins))
    with pytest.raises(ImageDecodeError, match=match):
        decode_image(path_of(name))


def test_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(_dicom, "has_module", lambda name: False)
    with pytest.raises(ImageDecodeError, match=r"DICOM needs .*'imgfeat\[medical\]'"):
        decode_image(dicom(ramp()))


@pytest.mark.parametrize(
    "name", ["MR_small.dcm", "MR_small_RLE.dcm", "MR_small_jp2klossless.dcm",
             "SC_rgb_dcmtk_+eb+cr.dcm", "examples_palette.dcm"],
)  # fmt: skip
def test_a_damaged_file_is_an_image_or_refused(name):
    with open(path_of(name), "rb") as file:
        whole = file.read()
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    n_refused = 0
    for _ in range(40):
        damaged = bytearray(whole[: rng.integers(132, len(whole))])
        for at in rng.integers(132, len(damaged), 3) if rng.random() < 0.5 else ():
            damaged[at] = rng.integers(256)
        try:
            pixels = decode_image(bytes(damaged))
        except ImageDecodeError as error:
            n_refused += 1
            assert len(str(error)) < 400
        else:
            assert pixels.dtype == np.uint8
    assert n_refused > 20


# The patient ------------------------------------------------------------------------


def test_only_what_an_image_needs_is_read():
    with io.BytesIO(dicom(ramp())) as file:
        image = _dicom.open_dicom(file, "scan")
    assert {element.keyword for element in image._dataset} <= set(_dicom._TAGS)
    assert PATIENT not in repr(image._dataset) + repr(image.info) + repr(image)


def test_no_message_quotes_a_damaged_file():
    file = dicom(ramp(), PatientName=None, PatientID=None, WindowWidth=123456)
    file = file.replace(b"123456", b"DOE^JO")
    assert b"DOE^JO" in file
    with pytest.raises(ImageDecodeError, match="damaged") as caught:
        decode_image(file)
    error = caught.value
    assert "DOE" not in "".join(traceback.format_exception(error))
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


# The rooms above --------------------------------------------------------------------


def test_a_folder_of_scans_is_read_like_photos(tmp_path):
    for label in ("ill", "well"):
        (tmp_path / label).mkdir()
        for row in range(2):
            (tmp_path / label / f"{row}.dcm").write_bytes(
                dicom(STORED, **TWELVE, **WINDOW)
            )
    (tmp_path / "well" / "IM0001").write_bytes(dicom(STORED, **TWELVE, **WINDOW))
    bunch = load_image_folder(tmp_path)
    assert len(bunch.images) == 5
    found = ImageReader((32, 32)).set_output(transform="pandas")
    found = found.fit_transform(pd.Series(bunch.images))
    assert PATIENT not in found.to_json(default_handler=str)

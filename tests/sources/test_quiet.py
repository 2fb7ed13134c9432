"""Tests for imgfeat/sources/_quiet.py and _libtiff.py: decoders print nothing."""

import io
import subprocess
import sys
import textwrap
import threading
import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image, TiffImagePlugin

from imgfeat.sources import ImageDecodeError, decode_image
from imgfeat.sources._libtiff import libtiff_errors
from imgfeat.sources._quiet import no_warnings
from tests._hangs import HANGS_S
from tests.sources._files import encode, png_chunk, raw_png


@pytest.fixture(scope="module")
def image():
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def loud_files(image):
    """Files about which Pillow warns, or libtiff prints, by name."""
    exif = b"Exif\0\0II*\0\x08\0\0\0\x05\0\x12\x01\x03\0\x09\0\0\0\x01\0\0\0"
    palette = image.quantize(8)
    files = {
        "exif.jpg": encode(image, "JPEG", exif=exif),
        "exif.png": encode(image, "PNG", exif=exif),
        "palette.png": encode(palette, transparency=bytes(range(8))),
        "apng.png": raw_png(1, 1, rows=b"\0\0", extra=png_chunk(b"acTL", bytes(8))),
    }
    lzw = encode(image, "TIFF", compression="tiff_lzw")
    fax = encode(image.convert("1"), "TIFF", compression="group4")
    for name, file in {"lzw.tif": lzw, "fax.tif": fax}.items():
        files[name] = file[:40] + b"\xff" * 30 + file[70:]
    tiff = encode(image, "TIFF")
    # A width that is there twice.
    files["twice.tif"] = tiff.replace(
        b"\x00\x01\x04\x00\x01\x00\x00\x00", b"\x00\x01\x04\x00\x02\x00\x00\x00"
    )
    return files


def test_files_that_decoders_complain_of_leave_stderr_empty(image, tmp_path):
    for name, file in loud_files(image).items():
        (tmp_path / name).write_bytes(file)
    code = """
        import sys
        from pathlib import Path
        from PIL import Image
        from imgfeat.sources import ImageReader, list_unreadable

        paths = sorted(Path(sys.argv[1]).iterdir())
        if sys.argv[2] == "Pillow":
            for path in paths:
                try:
                    image = Image.open(path)
                    image.load()
                    image.getexif()
                    image.convert("RGB")
                except Exception:
                    pass
        else:
            table = list_unreadable(paths * 5, n_jobs=4)
            print(*(Path(path).name for path in table.path), sep="\\n")
    """
    runs = {
        who: subprocess.run(
            [
                sys.executable,
                "-W",
                "always",
                "-c",
                textwrap.dedent(code),
                tmp_path,
                who,
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        for who in ("Pillow", "imgfeat")
    }
    for text in ("Corrupt EXIF", "Palette images", "Invalid APNG", "Metadata Warning"):
        assert text in runs["Pillow"].stderr  # or this tests nothing
    for text in ("Fax4Decode: Bad code", "Using code not yet in table"):
        assert text in runs["Pillow"].stderr
    assert runs["imgfeat"].stderr == ""
    assert {"lzw.tif", "fax.tif"} <= set(runs["imgfeat"].stdout.split())


def test_what_libtiff_says_becomes_the_reason(image):
    files = loud_files(image)
    for name in ("lzw.tif", "fax.tif"):
        with pytest.raises(ImageDecodeError, match=r"^Cannot read the image: its data"):
            decode_image(files[name])
    assert decode_image(files["fax.tif"], strict=False).shape == (32, 32)


def test_filters_of_the_program_do_not_decide_what_is_read(image):
    file = loud_files(image)["palette.png"]
    found = []
    for action in ("error", "ignore", "always"):
        with warnings.catch_warnings(record=action == "always") as caught:
            warnings.simplefilter(action)
            filters = list(warnings.filters)
            found.append(decode_image(file))
            assert warnings.filters == filters
            assert not caught
    for pixels in found:
        assert_array_equal(pixels, found[0])


def test_other_threads_are_still_warned():
    ready, done = threading.Event(), threading.Event()

    def decode():
        with no_warnings(), libtiff_errors():
            TiffImagePlugin.warnings.warn("ours", stacklevel=1)
            ready.set()
            done.wait(HANGS_S)

    thread = threading.Thread(target=decode)
    thread.start()
    assert ready.wait(HANGS_S)
    with pytest.warns(UserWarning, match="theirs") as caught:
        TiffImagePlugin.warnings.warn("theirs", stacklevel=1)
    done.set()
    thread.join()
    assert [str(warning.message) for warning in caught] == ["theirs"]
    assert caught[0].filename == __file__


def test_pillow_is_as_before_afterwards(image, capfd):
    broken = loud_files(image)["fax.tif"]
    with pytest.raises(ImageDecodeError, match="Fax4Decode"):
        decode_image(broken)
    assert capfd.readouterr().err == ""
    Image.open(io.BytesIO(broken)).load()
    assert "Fax4Decode" in capfd.readouterr().err

"""Tests for examples/serve_onnx_alone.py, where there is nothing else of ours."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import imgfeat
from imgfeat.deploy import export_onnx
from tests._composites import TEXTURES, draw_composites

pytestmark = pytest.mark.onnx

KINDS = "jpg", "png", "bmp", "webp"
EXAMPLE = Path(__file__).parent.parent / "examples" / "serve_onnx_alone.py"
_ALONE = """
import runpy, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"imgfeat", "sklearn", "torch", "cv2", "onnx"}:
            raise ImportError(f"{name} is not to be imported")

sys.meta_path.insert(0, Refuse())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def run_alone(*arguments):
    command = [sys.executable, "-c", _ALONE, str(EXAMPLE), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_example_labels_photos_as_the_model_does(tmp_path):
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (30 + 9 * k, 60, 3), np.uint8) for k in range(6)]
    images = [image // (1 + k % 2) for k, image in enumerate(images)]
    model = imgfeat.make_recipe("hog-lr", size=32).fit(images, ["dim", "bright"] * 3)
    export_onnx(model, tmp_path / "model.onnx")

    photos = [
        tmp_path / f"{name}.{kind}" for name, kind in zip("abcd", KINDS, strict=True)
    ]
    for image, photo in zip(images, photos, strict=False):
        Image.fromarray(image).save(photo)
    turned = Image.fromarray(images[0])
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(photos[0], exif=exif)
    clear = Image.fromarray(images[1]).convert("RGBA")
    clear.putalpha(Image.fromarray(images[1][..., 0]))
    clear.save(photos[1])
    Image.fromarray(images[2][..., 0]).save(photos[2])

    lines = run_alone(tmp_path / "model.onnx", *photos).splitlines()
    labels = model.predict([str(photo) for photo in photos])
    shares = model.predict_proba([str(photo) for photo in photos]).max(axis=1)
    assert lines == [
        f"{photo}: {label} ({share:.3f})"
        for photo, label, share in zip(photos, labels, shares, strict=True)
    ]


def test_example_tells_all_labels_of_a_photo(tmp_path):
    images, labels = draw_composites(40)
    names = [
        [name for name, has in zip(TEXTURES, row, strict=True) if has] for row in labels
    ]
    model = imgfeat.make_recipe("hog-lr", size=32).fit(images, names)
    export_onnx(model, tmp_path / "model.onnx")
    photos = [tmp_path / f"{row}.png" for row in range(6)]
    for image, photo in zip(images, photos, strict=False):
        Image.fromarray(image).save(photo)
    lines = run_alone(tmp_path / "model.onnx", *photos).splitlines()
    for photo, line, row in zip(
        photos, lines, model.predict_proba(images[:6]), strict=True
    ):
        pairs = zip(TEXTURES, row, strict=True)
        given = [f"{name} ({share:.3f})" for name, share in pairs if share > 0.5]
        assert line == f"{photo}: {', '.join(given) or 'none of the labels'}"

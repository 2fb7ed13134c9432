"""Small photos in a folder, one of which is none, and what describes them."""

import numpy as np
import pytest
from PIL import Image
from sklearn.pipeline import make_pipeline

from imgfeat import make_recipe
from imgfeat.features import HOG
from imgfeat.sources import ImageReader
from tests.deploy._saved import save_at

pytest.importorskip("pyarrow")

N_IMAGES, BAD = 23, 17


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """A folder of 23 images of noise, of which the 18th is broken."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for number in range(N_IMAGES):
        pixels = rng.integers(0, 256, (20, 18, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:02}.png")
    broken = folder / f"{BAD:02}.png"
    broken.write_bytes(broken.read_bytes()[:300])
    return folder


@pytest.fixture(scope="session")
def describe():
    """A transformer of images that learns nothing."""
    reader = ImageReader((16, 16), mode="gray")
    return make_pipeline(reader, HOG(pixels_per_cell=(8, 8)))


@pytest.fixture(scope="session")
def classifier(pictures):
    """A classifier of these images."""
    paths = sorted(map(str, pictures.glob("0*.png")))
    return make_recipe("hog-lr", size=16).fit(paths, ["a", "b"] * 5)


@pytest.fixture(scope="session")
def saved_classifier(classifier, tmp_path_factory):
    """The file of `classifier`."""
    return save_at(classifier, tmp_path_factory.mktemp("saved") / "m.imgfeat")


def contents(folder):
    """Names and bytes of all that is in a folder, but for the lock."""
    return {
        path.name: path.read_bytes()
        for path in folder.iterdir()
        if path.name != ".lock"
    }

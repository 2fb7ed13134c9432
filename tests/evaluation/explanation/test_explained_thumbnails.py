"""Tests for imgfeat/evaluation/explanation/_explained_thumbnails.py."""

import base64
import io

import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from imgfeat.evaluation.explanation._explained_thumbnails import explain_thumbnails
from imgfeat.features import HOG, CNNEmbedding, ColorHistogram
from imgfeat.preprocess import Grayscale
from tests.evaluation.explanation._scenes import ColorNet, scenes

IMAGES, LABELS, _ = scenes(8)


def opened(address):
    head, data = address.split(",")
    assert head == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


@pytest.fixture(scope="module")
def model():
    net = CNNEmbedding(ColorNet(), engine="torch", n_jobs=1)
    return make_pipeline(net, LogisticRegression()).fit(IMAGES, LABELS)


def test_pictures_are_small_and_as_many_as_images(model):
    large = np.repeat(np.repeat(IMAGES[0], 20, axis=0), 10, axis=1)
    first, second = explain_thumbnails(model, [large, IMAGES[1]])
    assert opened(first).size == (80, 160)
    assert opened(second).size == (24, 24)


def test_what_cannot_be_read_or_explained_is_none(model, tmp_path):
    path = tmp_path / "broken.png"
    path.write_bytes(b"no picture")
    found = explain_thumbnails(model, [path, IMAGES[0], tmp_path / "gone.png"])
    assert [picture is None for picture in found] == [True, False, True]
    hog = make_pipeline(Grayscale(), HOG(), LogisticRegression()).fit(IMAGES, LABELS)
    other = np.zeros((9, 9, 3), dtype=np.uint8)  # too small for it
    assert explain_thumbnails(hog, [other, IMAGES[0]])[0] is None


def test_occlusion_is_only_for_who_asks():
    model = make_pipeline(ColorHistogram(2), LogisticRegression()).fit(IMAGES, LABELS)
    assert explain_thumbnails(model, IMAGES[:2]) == [None, None]
    (picture,) = explain_thumbnails(model, IMAGES[:1], occlude=True)
    assert opened(picture).size == (24, 24)

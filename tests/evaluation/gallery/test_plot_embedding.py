"""Tests for imgfeat/evaluation/gallery/_plot_embedding.py."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from PIL import Image
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from imgfeat.evaluation import plot_embedding
from imgfeat.evaluation.gallery._plot_embedding import place_apart
from imgfeat.features import HOG
from imgfeat.sources import ImageDecodeError, ImageReader

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture
def gallery():
    """Forty 16 x 16 gray images of noise."""
    return np.random.default_rng(0).integers(0, 256, (40, 16, 16), dtype=np.uint8)


def features(n=40, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, 6)) * [5, 3, 1, 1, 1, 1]


def hog():
    return HOG(pixels_per_cell=(4, 4), cells_per_block=(1, 1))


def dots(ax):
    return np.asarray(ax.collections[0].get_offsets())


def frames(ax):
    """Left, right, bottom and top of each thumbnail."""
    return np.array([image.get_extent() for image in ax.images])


def test_places_are_the_first_two_components():
    X = features()
    ax = plot_embedding(X, None)
    pca = PCA(2).fit(X)
    expected = pca.transform(X)
    assert np.abs(dots(ax)) == pytest.approx(np.abs(expected), abs=1e-4)
    share = pca.explained_variance_ratio_
    assert ax.get_xlabel() == f"component 1 ({share[0]:.0%} of the variance)"
    assert ax.get_ylabel() == f"component 2 ({share[1]:.0%} of the variance)"
    assert ax.get_aspect() == 1 and ax.get_legend() is None


def test_classifier_is_left_out(gallery):
    model = make_pipeline(hog(), LogisticRegression()).fit(gallery, np.arange(40) % 2)
    found = dots(plot_embedding(model, gallery, thumbnails=False))
    expected = dots(plot_embedding(hog().transform(gallery), gallery, thumbnails=0))
    assert found == pytest.approx(expected)


def test_every_image_is_a_thumbnail_or_a_dot_and_none_is_covered(gallery):
    X = features()
    ax = plot_embedding(X, gallery)
    boxes = frames(ax)
    middles = np.column_stack([boxes[:, :2].mean(axis=1), boxes[:, 2:].mean(axis=1)])
    everything = dots(plot_embedding(X, None))
    together = np.concatenate([middles, dots(ax)])
    order, other = np.lexsort(together.T), np.lexsort(everything.T)
    assert together[order] == pytest.approx(everything[other])
    side = boxes[0, 1] - boxes[0, 0]
    gaps = np.abs(middles[:, None] - middles).max(axis=2)
    assert 5 < len(boxes) < 40
    assert gaps[~np.eye(len(boxes), dtype=bool)].min() >= side * (1 - 1e-9)


def test_thumbnail_is_the_picture_at_its_place(gallery, tmp_path):
    paths = []
    for row in range(6):
        paths.append(tmp_path / f"{row}.png")
        Image.new("RGB", (90, 70), (40 * row, 10, 10)).save(paths[-1])
    X = features(6)
    ax = plot_embedding(X, pd.Series(paths))
    places = dots(plot_embedding(X, None))
    for image in ax.images:
        left, right, bottom, top = image.get_extent()
        middle = (left + right) / 2, (bottom + top) / 2
        (row,) = np.flatnonzero(np.isclose(places, middle).all(axis=1))
        assert np.asarray(image.get_array())[5, 5].tolist() == [40 * row, 10, 10]


def test_seed_alone_decides_who_gets_the_room(gallery):
    X = features()
    same = [frames(plot_embedding(X, gallery, random_state=3)) for _ in range(2)]
    np.testing.assert_array_equal(*same)
    other = frames(plot_embedding(X, gallery, random_state=4))
    assert other.shape != same[0].shape or (other != same[0]).any()


def test_thumbnails_are_as_many_as_asked_at_most(gallery):
    assert len(plot_embedding(features(), gallery, thumbnails=3).images) == 3
    assert len(plot_embedding(features(), gallery, thumbnails=False).images) == 0


def test_points_that_are_near_one_placed_have_no_room():
    points = np.array([[0, 0], [0.5, 0.5], [1, 0], [0.2, 1.3], [5, 5]])
    assert place_apart(points, 1, range(5), 9) == [0, 2, 3, 4]
    assert place_apart(points, 1, [4, 1, 0, 2, 3], 9) == [4, 1]
    assert place_apart(points, 1, range(5), 2) == [0, 2]


def test_colors_and_legend_tell_the_classes(gallery):
    y = np.array(["b2", "b10", "_$a$", None], dtype=object)[np.arange(40) % 4]
    ax = plot_embedding(features(), gallery, y, thumbnails=0)
    ax.figure.canvas.draw()
    texts = [text.get_text().strip("\u200b") for text in ax.get_legend().get_texts()]
    assert texts == [r"_\$a\$", "b2", "b10"]  # natural order
    colors = ax.collections[0].get_facecolors()[:, :3]
    marks = [line.get_color()[:3] for line in ax.get_legend().get_lines()]
    for label, mark in zip(
        ["_$a$", "b2", "b10", None], [*marks, [0.5] * 3], strict=True
    ):
        assert colors[y == label] == pytest.approx(np.tile(mark, (10, 1)))


def test_legend_of_many_classes_is_cut():
    ax = plot_embedding(features(100), None, np.arange(100) % 50)
    ax.figure.canvas.draw()
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert len(texts) == 31 and texts[-1].endswith("and 20 more")
    assert len(np.unique(ax.collections[0].get_facecolors(), axis=0)) == 50


@pytest.mark.parametrize(
    "X", [np.arange(8.0)[:, None], np.ones((8, 3)), np.ones((2, 1)), features(2)]
)
def test_features_without_two_directions_are_drawn(X, gallery):
    _, ax = plt.subplots()
    assert plot_embedding(X, gallery[: len(X)], ax=ax) is ax
    ax.figure.canvas.draw()
    assert len(ax.images) + len(dots(ax)) == len(X)


def test_errors_say_what_is_needed(gallery, tmp_path):
    with pytest.raises(ValueError, match=r"Got 3 rows and 40 images"):
        plot_embedding(features(3), gallery)
    with pytest.raises(ValueError, match=r"needs a class an image. Got 3 for 40"):
        plot_embedding(features(), gallery, [1, 2, 3])
    with pytest.raises(ValueError, match=r"needs 2 images at least. Got 1"):
        plot_embedding(features(1), None)
    with pytest.raises(ValueError, match=r"needs images to make features of"):
        plot_embedding(hog(), None)
    with pytest.raises(ValueError, match=r"Got NaN or infinity for image 2; drop it"):
        plot_embedding(np.array([[1.0], [2.0], [np.nan]]), None)
    with pytest.raises(TypeError, match=r"plot_embedding needs a model that makes"):
        plot_embedding(LogisticRegression(), gallery)
    pipeline = make_pipeline(ImageReader(16), hog())
    with pytest.raises(ImageDecodeError, match=r"missing\.png"):
        plot_embedding(pipeline, [tmp_path / "missing.png"] * 2)

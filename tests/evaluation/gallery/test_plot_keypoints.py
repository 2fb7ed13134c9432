"""Tests for imgfeat/evaluation/gallery/_plot_keypoints.py."""

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot as plt
from PIL import Image
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from imgfeat.evaluation import plot_keypoints
from imgfeat.features import HOG, ORB, SIFT, BagOfVisualWords, DenseSIFT
from imgfeat.sources import ImageReader

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def blob(row, col, sigma, shape=(96, 120)):
    y, x = np.mgrid[: shape[0], : shape[1]]
    squared = (y - row) ** 2 + (x - col) ** 2
    return np.exp(-squared / (2 * sigma**2))


def circles(ax):
    """Centres (x, y), radii, and directions in degrees, as they are drawn."""
    outlines = np.array(ax.collections[0].get_segments())
    start = outlines[:, 1] - outlines[:, 0]
    radii = np.linalg.norm(start, axis=1)
    return outlines[:, 0], radii, np.rad2deg(np.arctan2(start[:, 1], start[:, 0]))


@pytest.mark.parametrize(("row", "col", "sigma"), [(40, 70, 5), (60, 30, 8)])
def test_circle_is_where_the_blob_is_and_as_large(row, col, sigma):
    centers, radii, _ = circles(plot_keypoints(SIFT(), blob(row, col, sigma)))
    assert centers == pytest.approx(np.tile([col, row], (len(centers), 1)), abs=0.6)
    assert radii == pytest.approx([sigma] * len(radii), rel=0.3)


def test_direction_turns_with_the_image():
    lopsided = 1 + np.tanh((np.arange(100) - 50) / 6)
    image = 0.5 * lopsided * blob(50, 50, 6, (100, 100))
    _, _, (right,) = circles(plot_keypoints(SIFT(1), image))
    _, _, (down,) = circles(plot_keypoints(SIFT(1), image.T.copy()))
    assert right == pytest.approx(0, abs=10)
    assert down == pytest.approx(90, abs=10)


@pytest.mark.parametrize("detector", [SIFT(60), ORB(60), DenseSIFT(8, bin_size=(3, 5))])
def test_places_are_those_of_the_descriptors(detector):
    image = np.random.default_rng(0).integers(0, 256, (90, 110), dtype=np.uint8)
    centers, radii, _ = circles(plot_keypoints(detector, image))
    positions = detector.transform([image]).positions
    places = (positions * image.shape - 0.5)[:, ::-1]
    assert len(radii) == len(places) > 20
    assert centers == pytest.approx(places, abs=1e-3)
    assert (radii > 0.9).all()


def test_reader_in_front_resizes_image_and_places_alike(tmp_path):
    path = tmp_path / "blob.png"
    Image.fromarray((255 * blob(120, 300, 20, (240, 400))).astype(np.uint8)).save(path)
    reader = ImageReader((120, 200), mode="gray")
    pipeline = make_pipeline(reader, SIFT(), BagOfVisualWords(2), LinearSVC())
    ax = plot_keypoints(pipeline, path)
    assert ax.images[0].get_array().shape == (120, 200)
    centers, radii, _ = circles(ax)
    assert centers == pytest.approx(np.tile([149.75, 59.75], (len(centers), 1)), abs=1)
    assert radii == pytest.approx([10] * len(radii), rel=0.3)


def test_square_of_a_grid_is_what_a_descriptor_sees():
    ax = plot_keypoints(DenseSIFT(4, bin_size=(4, 6)), np.zeros((64, 64), np.uint8))
    squares = np.array(ax.collections[2].get_segments())
    assert np.ptp(squares, axis=1).tolist() == [[16, 16], [24, 24]]
    assert abs(squares.mean(axis=1) - 31.5).max() < 4
    assert "descriptors" in ax.get_title()


def test_strongest_are_drawn_if_asked():
    image = np.random.default_rng(0).integers(0, 256, (90, 110), dtype=np.uint8)
    everything, _, _ = circles(plot_keypoints(SIFT(), image))
    ax = plot_keypoints(SIFT(), image, max_keypoints=5)
    some, _, _ = circles(ax)
    np.testing.assert_array_equal(some, everything[:5])
    assert ax.get_title() == f"5 of {len(everything)} keypoints"


@pytest.mark.parametrize("detector", [SIFT(), ORB()])
def test_blank_image_has_none(detector):
    _, ax = plt.subplots()
    assert plot_keypoints(detector, [np.zeros((80, 80, 3), np.uint8)], ax) is ax
    ax.figure.canvas.draw()
    assert ax.get_title() == "0 keypoints"
    assert len(ax.collections[0].get_segments()) == 0


def test_errors_say_what_is_needed(images):
    with pytest.raises(TypeError, match=r"needs SIFT, ORB or DenseSIFT, alone or in a"):
        plot_keypoints(HOG(), images[0])
    with pytest.raises(ValueError, match=r"plot_keypoints draws one image. Got 6"):
        plot_keypoints(SIFT(), images)
    with pytest.raises(ValueError, match=r"max_keypoints is 0 or more. Got -1"):
        plot_keypoints(SIFT(), images[0], max_keypoints=-1)
    with pytest.raises(ValueError, match=r"needs images of at least 19 x 19 pixels"):
        plot_keypoints(DenseSIFT(bin_size=6), images[0])

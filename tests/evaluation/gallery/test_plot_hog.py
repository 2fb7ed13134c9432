"""Tests for imgfeat/evaluation/gallery/_plot_hog.py."""

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot as plt
from PIL import Image
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.svm import LinearSVC

from imgfeat.evaluation import plot_hog
from imgfeat.features import HOG, LBP, CachedFeatures
from imgfeat.kernels.hog import cell_histograms
from imgfeat.sources import ImageDecodeError, ImageReader

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def ramp(degrees, side=32):
    """Gets brighter in one direction; 0 is to the right, 90 down."""
    y, x = np.mgrid[:side, :side]
    angle = np.deg2rad(degrees)
    image = x * np.cos(angle) + y * np.sin(angle)
    return (image - image.min()) / (2 * side)


def strokes(ax):
    """Middles, directions in degrees of 0..180 and lengths of the strokes."""
    (lines,) = ax.collections
    segments = np.array(lines.get_segments())
    across, down = (segments[:, 1] - segments[:, 0]).T
    angles = np.rad2deg(np.arctan2(down, across)) % 180
    return segments.mean(axis=1), angles, np.hypot(across, down)


@pytest.mark.parametrize("degrees", [10, 30, 50, 70, 90, 110, 130, 150, 170])
def test_strokes_run_along_edges(degrees):
    _, angles, lengths = strokes(plot_hog(HOG(pixels_per_cell=(16, 16)), ramp(degrees)))
    strongest = angles[lengths > 0.9 * lengths.max()]
    assert strongest == pytest.approx([(degrees + 90) % 180] * len(strongest), abs=1e-3)


def test_stroke_lies_in_the_middle_of_its_cell():
    image = np.zeros((24, 40))
    image[11:14, 18:22] = 1  # in the cell in row 1 and column 2
    hog = HOG(pixels_per_cell=(8, 8), cells_per_block=(1, 1))
    middles, _, _ = strokes(plot_hog(hog, image))
    assert np.unique(middles, axis=0).tolist() == [[19.5, 11.5]]


def test_values_are_means_over_the_blocks_of_a_cell(images):
    hog = HOG(4, pixels_per_cell=(6, 6), cells_per_block=(2, 2))
    blocks = hog.transform(images[:1]).reshape(2, 2, 2, 2, 4)
    sums, counts = np.zeros((3, 3, 4)), np.zeros((3, 3, 1))
    for row, col, down, right in np.ndindex(2, 2, 2, 2):
        sums[row + down, col + right] += blocks[row, col, down, right]
        counts[row + down, col + right] += 1
    means = np.sort((sums / counts).ravel())
    (lines,) = plot_hog(hog, images[0]).collections
    drawn = lines.get_colors()[:, 3]
    assert drawn == pytest.approx(means[-len(drawn) :] / means[-1], abs=1e-6)
    assert len(drawn) >= len(means) - (means < 0.03 * means[-1]).sum()


def test_cells_are_drawn_before_blocks_normalise_them(images):
    hog = HOG(4, pixels_per_cell=(6, 6))
    cells = cell_histograms(
        images[:1], orientations=4, pixels_per_cell=(6, 6), transform_sqrt=False
    )
    (lines,) = plot_hog(hog, images[0], values="cells").collections
    drawn = lines.get_colors()[:, 3]
    expected = np.sort(cells.ravel())[-len(drawn) :] / cells.max()
    assert drawn == pytest.approx(expected)


def test_cells_of_one_block_each_differ_by_its_length_alone(images):
    """With blocks of a cell, L1 divides the histogram by its sum."""
    params = {"orientations": 5, "pixels_per_cell": (6, 6), "transform_sqrt": False}
    cells = cell_histograms(images, **params)
    hog = HOG(5, pixels_per_cell=(6, 6), cells_per_block=(1, 1), block_norm="L1")
    expected = cells / (cells.sum(axis=-1, keepdims=True) + 1e-5)
    assert hog.transform(images).reshape(cells.shape) == pytest.approx(
        expected, rel=1e-5
    )


def test_image_is_shown_as_hog_got_it(tmp_path):
    path = tmp_path / "photo.png"
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    reader = ImageReader((32, 48), mode="gray")
    pipeline = make_pipeline(reader, HOG(), LinearSVC())
    shown = plot_hog(pipeline, path).images[0].get_array()
    np.testing.assert_array_equal(shown, reader.transform([path])[0])


def test_hog_is_found_in_unions_and_caches(tmp_path, images):
    alone, _, _ = strokes(plot_hog(HOG(pixels_per_cell=(6, 6)), images[0]))
    hog = CachedFeatures(HOG(pixels_per_cell=(6, 6)), location=tmp_path)
    union = make_pipeline(FeatureUnion([("lbp", LBP()), ("hog", hog)]), LinearSVC())
    nested, _, _ = strokes(plot_hog(union, images[0]))
    np.testing.assert_array_equal(nested, alone)


def test_axes_are_those_given_and_no_figure_is_made(images):
    _, (ax, other) = plt.subplots(1, 2)
    assert plot_hog(HOG(pixels_per_cell=(6, 6)), images[0], ax) is ax
    assert len(plt.get_fignums()) == 1 and not other.collections


@pytest.mark.parametrize("kind", ["array", "list", "colour", "floats"])
def test_image_of_any_kind_is_drawn(kind, images, color_images):
    image = {
        "array": images[:1],
        "list": [images[0]],
        "colour": color_images[0],
        "floats": images[0] * 3.0,
    }[kind]
    ax = plot_hog(HOG(pixels_per_cell=(6, 6)), image)
    ax.figure.canvas.draw()
    shown = ax.images[0].get_array()
    assert shown.dtype == np.uint8 and shown.max() >= 250
    assert len(ax.collections[0].get_segments()) > 50


def test_blank_image_has_no_strokes():
    ax = plot_hog(HOG(), np.zeros((32, 32), np.uint8))
    ax.figure.canvas.draw()
    assert len(ax.collections[0].get_segments()) == 0


def test_errors_say_what_is_needed(images, tmp_path):
    with pytest.raises(
        TypeError, match=r"plot_hog needs a HOG, alone or in a pipeline"
    ):
        plot_hog(LinearSVC(), images[0])
    with pytest.raises(ValueError, match=r"plot_hog draws one image. Got 6"):
        plot_hog(HOG(), images)
    with pytest.raises(ValueError, match=r"values is 'blocks' or 'cells'. Got 'raw'"):
        plot_hog(HOG(), images[0], values="raw")
    with pytest.raises(ValueError, match=r"needs images of at least 16 x 16 pixels"):
        plot_hog(HOG(), np.zeros((8, 8)))
    with pytest.raises(ImageDecodeError, match=r"missing.jpg"):
        plot_hog(make_pipeline(ImageReader(32), HOG()), tmp_path / "missing.jpg")

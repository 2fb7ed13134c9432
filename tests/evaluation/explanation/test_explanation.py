"""Tests for imgfeat/evaluation/explanation/_explanation.py and what it draws by."""

import re

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from imgfeat import explain
from imgfeat.evaluation.explanation._overlay import AGAINST, FOR, overlay
from imgfeat.features import HOG, BagOfVisualWords, CNNEmbedding, DenseSIFT
from imgfeat.preprocess import Grayscale
from imgfeat.sources import ImageDecodeError
from tests.evaluation.explanation._scenes import ColorNet, scenes

matplotlib.use("agg")
IMAGES, _, _ = scenes(8)
LABELS = np.array(["$a$ <b>", "fly"])[np.arange(8) % 2]


@pytest.fixture(scope="module")
def model():
    net = CNNEmbedding(ColorNet(), engine="torch", n_jobs=1)
    return make_pipeline(net, LogisticRegression()).fit(IMAGES, LABELS)


@pytest.fixture
def paths(tmp_path):
    paths = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        for row in range(2):
            paths.append(tmp_path / folder / f"photo{row}.png")
            Image.fromarray(IMAGES[row]).save(paths[-1])
    return paths


def test_an_overlay_colours_what_speaks_for_and_against():
    pixels = np.full((4, 6, 3), 100, dtype=np.uint8)
    found = np.zeros((4, 6))
    found[:, :2], found[:, 4:] = 3, -3
    picture = overlay(pixels, found)
    assert picture.dtype == np.uint8
    assert picture[0, 2].tolist() == [100, 100, 100]
    np.testing.assert_allclose(picture[0, 0], 0.25 * 100 + 0.75 * FOR, atol=1)
    np.testing.assert_allclose(picture[0, 5], 0.25 * 100 + 0.75 * AGAINST, atol=1)


def test_a_map_of_zeros_leaves_the_image_gray():
    assert (overlay(np.full((3, 3, 3), 9, np.uint8), np.zeros((3, 3))) == 9).all()


def test_it_says_what_it_is(model):
    found = explain(model, IMAGES[:3])
    assert repr(found) == "Explanation of 3 images by cam"
    assert len(found) == 3


def test_a_notebook_shows_pictures_and_escapes_names(model):
    html = explain(model, IMAGES[:2])._repr_html_()
    assert html.count("data:image/jpeg;base64,") == 2
    assert "<b>" not in html
    assert re.search(r"\$a\$ &lt;b&gt;: \+\d\.\d\d", html)


def test_a_picture_that_is_gone_is_told_in_words(model, paths):
    found = explain(model, paths)
    paths[0].unlink()
    html = found._repr_html_()
    assert "the image cannot be read any more" in html
    assert html.count("data:image/jpeg;base64,") == 3
    with pytest.raises(ImageDecodeError, match=r"photo0\.png"):
        found.picture(0)


def test_pictures_are_written_side_by_side_under_names_of_their_own(
    model, paths, tmp_path
):
    written = explain(model, paths).save_png(tmp_path / "out" / "here")
    names = ["photo0.png", "photo1.png", "photo0-2.png", "photo1-2.png"]
    assert [path.name for path in written] == names
    picture = np.asarray(Image.open(written[1]))
    assert picture.shape == (24, 48, 3)
    np.testing.assert_array_equal(picture[:, :24], IMAGES[1])
    arrays = explain(model, IMAGES[:2]).save_png(tmp_path / "arrays")
    assert [path.name for path in arrays] == ["image-0.png", "image-1.png"]
    named = explain(model, IMAGES[:1]).save_png(tmp_path / "arrays", ["one"])
    assert named == [tmp_path / "arrays" / "one.png"]


def test_a_figure_has_a_row_an_image(model):
    found = explain(model, IMAGES)
    figure = found.plot(2)
    assert len(figure.axes) == 4
    assert figure.axes[1].get_title() == r"\$a\$ <b>: " + f"{found.decisions[0]:+.2f}"
    plt.close(figure)
    with pytest.raises(ValueError, match="at least one image to draw"):
        found.plot(0)


@pytest.mark.parametrize(
    ("steps", "kind"),
    [
        ([HOG()], "LineCollection"),
        ([DenseSIFT(), BagOfVisualWords(4, random_state=0)], "PathCollection"),
    ],
    ids=["strokes", "points"],
)
def test_strokes_and_points_are_drawn(steps, kind):
    model = make_pipeline(Grayscale(), *steps, LogisticRegression())
    found = explain(model.fit(IMAGES, LABELS), IMAGES[:1])
    figure = found.plot()
    (drawn,) = figure.axes[1].collections
    assert type(drawn).__name__ == kind
    has_lines = kind == "LineCollection"
    colors = drawn.get_edgecolor() if has_lines else drawn.get_facecolor()
    assert len(colors) == len(found.strokes[0]) + len(found.points[0])
    figure.canvas.draw()
    plt.close(figure)


def test_floats_beyond_one_are_drawn_stretched():
    pixels = IMAGES.mean(axis=3) * 40
    model = make_pipeline(HOG(), LogisticRegression()).fit(pixels, LABELS)
    found = explain(model, pixels[:2])
    stretched = (pixels[0] - pixels[0].min()) / np.ptp(pixels[0])
    gray = np.rint(np.dstack([stretched] * 3) * 255).astype(np.uint8)
    np.testing.assert_array_equal(found.picture(0), overlay(gray, found.maps[0]))

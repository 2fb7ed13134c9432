"""Tests for imgfeat/evaluation/explanation/_hog_looks.py."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from imgfeat import explain
from imgfeat.estimators import RowSpace
from imgfeat.features import HOG
from imgfeat.preprocess import Resize
from imgfeat.sources import ImageReader


def bars(n, seed=0):
    """Noise with a bar in the top left, lying for class 0 and upright for class 1."""
    rng = np.random.default_rng(seed)
    images = rng.integers(100, 110, (n, 44, 60), dtype=np.uint8)
    y = np.arange(n) % 2
    images[y == 0, 10:12, 4:20] = 250
    images[y == 1, 4:20, 10:12] = 250
    return images, y


IMAGES, LABELS = bars(20)
TAILS = {
    "plain": [LogisticRegression()],
    "scaled": [StandardScaler(), RowSpace(), LinearSVC()],
}


@pytest.mark.parametrize("tail", TAILS.values(), ids=TAILS)
@pytest.mark.parametrize("block", [(1, 1), (2, 2), (2, 3)])
def test_a_map_sums_up_to_the_decision(tail, block):
    front = [Resize((40, 48)), HOG(6, pixels_per_cell=(8, 6), cells_per_block=block)]
    model = make_pipeline(*front, *tail).fit(IMAGES, LABELS)
    found = explain(model, IMAGES[:4], target=1)
    assert found.method == "hog"
    values = model.decision_function(IMAGES[:4])
    np.testing.assert_allclose(found.decisions, values, atol=1e-6)
    sums = found.maps.sum(axis=(1, 2), dtype=np.float64)
    np.testing.assert_allclose(sums, values, atol=1e-4)


def test_values_are_those_of_the_features_cell_by_cell():
    model = make_pipeline(HOG(4), LogisticRegression()).fit(IMAGES, LABELS)
    found = explain(model, IMAGES[:1], target=1)
    products = model[0].transform(IMAGES[:1])[0] * model[-1].coef_[0]
    names = model[0].get_feature_names_out()
    cells = np.zeros((5, 7, 4))
    for name, product in zip(names, products, strict=True):
        row, col, cell, orientation = (int(part[1:]) for part in name.split("_")[1:])
        cells[row + cell // 2, col + cell % 2, orientation] += product
    most = np.abs(cells).max()
    drawn = np.sort(found.strokes[0][:, 4])
    np.testing.assert_allclose(drawn, np.sort(cells[np.abs(cells) > 0.1 * most]))


def test_strokes_run_along_the_edges_that_speak_for_the_class():
    model = make_pipeline(HOG(8), LogisticRegression()).fit(IMAGES, LABELS)
    for label, is_upright in [(0, False), (1, True)]:
        found = explain(model, IMAGES[label : label + 1])
        assert found.targets.tolist() == [label]
        top, left, bottom, right, value = found.strokes[0].T
        best = value.argmax()
        down, across = abs(bottom - top)[best], abs(right - left)[best]
        assert (down > 4 * across) == is_upright
        assert (across > 4 * down) != is_upright
        assert max(bottom[best], right[best]) < 24


def test_strokes_lie_in_the_image_whatever_it_was_resized_to():
    images = [np.repeat(image, 2, axis=1) for image in IMAGES]
    model = make_pipeline(ImageReader((40, 56), mode="gray"), HOG(), LinearSVC())
    found = explain(model.fit(images, LABELS), images[:2])
    ends = np.concatenate(found.strokes)
    assert found.maps.shape == (2, 44, 120)
    assert ends[:, [0, 2]].max() <= 44
    assert ends[:, [1, 3]].max() <= 120
    bar = ends[np.abs(ends[:, 4]).argmax()]
    assert max(bar[1], bar[3]) < 48  # it lies in the left 40 pixels
    assert ends[:, :4].min() >= 0


def test_what_the_scaler_knows_as_usual_counts_from_there():
    scaled = make_pipeline(HOG(), StandardScaler(), LogisticRegression())
    scaled.fit(IMAGES, LABELS)
    found = explain(scaled, IMAGES[:1])
    # Cells that are noise in all images say next to nothing.
    bar = np.abs(found.maps[0][:24, :24]).mean()
    assert bar > 4 * np.abs(found.maps[0][:, 32:]).mean()

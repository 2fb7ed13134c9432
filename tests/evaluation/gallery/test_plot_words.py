"""Tests for _plot_words.py and _word_examples.py."""

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot as plt
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from imgfeat.evaluation import plot_words
from imgfeat.evaluation.gallery._word_examples import (
    cut_patch,
    find_examples,
    look_through,
    most_discriminative,
)
from imgfeat.features import (
    HOG,
    SIFT,
    VLAD,
    BagOfVisualWords,
    CachedFeatures,
    DenseSIFT,
    FisherVector,
)
from imgfeat.sources import ImageReader

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def stripes(upright, seed):
    """A 40 x 40 image of stripes with noise, red where they are upright."""
    rng = np.random.default_rng(seed)
    wave = np.tile(128 + 100 * np.sin(np.arange(40) * 0.9 + seed), (40, 1))
    image = np.zeros((40, 40, 3))
    image[..., 0 if upright else 2] = wave if upright else wave.T
    return (image + rng.uniform(0, 9, image.shape)).astype(np.uint8)


@pytest.fixture(scope="module")
def photos():
    images = [stripes(row % 2 == 0, row) for row in range(8)]
    return images, ["up", "flat"] * 4


@pytest.fixture(scope="module")
def model(photos):
    words = BagOfVisualWords(6, random_state=0)
    return make_pipeline(DenseSIFT(bin_size=3), words).fit(photos[0])


def patches(ax, side=48, gap=3):
    """Mean colors of the patches, (n_rows, n_cols, 3)."""
    grid = np.asarray(ax.images[0].get_array())
    tops = range(0, grid.shape[0], side + gap)
    lefts = range(0, grid.shape[1], side + gap)
    return np.array(
        [
            [grid[t : t + side, k : k + side].mean(axis=(0, 1)) for k in lefts]
            for t in tops
        ]
    )


def labels(ax):
    return [text.get_text() for text in ax.get_yticklabels()]


def test_most_frequent_words_come_first_with_their_share(photos, model):
    ax = plot_words(model, photos[0], n_words=4, n_examples=5)
    found = model[0].transform(photos[0])
    squared = ((found.values[:, None] - model[1].cluster_centers_) ** 2).sum(axis=2)
    counts = np.bincount(squared.argmin(axis=1), minlength=6)
    order = np.argsort(-counts, kind="stable")[:4]
    shares = counts / counts.sum()
    assert labels(ax) == [f"word {word}\n{shares[word]:.1%}" for word in order]
    assert patches(ax).shape == (4, 5, 3)


def test_discriminative_words_show_patches_of_their_class(photos, model):
    images, y = photos
    ax = plot_words(model, images, n_words=3, n_examples=4, y=y)
    for label, row in zip(labels(ax), patches(ax), strict=True):
        red, _, blue = row.mean(axis=0)
        assert (red > 2 * blue) == label.endswith("\nup")


def test_examples_are_the_nearest_of_each_image(photos, model):
    sift, words = model[0], model[1]
    seen = look_through(words, [], sift, photos[0])
    word = int(seen.counts.sum(axis=0).argmax())
    examples = find_examples(seen, [word], n_examples=3)
    rows = [image for image, _ in examples.values()]
    best = {}
    for image, values in enumerate(sift.transform(photos[0])):
        squared = ((values[:, None] - words.cluster_centers_) ** 2).sum(axis=2)
        own = squared.argmin(axis=1) == word
        if own.any():
            best[image] = np.where(own, squared[:, word], np.inf).min()
    assert rows == sorted(best, key=best.get)[:3]


def test_one_image_gives_all_examples(photos, model):
    seen = look_through(model[1], [], model[0], photos[0][:1])
    word = int(seen.counts.sum(axis=0).argmax())
    assert len(find_examples(seen, [word], n_examples=6)) == 6


def test_words_of_one_class_alone_rank_first():
    counts = np.array([[5, 0, 3, 2], [5, 0, 2, 2], [0, 5, 3, 2], [0, 5, 2, 2]])
    words, classes = most_discriminative(counts, np.array(["a", "a", "b", "b"]))
    assert sorted(words[:2]) == [0, 1]
    assert dict(zip(words, classes, strict=True))[0] == "a"
    assert 3 not in words[:2]


def test_patch_is_cut_where_the_descriptor_lies():
    image = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    whole = cut_patch(image, (9.5, 19.5), 1.0, 0.0, 5.0, side=10)
    np.testing.assert_array_equal(whole, image[5:15, 15:25])
    turned = cut_patch(image, (9.5, 19.5), 1.0, 90.0, 5.0, side=10)
    # What lies in its direction, down, comes out on the right.
    np.testing.assert_array_equal(turned, np.rot90(image[5:15, 15:25]))
    beyond = cut_patch(image, (0.0, 0.0), 1.0, 0.0, 5.0, side=10)
    assert not beyond[:4].any() and beyond[5:, 5:].any()


@pytest.mark.parametrize("kind", ["cached", "vlad", "alone", "reader"])
def test_vocabulary_is_found_wherever_it_is(kind, photos, tmp_path):
    images, y = photos
    sift = DenseSIFT(bin_size=3)
    words = BagOfVisualWords(4, random_state=0)
    options = {}
    if kind == "cached":
        model = make_pipeline(CachedFeatures(sift, tmp_path), words, LinearSVC())
    elif kind == "vlad":
        model = make_pipeline(sift, VLAD(4, n_components_pca=8, random_state=0))
    elif kind == "alone":
        model, options = words, {"detector": sift}
    else:
        model = make_pipeline(ImageReader(40, mode="gray"), sift, words)
    model.fit(sift.transform(images) if kind == "alone" else images, y)
    _, ax = plt.subplots()
    assert plot_words(model, images, n_words=2, n_examples=3, ax=ax, **options) is ax
    ax.figure.canvas.draw()
    found = patches(ax)
    assert found.shape == (2, 3, 3)
    assert (np.ptp(found, axis=2) < 1).all() == (kind == "reader")  # gray


def test_errors_say_what_is_needed(photos, model):
    images, y = photos
    with pytest.raises(TypeError, match=r"plot_words needs a BagOfVisualWords or VLAD"):
        plot_words(make_pipeline(DenseSIFT(), FisherVector()), images)
    with pytest.raises(TypeError, match=r"needs what describes images right in front"):
        plot_words(model[1], images)
    with pytest.raises(TypeError, match=r"plot_words needs a detector"):
        plot_words(model[1], images, detector=HOG())
    with pytest.raises(ValueError, match=r"needs descriptors of 128 numbers, as the"):
        plot_words(model[1], images, detector=DenseSIFT(bin_size=3, color="rgb"))
    with pytest.raises(ValueError, match=r"n_words must be a positive int. Got 0"):
        plot_words(model, images, n_words=0)
    with pytest.raises(ValueError, match=r"a class an image, and two classes at least"):
        plot_words(model, images, y=["up"] * 8)
    with pytest.raises(ValueError, match=r"Got 2 classes of shape \(3,\) for 8 images"):
        plot_words(model, images, y=y[:3])
    blank = [np.zeros((40, 40), np.uint8)] * 2
    with pytest.raises(ValueError, match=r"needs images with descriptors. Got 2 with"):
        plot_words(model[1], blank, detector=SIFT())

"""Every kind of batch gives the same, whatever takes it."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone

from imgfeat.estimators import CNNClassifier
from imgfeat.features import (
    GLCM,
    HOG,
    LBP,
    ORB,
    SIFT,
    CachedFeatures,
    CNNEmbedding,
    ColorHistogram,
    DenseSIFT,
    Descriptors,
    PatchDictionary,
)
from imgfeat.preprocess import CenterCrop, Equalize, Grayscale, Resize
from imgfeat.sources import ImageReader
from tests.nets._tiny import TinyNet
from tests.sources._batches import batch_kinds

# A size is an int or a pair, as a list or a tuple.
TRANSFORMERS = [
    ImageReader([9, 8]),
    Resize(9),
    CenterCrop((9, 8)),
    Grayscale(),
    Equalize(),
    HOG(),
    LBP(),
    GLCM(),
    ColorHistogram(3),
    PatchDictionary(7, patch_size=4, max_iter=2, random_state=0),
    SIFT(),
    ORB(patch_size=5, scale_factor=1.2),
    DenseSIFT(step=2, bin_size=2),
    CNNEmbedding(TinyNet(), size=[8, 8], n_jobs=1),
    CachedFeatures(HOG()),
]


def flat_of(transformer, shape):
    """The transformer told the shape of images in a 2-D array, in a list."""
    prefix = "transformer__" if isinstance(transformer, CachedFeatures) else ""
    return transformer.set_params(**{f"{prefix}image_shape": list(shape)})


def arrays_of(rows):
    if isinstance(rows, Descriptors):
        return rows.values, rows.positions, rows.offsets
    return (rows,)


@pytest.mark.parametrize("kind", ["gray", "rgb"])
@pytest.mark.parametrize(
    "transformer", TRANSFORMERS, ids=lambda step: type(step).__name__
)
def test_every_kind_of_batch_gives_the_same_rows(
    transformer, kind, images, color_images, tmp_path
):
    batch = images if kind == "gray" else color_images
    expected = arrays_of(clone(transformer).fit_transform(batch))
    assert all(array.size for array in expected)
    for name, X in batch_kinds(batch, tmp_path).items():
        step = clone(transformer)
        if name == "flattened":
            flat_of(step, batch.shape[1:])
        at_once, after = step.fit_transform(X), clone(step).fit(X).transform(X)
        for found in (at_once, after):
            for array, other in zip(arrays_of(found), expected, strict=True):
                assert_array_equal(array, other, err_msg=name)


def test_every_kind_of_batch_trains_the_same_net(images, tmp_path):
    net = CNNClassifier("simple_cnn", max_epochs=1, random_state=0, n_jobs=1)
    labels = np.arange(len(images)) % 2
    expected = net.fit(images, labels).predict_proba(images)
    for name, X in batch_kinds(images, tmp_path).items():
        shape = list(images.shape[1:]) if name == "flattened" else None
        found = clone(net).set_params(image_shape=shape).fit(X, labels)
        assert_array_equal(found.predict_proba(X), expected, err_msg=name)


@pytest.mark.parametrize("size", [8, np.int64(8), (8, 8), [8, 8]])
@pytest.mark.parametrize(
    "sized",
    [ImageReader(), Resize(), CenterCrop(), CNNEmbedding(TinyNet(), n_jobs=1)],
    ids=lambda step: type(step).__name__,
)
def test_a_size_is_an_int_or_a_pair(sized, size, images):
    expected = clone(sized).set_params(size=(8, 8)).fit_transform(images)
    found = clone(sized).set_params(size=size).fit_transform(images)
    assert_array_equal(found, expected)


@pytest.mark.parametrize("size", [0, True, (8,), (8, 0), "8", 8.0])
@pytest.mark.parametrize("sized", [ImageReader, Resize, CenterCrop])
def test_a_size_of_another_kind_is_refused(sized, size, images):
    with pytest.raises(ValueError, match=r"'size' parameter|size must be a tuple"):
        sized(size).fit(images)

"""Tests of CNNClassifier on several labels an image: binary cross-entropy."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from imgfeat.estimators import CNNClassifier
from imgfeat.estimators.cnn._labels import encode_labels, hold_out, weigh
from imgfeat.estimators.cnn._linear_head import fit_head
from imgfeat.estimators.cnn._loop import Loop
from imgfeat.estimators.cnn._training_plan import Job

NAMES = ["bar", "dot", "edge"]


def drawings(n, seed=0):
    """Images of 12 x 12 pixels with a bar, a dot and an edge, each there or not."""
    rng = np.random.default_rng(seed)
    has = rng.integers(2, size=(n, 3))
    images = rng.integers(40, size=(n, 12, 12), dtype=np.uint8)
    images[has[:, 0] == 1, 2:4, :] += 150
    images[has[:, 1] == 1, 7:10, 7:10] += 150
    images[has[:, 2] == 1, :, 0] += 150
    return images, has


@pytest.fixture(scope="module")
def fitted():
    images, has = drawings(240)
    cnn = CNNClassifier("simple_cnn", max_epochs=20, random_state=0, n_jobs=1)
    return cnn.fit(images, pd.DataFrame(has, columns=NAMES))


def test_it_learns_each_label(fitted):
    images, has = drawings(100, seed=1)
    shares = fitted.predict_proba(images)
    assert shares.shape == (100, 3) and shares.dtype == np.float32
    assert_array_equal(fitted.predict(images), (shares > 0.5).astype(int))
    assert (fitted.predict(images) == has).mean() > 0.95
    assert np.abs(shares.sum(axis=1) - 1).max() > 0.5  # no shares of one label


def test_names_are_kept_and_labels_may_be_written_as_lists(fitted):
    images, has = drawings(60, seed=2)
    lists = [[n for n, is_it in zip(NAMES, row, strict=True) if is_it] for row in has]
    assert fitted.classes_.tolist() == NAMES and fitted.multilabel_
    assert fitted.score(images, lists) == pytest.approx(fitted.score(images, has))
    assert fitted.score(images, has) == (fitted.predict(images) == has).all(1).mean()


def test_a_pickle_says_the_same(fitted):
    images, _ = drawings(10, seed=3)
    again = pickle.loads(pickle.dumps(fitted))
    assert_allclose(again.predict_proba(images), fitted.predict_proba(images))


def test_early_stopping_and_mixing_take_several_labels():
    images, has = drawings(90)
    cnn = CNNClassifier(
        "simple_cnn", max_epochs=2, early_stopping=1, mixup=0.2, cutmix=0.2,
        label_smoothing=0.1, class_weight="balanced", random_state=0, n_jobs=1,
    )  # fmt: skip
    cnn.fit(images, has, groups=np.arange(90) // 2)
    assert {"valid_loss", "valid_acc"} <= set(cnn.history_)
    assert cnn.history_["valid_acc"].between(0, 1).all()


@pytest.mark.parametrize("weights", [None, "rows", "cells"])
def test_the_loss_is_that_of_torch(weights):
    rng = torch.Generator().manual_seed(0)
    logits = torch.randn(6, 3, generator=rng)
    labels = (torch.rand(6, 3, generator=rng) > 0.5).float()
    shapes = {"rows": (6,), "cells": (6, 3)}
    given = {} if weights is None else {"weights": torch.rand(shapes[weights])}
    loop = Loop.__new__(Loop)
    loop.job = Job(lr=1.0, n_epochs=1, n_steps=1, multilabel=True)
    of_cells = given.get("weights", torch.ones(6))
    of_cells = of_cells[:, None] if of_cells.ndim == 1 else of_cells
    smooth = 0.8 * labels + 0.1
    expected = binary_cross_entropy_with_logits(logits, smooth, weight=of_cells)
    found = loop._loss(logits, labels, given, 0.2)
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)
    loop.job = Job(lr=1.0, n_epochs=1, n_steps=1)
    one = loop._loss(logits, labels.argmax(1), {})
    assert one.item() == pytest.approx(cross_entropy(logits, labels.argmax(1)).item())


def test_balanced_weights_are_positive_weights_of_torch():
    _, has = drawings(50)
    classes, codes = encode_labels(has, 50)
    weights, scale = weigh(has, None, "balanced", classes, codes)
    for of_label, has_it in zip(weights.T * scale, has.T, strict=True):
        sums = of_label[has_it == 1].sum(), of_label[has_it == 0].sum()
        assert_allclose(sums, 25, rtol=1e-5)
    weights, scale = weigh(has, None, {1: 4.0}, classes, codes)
    assert_allclose(weights[:, 1] * scale, np.where(has[:, 1], 4, 1), rtol=1e-6)
    with pytest.raises(ValueError, match=r"Got class_weight with 'dott'"):
        weigh(has, None, {"dott": 2.0}, np.array(NAMES), codes)


def test_the_first_head_is_a_logistic_regression_a_label():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 5)).astype(np.float32)
    y = (X[:, :2] + rng.normal(size=(80, 2)) > 0).astype(np.float32)
    y = np.column_stack([y, np.zeros(80)])  # no image yet: zeros
    net = torch.nn.Module()
    net.head = torch.nn.Linear(5, 3)
    torch.nn.init.zeros_(net.head.weight)
    torch.nn.init.zeros_(net.head.bias)
    fit_head(net, X, y)
    with torch.no_grad():
        found = net.head(torch.from_numpy(X)).numpy()
    scaled = StandardScaler().fit_transform(X)
    for place in (0, 1):
        one = LogisticRegression(C=0.1, max_iter=1000).fit(scaled, y[:, place])
        assert_allclose(found[:, place], one.decision_function(scaled), atol=1e-4)
    assert_array_equal(found[:, 2], np.zeros(80))


def test_held_out_images_have_every_label_and_whole_groups():
    _, has = drawings(60)
    codes = has.astype(np.float32)
    groups = np.arange(60) // 3
    training, held = hold_out(codes, 0.2, 0, groups)
    assert len(training) + len(held) == 60 and 9 <= len(held) <= 15
    assert not set(groups[training]) & set(groups[held])
    assert codes[held].mean(axis=0).min() > 0 and codes[held].mean(axis=0).max() < 1
    with pytest.raises(ValueError, match=r"needs more images, with each label and"):
        hold_out(codes[:1], 0.2, 0)


def test_partial_fit_goes_on_with_labels_that_have_no_image_yet():
    images, has = drawings(40)
    lists = [[n for n, is_it in zip(NAMES, row, strict=True) if is_it] for row in has]
    cnn = CNNClassifier("simple_cnn", random_state=0, n_jobs=1)
    cnn.partial_fit(images, lists, classes=[*NAMES, "rust"])
    assert cnn.predict(images).shape == (40, 4)
    with pytest.raises(ValueError, match=r"labels of the kind .* Got one label an ima"):
        cnn.partial_fit(images, has[:, 0])
    with pytest.raises(ValueError, match=r"knows the labels .* Got 'moss'"):
        cnn.partial_fit(images[:2], [["moss"], []])


def test_a_label_that_no_image_has_is_refused():
    images, has = drawings(20)
    with pytest.raises(
        ValueError, match=r"CNNClassifier needs .* Got 0 of 20 with 'ru"
    ):
        CNNClassifier("simple_cnn").fit(
            images, pd.DataFrame(has, columns=NAMES).assign(rust=0)
        )
    with pytest.raises(ValueError, match=r"20 images and 19 rows"):
        CNNClassifier("simple_cnn").fit(images, has[:19])

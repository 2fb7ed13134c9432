"""Tests for imgfeat/estimators/_zero_shot.py."""

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from imgfeat import load, save
from imgfeat.estimators import ZeroShotClassifier
from imgfeat.features import CNNEmbedding
from tests._checks import WITHOUT_DATA

RNG = np.random.default_rng(0)
IMAGES = RNG.standard_normal((6, 8)).astype(np.float32)
TEXTS = {name: RNG.standard_normal(8) for name in ("cat", "ant", "bee")}


def cosines(images, texts):
    return np.array(
        [
            [i @ t / np.linalg.norm(i) / np.linalg.norm(t) for t in texts]
            for i in images.astype(float)
        ]
    )


@pytest.mark.parametrize("check", WITHOUT_DATA, ids=lambda check: check.__name__)
def test_scikit_learn_checks_without_data(check):
    if check.__name__ == "check_parameters_default_constructible":
        pytest.skip("class vectors are required")
    check("ZeroShotClassifier", ZeroShotClassifier(TEXTS))


def test_softmax_of_scaled_cosines_is_what_clip_gives():
    model = ZeroShotClassifier(TEXTS, logit_scale=20.0).fit(IMAGES)
    expected = 20 * cosines(IMAGES, [TEXTS[name] for name in ("ant", "bee", "cat")])
    assert model.classes_.tolist() == ["ant", "bee", "cat"]
    assert model.class_vectors_.dtype == np.float32
    np.testing.assert_allclose(model.decision_function(IMAGES), expected, atol=1e-4)
    np.testing.assert_allclose(
        model.predict_proba(IMAGES), softmax(expected, axis=1), atol=1e-5
    )
    assert model.predict(IMAGES).tolist() == [
        ["ant", "bee", "cat"][column] for column in expected.argmax(axis=1)
    ]


def test_sigmoid_of_each_text_is_what_siglip_gives():
    options = {"logit_scale": 10.0, "logit_bias": -3.0, "activation": "sigmoid"}
    model = ZeroShotClassifier(TEXTS, **options).fit(IMAGES)
    expected = expit(10 * cosines(IMAGES, [TEXTS[n] for n in model.classes_]) - 3)
    np.testing.assert_allclose(model.match_proba(IMAGES), expected, atol=1e-5)
    shares = expected / expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.predict_proba(IMAGES), shares, atol=1e-5)
    unlike = ZeroShotClassifier(TEXTS, **{**options, "logit_bias": -5000.0})
    np.testing.assert_allclose(
        unlike.fit(IMAGES).predict_proba(IMAGES).sum(axis=1), 1, atol=1e-6
    )
    assert not hasattr(ZeroShotClassifier(TEXTS), "match_proba")


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_two_classes_are_decided_by_one_number(activation):
    two = {name: TEXTS[name] for name in ("ant", "bee")}
    model = ZeroShotClassifier(two, logit_scale=5.0, activation=activation).fit(IMAGES)
    decisions = model.decision_function(IMAGES)
    assert decisions.shape == (6,)
    np.testing.assert_array_equal(model.predict(IMAGES) == "bee", decisions > 0)
    shares = model.predict_proba(IMAGES)
    np.testing.assert_array_equal(shares[:, 1] > 0.5, decisions > 0)
    if activation == "softmax":
        np.testing.assert_allclose(shares[:, 1], expit(decisions), rtol=1e-5)


def test_length_of_image_vectors_counts_for_nothing():
    model = ZeroShotClassifier(TEXTS).fit(IMAGES)
    np.testing.assert_allclose(
        model.predict_proba(7 * IMAGES), model.predict_proba(IMAGES), rtol=1e-4
    )
    np.testing.assert_allclose(model.predict_proba(0 * IMAGES), 1 / 3, rtol=1e-6)


def test_labels_without_a_vector_and_other_widths_are_refused():
    y = ["ant", "bee", "cat", "dog", "ant", "ant"]
    with pytest.raises(ValueError, match="Got 'dog' in y, which has none; its classes"):
        ZeroShotClassifier(TEXTS).fit(IMAGES, y)
    with pytest.raises(ValueError, match=r"of 5 numbers, as images have. Got 8; take"):
        ZeroShotClassifier(TEXTS).fit(IMAGES[:, :5])
    model = clone(ZeroShotClassifier(TEXTS)).fit(IMAGES, np.array(y)[[0, 1, 2] * 2])
    with pytest.raises(ValueError, match="X has 5 features, but ZeroShotClassifier"):
        model.predict(IMAGES[:, :5])


@pytest.mark.parametrize("kind", ["mapping", "npz", "array"])
def test_saved_file_carries_the_vectors(kind, tmp_path):
    photos = RNG.integers(0, 256, (4, 20, 20, 3), dtype=np.uint8)
    embedding = CNNEmbedding("resnet9", weights=None, engine="torch", n_jobs=1, size=16)
    width = embedding.fit(photos).transform(photos).shape[1]
    texts = {name: RNG.standard_normal((2, width)) for name in ("ant", "bee")}
    given, options = texts, {}
    if kind == "npz":
        given = tmp_path / "texts.npz"
        np.savez(given, **texts)
    if kind == "array":
        given, options = np.stack(list(texts.values())), {"classes": list(texts)}
    model = make_pipeline(embedding, ZeroShotClassifier(given, **options))
    model.fit(photos)
    save(model, tmp_path / "model.imgfeat", example=photos[:2])
    if kind == "npz":
        given.unlink()
    loaded = load(tmp_path / "model.imgfeat")
    assert loaded.classes_.tolist() == ["ant", "bee"]
    np.testing.assert_array_equal(loaded.predict(photos), model.predict(photos))

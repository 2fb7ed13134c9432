"""Tests for imgfeat/evaluation/explanation/_net_looks.py."""

import copy

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler
from sklearn.svm import SVC, LinearSVC

from imgfeat import explain
from imgfeat.estimators import CNNClassifier, LinearProbe, RidgeProbe, RowSpace
from imgfeat.features import CNNEmbedding
from tests.evaluation.explanation._scenes import (
    ColorNet,
    Tokens,
    scenes,
    share_inside,
)

IMAGES, LABELS, CORNERS = scenes(24)


def fitted(*steps, net=None, **options):
    net = CNNEmbedding(net or ColorNet(), engine="torch", n_jobs=1, **options)
    return make_pipeline(net, *steps).fit(IMAGES, LABELS)


def sums(found):
    return np.array([one.sum(dtype=np.float64) for one in found.maps])


HEADS = {
    "logistic": [LogisticRegression()],
    "scaled": [StandardScaler(), LinearSVC()],
    "pca": [StandardScaler(), PCA(4, whiten=True), LogisticRegression()],
    "unit rows": [Normalizer(), LinearProbe("svm")],
    "row space": [RowSpace(), RidgeProbe()],
    "search": [
        StandardScaler(),
        GridSearchCV(LinearProbe("svm"), {"C": [0.1, 1]}, cv=3),
    ],
}


@pytest.mark.parametrize("steps", HEADS.values(), ids=HEADS)
@pytest.mark.parametrize("pooling", ["auto", "max", "gem", None])
def test_a_class_activation_map_sums_up_to_the_decision(steps, pooling):
    model = fitted(*steps, pooling=pooling)
    found = explain(model, IMAGES[:6], target="blue", n_jobs=1)
    assert found.method == "cam"
    np.testing.assert_allclose(
        sums(found), -model.decision_function(IMAGES[:6]), atol=1e-4
    )


@pytest.mark.parametrize("n_views", [2, 5, 10])
def test_views_are_laid_over_one_another(n_views):
    model = fitted(LogisticRegression(), n_views=n_views, crop=0.8)
    found = explain(model, IMAGES[:6], target="red")
    np.testing.assert_allclose(
        sums(found), model.decision_function(IMAGES[:6]), atol=1e-4
    )
    model = fitted(LogisticRegression(), n_views=2)
    found = explain(model, IMAGES)
    assert (
        np.mean([share_inside(*o) for o in zip(found.maps, CORNERS, strict=True)]) > 0.9
    )


def test_a_calibrated_classifier_is_explained_by_the_mean_of_its_parts():
    calibrated = CalibratedClassifierCV(LinearSVC(), cv=3)
    model = fitted(StandardScaler(), calibrated)
    found = explain(model, IMAGES[:6], target="red")
    rows = model[:-1].transform(IMAGES[:6])
    parts = [one.estimator for one in model[-1].calibrated_classifiers_]
    expected = np.mean([part.decision_function(rows) for part in parts], axis=0)
    assert found.method == "cam"
    np.testing.assert_allclose(sums(found), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("head", "method"), [(LogisticRegression(), "cam"), (SVC(), "grad-cam")]
)
def test_the_map_lies_where_the_class_is(head, method):
    found = explain(fitted(StandardScaler(), head), IMAGES)
    assert found.method == method
    shares = [share_inside(*one) for one in zip(found.maps, CORNERS, strict=True)]
    assert np.mean(shares) > 0.6  # of the area it is a ninth


def test_an_inner_layer_is_explained_too():
    model = fitted(LogisticRegression(), layer="conv")
    found = explain(model, IMAGES[:4], target="red")
    assert found.method == "cam"
    np.testing.assert_allclose(
        sums(found), model.decision_function(IMAGES[:4]), atol=1e-4
    )


def test_grad_cam_of_linear_steps_is_the_class_activation_map():
    model = fitted(StandardScaler(), LogisticRegression())
    exact = explain(model, IMAGES[:4])
    slopes = explain(model, IMAGES[:4], method="grad-cam")
    assert slopes.method == "grad-cam"
    np.testing.assert_allclose(slopes.maps, exact.maps, atol=1e-6)


def test_a_transformer_gets_a_map_of_its_patches():
    model = fitted(StandardScaler(), LogisticRegression(), net=Tokens())
    found = explain(model, IMAGES[:4], target="red")
    assert found.method == "grad-cam"
    np.testing.assert_allclose(
        sums(found), model.decision_function(IMAGES[:4]), atol=1e-4
    )
    assert all(one.std() > 1e-6 for one in found.maps)


def test_other_weights_give_another_map():
    # Adebayo et al. (2018): what does not change with the weights explains no net.
    models = [
        fitted(StandardScaler(), LogisticRegression(), net=ColorNet(seed))
        for seed in (None, 1, 2)
    ]
    own, *others = [explain(model, IMAGES, target="red").maps for model in models]
    for other in others:
        alike = [
            spearmanr(one.ravel(), two.ravel()).statistic
            for one, two in zip(own, other, strict=True)
        ]
        assert abs(np.mean(alike)) < 0.5
    again = explain(models[0], IMAGES, target="red").maps
    np.testing.assert_array_equal(own, again)


@pytest.fixture(scope="module")
def cnn():
    net = CNNClassifier("simple_cnn", max_epochs=3, random_state=0, n_jobs=1)
    return net.fit(*scenes(32, seed=1)[:2])


def logits(cnn, images):
    tensor = torch.from_numpy(images).permute(0, 3, 1, 2)
    with torch.inference_mode():
        return cnn.net_.module_.eval()(tensor).double().numpy()


def test_a_cnn_classifier_is_explained_by_its_logits(cnn):
    found = explain(cnn, IMAGES[:8], n_jobs=1)
    assert found.method == "cam"
    assert found.targets.tolist() == cnn.predict(IMAGES[:8]).tolist()
    blue, red = logits(cnn, IMAGES[:8]).T
    expected = np.where(found.targets == "red", red - blue, blue - red)
    np.testing.assert_allclose(found.decisions, expected, atol=1e-4)
    np.testing.assert_allclose(sums(found), expected, atol=1e-4)


def test_the_net_of_a_classifier_is_left_as_it_was(cnn):
    before = {name: t.clone() for name, t in cnn.net_.module_.state_dict().items()}
    explain(cnn, IMAGES[:2])
    module = cnn.net_.module_
    assert all(torch.equal(t, before[name]) for name, t in module.state_dict().items())
    assert not any(part._forward_hooks for part in module.modules())


def test_a_map_of_random_weights_is_another(cnn):
    trained = explain(cnn, IMAGES[:8], target="red").maps
    randomized, generator = copy.deepcopy(cnn), torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in randomized.net_.module_.parameters():
            parameter.copy_(0.1 * torch.randn(parameter.shape, generator=generator))
    other = explain(randomized, IMAGES[:8], target="red").maps
    alike = [
        spearmanr(one.ravel(), two.ravel()).statistic
        for one, two in zip(trained, other, strict=True)
    ]
    assert abs(np.mean(alike)) < 0.5

"""scikit-learn's checks of sample weights, for the classifiers that take images.

`RidgeProbe` takes 2-D rows as they are; see test_probe.py.
"""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from imgfeat.estimators import AugmentedClassifier, CNNClassifier
from imgfeat.preprocess import Policy
from tests._checks import OF_WEIGHTS, Folded
from tests._expected_failures import OF_ESTIMATORS
from tests.estimators._pixels import pixels
from tests.estimators.cnn._tiny_net import TinyNet

# Where an image of weight 2 can be told from two images, it is by chance: by the order
# in batches, by dropout, or by batch norms that learn. So these nets have none of it.
PLAIN = {"max_epochs": 3, "dropout": 0.0, "random_state": 0, "n_jobs": 1}
EXACT = LogisticRegression(solver="newton-cholesky", tol=1e-12)
CLASSIFIERS = {
    "whole net": CNNClassifier(TinyNet(), trainable="all", **PLAIN),
    "staged net": CNNClassifier(TinyNet(), **PLAIN),
    "augmented": AugmentedClassifier(
        pixels(EXACT),
        Policy(color=0.2),
        n_augmented=2,
        n_views=2,
        random_state=0,
    ),
}
FAILING = {"staged net": OF_ESTIMATORS["CNNClassifier"]}


@pytest.mark.parametrize("check", OF_WEIGHTS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_weights_are_what_scikit_learn_takes_them_for(request, name, check):
    if reason := FAILING.get(name, {}).get(check.__name__):
        request.applymarker(pytest.mark.xfail(reason=reason, raises=AssertionError))
    check(name, Folded(CLASSIFIERS[name], unit_range=True))


@pytest.mark.parametrize("n_weights", [5, 18])
def test_weight_of_a_view_does_not_pass_for_one_of_an_image(n_weights):
    X, y = np.random.default_rng(0).random((9, 4, 4)), np.arange(9) % 3
    with pytest.raises(ValueError, match=rf"\({n_weights},\), expected \(9,\)"):
        CLASSIFIERS["augmented"].fit(X, y, sample_weight=np.ones(n_weights))


def test_scikit_learn_has_checks_of_weights():
    assert len(OF_WEIGHTS) >= 7

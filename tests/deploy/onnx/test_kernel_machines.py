"""Tests for imgfeat/deploy/onnx/_kernel_machines.py."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, NuSVC

from imgfeat.deploy.onnx._unportable import NotPortableError
from tests.deploy.onnx._graphs import assert_says_the_same, draw_rows, run_classifier

pytestmark = pytest.mark.onnx

MACHINES = [
    SVC(),
    SVC(kernel="linear", decision_function_shape="ovo"),
    SVC(kernel="poly", degree=2, coef0=1.0, break_ties=True),
    SVC(kernel="sigmoid", gamma=0.01, coef0=-0.5),
    NuSVC(nu=0.3, class_weight="balanced"),
    make_pipeline(StandardScaler(), SVC(gamma=0.3)),
]


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("machine", MACHINES, ids=str)
def test_machine_says_the_same(machine, n_classes):
    X, y = draw_rows(n_classes)
    assert_says_the_same(machine.fit(X, y), X)


def test_kernel_of_large_rows_keeps_its_digits():
    X, y = draw_rows(3)
    X = X + 1e4  # squares of 1e9, which in float32 leave nothing of the distances
    assert_says_the_same(SVC(gamma=0.1).fit(X, y), X)


def test_probabilities_of_libsvm_are_refused():
    X, y = draw_rows(2)
    machine = SVC().fit(X, y).set_params(probability=True)
    with pytest.raises(NotPortableError, match="put CalibratedClassifierCV around it"):
        run_classifier(machine, X)


def test_kernels_of_ones_own_are_refused():
    X, y = draw_rows(2)
    machine = SVC(kernel=lambda a, b: a @ b.T).fit(X, y)
    with pytest.raises(NotPortableError, match="use one of linear, rbf, poly, sigm"):
        run_classifier(machine, np.float64(X))

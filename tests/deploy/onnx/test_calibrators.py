"""Tests for imgfeat/deploy/onnx/_calibrators.py."""

import pytest
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.utils.fixes import parse_version

from tests.deploy.onnx._graphs import assert_says_the_same, draw_rows

pytestmark = pytest.mark.onnx

has_temperature = parse_version(sklearn.__version__) >= parse_version("1.8")
METHODS = ["sigmoid", "isotonic"] + ["temperature"] * has_temperature
INNER = [
    LinearSVC(),
    SVC(),
    LogisticRegression(),
    make_pipeline(StandardScaler(), LinearSVC()),
]


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("inner", INNER, ids=str)
@pytest.mark.parametrize("method", METHODS)
def test_calibrated_classifier_says_the_same(method, inner, n_classes):
    X, y = draw_rows(n_classes)
    model = CalibratedClassifierCV(inner, method=method, cv=2)
    assert_says_the_same(model.fit(X, y), X)


def test_calibrators_of_one_estimator_say_the_same():
    X, y = draw_rows(3)
    model = CalibratedClassifierCV(LinearSVC(), cv=2, ensemble=False)
    assert_says_the_same(model.fit(X, y), X)


def test_flat_curve_says_the_same():
    X, y = draw_rows(2)
    model = CalibratedClassifierCV(LinearSVC(), method="isotonic", cv=2).fit(X, y)
    for one in model.calibrated_classifiers_:
        curve = one.calibrators[0]
        curve.fit([0.0, 1.0], [0.25, 0.25])
    assert_says_the_same(model, X)

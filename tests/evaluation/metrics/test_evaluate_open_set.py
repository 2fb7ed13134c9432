"""Evaluating a model that may say that it does not know."""

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics
from sklearn.datasets import make_blobs
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from imgfeat import evaluate
from imgfeat.estimators import OpenSet

NAMES = np.array(["ant", "bee", "cat"])


@pytest.fixture(scope="module")
def data():
    X, y = make_blobs(400, centers=5 * np.eye(3, 6), random_state=0)
    return X, NAMES[y]


@pytest.fixture(scope="module")
def model(data):
    return OpenSet(LogisticRegression(), false_alarms=0.1).fit(
        data[0][:300], data[1][:300]
    )


def test_unknown_images_are_mistakes_without_a_probability(data, model):
    X, y = data[0][300:], data[1][300:]
    found = evaluate(model, X, y)
    unknown = ~model.is_known(X)
    assert unknown.any()
    assert (
        found.metrics["accuracy"] == model.score(X, y) == np.mean(model.predict(X) == y)
    )
    assert (found.predictions["predicted"] == "unknown").tolist() == unknown.tolist()
    assert found.predictions["probability"].isna().tolist() == unknown.tolist()
    assert found.confusion["unknown"].sum() == unknown.sum()
    assert found.unmatched.loc["unknown"].tolist() == ["model", 0, unknown.sum()]
    inner = evaluate(model.pipeline_, X, y)
    assert found.metrics["log_loss"] == inner.metrics["log_loss"]
    assert found.metrics["roc_auc"] == inner.metrics["roc_auc"]
    assert found.coverage()["accuracy"].iloc[-1] == found.metrics["accuracy"]


def test_strangers_that_are_labelled_so_are_right(data, model):
    X = np.vstack([data[0][300:], -data[0][300:]])
    y = np.append(data[1][300:].astype(object), 100 * ["unknown"])
    found = evaluate(model, X, y)
    assert found.metrics["accuracy"] == np.mean(model.predict(X) == y)
    assert found.per_class.loc["unknown", "recall"] > 0.9
    with pytest.raises(ValueError, match=r"was fitted on .* Got 'dog'"):
        evaluate(model, X, np.where(y == "unknown", "dog", y))
    table = evaluate(model, X, np.where(y == "unknown", "dog", y), unknown="table")
    assert table.confusion.loc["dog", "unknown"] > 90


def test_page_is_written(data, model, tmp_path):
    found = evaluate(model, data[0][300:], data[1][300:])
    found.save_html(tmp_path / "report.html", n_pictures=0)
    assert "unknown" in (tmp_path / "report.html").read_text()


def test_model_at_the_end_of_a_pipeline(data, model):
    X, y = data[0][300:], data[1][300:]
    pipeline = make_pipeline(FunctionTransformer(), model)
    assert evaluate(pipeline, X, y).metrics.equals(evaluate(model, X, y).metrics)


def test_thresholds_of_two_classes_are_those_of_the_inner_model(data, model):
    X, y = data[0][data[1] != "cat"], data[1][data[1] != "cat"]
    two = OpenSet(LogisticRegression(), false_alarms=0.1).fit(X[:200], y[:200])
    found = evaluate(two, X[200:], y[200:]).thresholds()
    inner = evaluate(two.pipeline_, X[200:], y[200:]).thresholds()
    pd.testing.assert_frame_equal(found, inner)
    labels = np.append(y[200:-1].astype(object), "unknown")
    with pytest.raises(ValueError, match=r"thresholds needs two classes. Got 3"):
        evaluate(two, X[200:], labels).thresholds()


def test_means_of_classes_are_over_the_unknown_only_where_it_is_a_label(data, model):
    X, y = data[0][300:], data[1][300:].astype(object)
    predicted = model.predict(X)
    assert (predicted == "unknown").any()
    found = evaluate(model, X, y)
    options = {"average": "macro", "zero_division": 0}
    for name in ("precision", "recall", "f1"):
        score = getattr(metrics, f"{name}_score")
        expected = score(y, predicted, labels=NAMES, **options)
        assert found.metrics[f"{name}_macro"] == pytest.approx(expected)
        assert expected > 0.85
    low, high = found.metrics_table.loc["f1_macro", ["low", "high"]]
    assert low <= found.metrics["f1_macro"] <= high
    y[:3] = "unknown"
    expected = metrics.f1_score(y, predicted, **options)
    assert evaluate(model, X, y).metrics["f1_macro"] == pytest.approx(expected)

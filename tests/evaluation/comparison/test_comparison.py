"""Tests for imgfeat/evaluation/comparison/_comparison.py and _plots.py."""

import matplotlib

matplotlib.use("agg")

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from imgfeat import compare, load_sample
from imgfeat.features import HOG
from imgfeat.sources import ImageReader


@pytest.fixture(scope="module")
def found():
    sample = load_sample("digits")
    keep = np.flatnonzero(sample.target < 3)[:60]
    reader = ImageReader((32, 32), mode="gray")
    candidates = {
        "knn": make_pipeline(reader, HOG(), KNeighborsClassifier()),
        "<b>dummy": DummyClassifier(),
    }
    return compare(candidates, sample.images[keep], sample.target[keep], cv=3)


def test_prints_whole_with_its_verdict(found):
    text = str(found)
    assert "knn" in text and "<b>dummy" in text
    assert text.endswith(str(found.verdict))
    assert repr(found) == text


def test_few_images_are_told():
    labels = np.repeat(["a", "b", "c"], [4, 4, 9])
    candidates = {"dummy": DummyClassifier()}
    text = str(compare(candidates, np.zeros((17, 3)), labels, cv=2))
    assert "have 4 images or fewer: of such a class each of 2 folds tests 2" in text
    assert text.endswith("The recipe prototype is made for so few.")


def test_html_is_escaped(found, tmp_path):
    assert "&lt;b&gt;dummy" in found._repr_html_()
    found.save_html(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "<b>dummy" not in page
    assert str(found.verdict).replace("<", "&lt;").replace(">", "&gt;") in page


def test_a_candidate_is_evaluated_on_images_it_had_not_seen(found):
    evaluation = found.evaluate("knn")
    assert evaluation.metrics["n_images"] == 60
    mean = found.table.loc["knn", "mean_test_accuracy"]
    assert evaluation.metrics["accuracy"] == pytest.approx(mean)  # folds of 20
    with pytest.raises(ValueError, match=r"ran on all folds. Got 'svm'; those are"):
        found.evaluate("svm")


def test_shared_mistakes_are_wrong_in_every_candidate(found):
    shared = found.shared_mistakes()
    wrong = [set(found.evaluate(name).mistakes.index) for name in found.probabilities]
    assert set(shared.index) == set.intersection(*wrong)
    assert shared["n_models"].eq(2).all()
    assert shared["image"].tolist() == shared.index.tolist()


def test_scores_of_each_fold_are_there(found):
    columns = [f"split{n}_test_accuracy" for n in range(3)]
    means = found.cv_results_[columns].mean(axis=1)
    pd.testing.assert_series_equal(
        means, found.table["mean_test_accuracy"], check_names=False
    )


def test_every_candidate_is_in_both_pictures(found):
    labels = [tick.get_text() for tick in found.plot().get_yticklabels()]
    assert labels == list(found.table.index)
    names = {text.get_text() for text in found.plot_pareto().texts}
    assert names == set(found.table.index)
    matplotlib.pyplot.close("all")


def test_a_frontier_is_drawn_through_who_is_not_beaten(found):
    ax = found.plot_pareto()
    (line,) = ax.lines
    assert np.all(np.diff(line.get_ydata()) >= 0)
    assert np.all(np.diff(line.get_xdata()) >= 0)
    matplotlib.pyplot.close("all")

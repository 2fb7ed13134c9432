"""Tests for imgfeat/evaluation/metrics/_evaluate_pairs.py and what it returns."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score

from imgfeat.evaluation import evaluate_pairs
from tests.estimators.verification._people import people, verifier

IMAGES, WHO = people(20, 4, noise=40, seed=1)


@pytest.fixture(scope="module")
def model():
    return verifier().fit(*people(20, 4, noise=40))


@pytest.fixture(scope="module")
def evaluation(model):
    return evaluate_pairs(model, IMAGES, WHO, n_resamples=200)


def test_the_table_says_what_pairs_show(model, evaluation):
    first, other = np.triu_indices(len(WHO), 1)
    same = WHO[first] == WHO[other]
    pairs = [(IMAGES[a], IMAGES[b]) for a, b in zip(first, other, strict=True)]
    all_pairs = evaluate_pairs(model, pairs, same, n_resamples=0)
    value = all_pairs.table["value"]
    similarity, passes = model.similarity(pairs), model.predict(pairs)
    assert value["auc"] == pytest.approx(roc_auc_score(same, similarity))
    assert value["true_accepts_at_threshold"] == pytest.approx(passes[same].mean())
    assert value["false_accepts_at_threshold"] == pytest.approx(passes[~same].mean())
    order = np.sort(similarity[~same])[::-1]
    allowed = int(0.01 * (~same).sum())
    expected = (similarity[same] > order[allowed]).mean()
    assert value["true_accepts@0.01"] == pytest.approx(expected)
    # As of pairs that were drawn of these images, nearly.
    assert evaluation.table["value"]["auc"] == pytest.approx(value["auc"], abs=0.05)


def test_intervals_hold_the_values(evaluation):
    table = evaluation.table.dropna()
    assert len(table) == 7
    assert (table["low"] <= table["value"]).all()
    assert (table["value"] <= table["high"]).all()
    assert evaluation.n_people == 20
    assert repr(evaluation).endswith("120 pairs the same, 1,000 different, 20 people>")


def test_intervals_are_over_people_and_not_over_pairs():
    # More images of as few people make an interval no narrower than they are unlike.
    model = verifier().fit(*people(20, 4, noise=40))
    widths = {}
    for n_images in (4, 12):
        images, who = people(6, n_images, noise=40, seed=3)
        table = evaluate_pairs(model, images, who, n_resamples=300).table
        widths[n_images] = (table["high"] - table["low"])["auc"]
    assert widths[12] > widths[4] / 3  # over pairs, of whom there are 12 times as many


def test_without_people_there_are_no_intervals(model):
    pairs = [(IMAGES[a], IMAGES[a + 1]) for a in range(79)]
    same = WHO[:79] == WHO[1:]
    table = evaluate_pairs(model, pairs, same).table
    assert table[["low", "high"]].isna().all().all()
    assert np.isnan(table["value"]["true_accepts@0.001"])
    assert table["value"]["auc"] > 0.5
    sides = np.stack([WHO[:79], WHO[1:]], axis=1)
    known = evaluate_pairs(model, pairs, same, people=sides, n_resamples=50)
    assert (
        known.table["low"]["auc"] < table["value"]["auc"] < known.table["high"]["auc"]
    )


def test_it_is_the_same_again(model, evaluation):
    again = evaluate_pairs(model, IMAGES, WHO, n_resamples=200)
    assert again.table.equals(evaluation.table)


def test_the_curve_is_drawn_with_its_intervals(evaluation):
    _, own = plt.subplots()
    ax = evaluation.plot(own)
    assert ax is own
    assert ax.get_xscale() == "log"
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["all thresholds", "its threshold", "interval over people"]
    plt.close("all")


def test_what_does_not_fit_is_refused(model):
    with pytest.raises(ValueError, match=r"rates between 0 and 1. Got \[0.1, 1\]"):
        evaluate_pairs(model, IMAGES, WHO, rates=[0.1, 1])
    with pytest.raises(ValueError, match=r"evaluate_pairs needs images of two people"):
        evaluate_pairs(model, IMAGES[:4], WHO[:4])
    with pytest.raises(ValueError, match=r"evaluate_pairs needs pairs that are the sa"):
        evaluate_pairs(model, [(IMAGES[0], IMAGES[1])], [True])
    with pytest.raises(NotFittedError, match=r"not fitted"):
        evaluate_pairs(verifier(), IMAGES, WHO)

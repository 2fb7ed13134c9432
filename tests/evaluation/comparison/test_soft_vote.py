"""Tests for imgfeat/evaluation/comparison/_soft_vote.py."""

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import VotingClassifier
from sklearn.metrics import get_scorer
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from imgfeat import compare
from imgfeat.evaluation.comparison import _learning_curve
from imgfeat.evaluation.comparison._soft_vote import find_soft_vote

LOSS = {"neg_log_loss": get_scorer("neg_log_loss")}


def columns(*numbers):
    return make_pipeline(
        FunctionTransformer(np.take, kw_args={"indices": numbers, "axis": 1}),
        GaussianNB(),
    )


VIEWS = {"left": columns(0, 1), "middle": columns(2, 3), "right": columns(4, 5)}


@pytest.fixture(scope="module")
def views():
    """Each pair of columns tells as much as another."""
    rng = np.random.default_rng(0)
    y = np.arange(600) % 2
    return rng.standard_normal((600, 6)) + 1.2 * y[:, None], y


@pytest.fixture(scope="module")
def found(views):
    scoring = ("neg_log_loss", "accuracy")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_learning_curve, "_SHARES", (0.5, 1.0))
        return compare(VIEWS, *views, scoring=scoring, learning_curve=True)


def test_vote_of_views_is_a_row(found):
    assert set(found.soft_vote.members) == {"left", "middle", "right"}
    assert found.table.index[0] == found.soft_vote.name
    assert found.soft_vote.name.startswith("soft-vote (")
    assert found.cv_results_.index[0] == found.soft_vote.name
    gain = found.table["mean_test_neg_log_loss"].diff().iloc[1]
    assert found.soft_vote.gain == pytest.approx(-gain)
    assert found.table["n_folds"].tolist() == [5, 5, 5, 5]


def test_vote_scores_as_scikit_learns_does(found, views):
    vote = VotingClassifier(list(VIEWS.items()), voting="soft")
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    theirs = cross_val_score(vote, *views, cv=folds, scoring="neg_log_loss")
    np.testing.assert_allclose(
        found.soft_vote.scores["neg_log_loss"], theirs, rtol=1e-5
    )


def test_vote_that_is_better_than_all_is_the_best(found):
    assert found.best == found.soft_vote.name
    assert found.verdict.tied == (found.best,)
    assert f"{found.best} is ahead of all others" in str(found)
    assert "score 0.0" in str(found.soft_vote)


def test_vote_that_is_tied_with_a_member_is_not_the_best(views):
    X, y = views
    found = compare(VIEWS, X[:150], y[:150], scoring="neg_log_loss")
    assert found.soft_vote.name == found.verdict.tied[0]
    assert found.best in found.soft_vote.members


def test_vote_has_probabilities_and_is_no_model_of_its_own(found, views):
    shares = found.probabilities[found.best]
    members = [found.probabilities[name] for name in found.soft_vote.members]
    np.testing.assert_allclose(shares, np.mean(members, axis=0), atol=1e-6)
    accuracy = np.mean(shares.argmax(axis=1) == views[1])
    assert accuracy == pytest.approx(found.table.loc[found.best, "mean_test_accuracy"])
    assert set(found.shared_mistakes()["n_models"]) == {3}


def test_vote_that_is_the_best_has_the_learning_curve(found):
    assert found.curve.candidate == found.soft_vote.name
    whole = found.learning_curve["mean_test_neg_log_loss"].iloc[-1]
    expected = found.table.loc[found.best, "mean_test_neg_log_loss"]
    assert whole == pytest.approx(expected, abs=1e-6)


def test_no_vote_where_one_alone_is_as_good(views):
    candidates = {"all": columns(0, 1, 2, 3), "dummy": DummyClassifier()}
    found = compare(candidates, *views, cv=3, scoring="neg_log_loss")
    assert found.soft_vote is None
    assert set(found.table.index) == {"all", "dummy"}


def test_no_fold_has_a_say_in_who_votes_on_it():
    """Noise that helps on all folds together does not help on one by the others."""
    rng = np.random.default_rng(1)
    n_found, gains = 0, []
    for _ in range(40):
        y = np.arange(60) % 2
        folds = list(KFold(5).split(y))
        shares = {}
        for name in "abcd":  # guesses, none better than another
            sure = rng.uniform(0.3, 0.7, len(y))
            shares[name] = [np.column_stack([1 - sure, sure])[t] for _, t in folds]
        vote = find_soft_vote(shares, y, folds, {"accuracy": get_scorer("accuracy")})
        n_found += vote is not None
        gains.append(0 if vote is None else vote.gain)
    # Chosen on all folds, a vote is above the best in most draws.
    assert n_found < 10
    assert np.mean(gains) < 0.01


def test_a_vote_is_held_against_what_candidates_decide_themselves():
    y = np.tile([0, 0, 1, 1], 10)
    folds = list(KFold(2).split(y))
    sure = {"a": [0.6, 0.2, 0.8, 0.4], "b": [0.1, 0.7, 0.3, 0.8]}
    shares = {
        name: [np.tile(np.column_stack([1 - np.array(s), s]), (5, 1))] * 2
        for name, s in sure.items()
    }
    scorers = {"accuracy": get_scorer("accuracy")}
    vote = find_soft_vote(shares, y, folds, scorers)
    assert vote.gain == pytest.approx(0.5)
    alone = {name: [{"accuracy": 1.0}] * 2 for name in shares}  # by other thresholds
    assert find_soft_vote(shares, y, folds, scorers, alone) is None


def test_one_candidate_or_one_fold_makes_no_vote():
    y = np.arange(6) % 2
    shares = [np.full((3, 2), 0.5)] * 2
    folds = [(np.arange(3), np.arange(3, 6)), (np.arange(3, 6), np.arange(3))]
    assert find_soft_vote({"a": shares}, y, folds, LOSS) is None
    pair = {"a": shares[:1], "b": shares[:1]}
    assert find_soft_vote(pair, y, folds[:1], LOSS) is None

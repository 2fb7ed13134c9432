"""Tests for imgfeat/evaluation/comparison/_soft_vote.py."""

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from imgfeat import compare
from imgfeat.evaluation.comparison._soft_vote import find_soft_vote

LOSS = {"neg_log_loss": get_scorer("neg_log_loss")}


def columns(*numbers):
    return make_pipeline(
        FunctionTransformer(np.take, kw_args={"indices": numbers, "axis": 1}),
        LogisticRegression(),
    )


@pytest.fixture(scope="module")
def two_views():
    """Each half of the columns tells as much as the other."""
    rng = np.random.default_rng(0)
    y = np.arange(300) % 2
    return rng.standard_normal((300, 4)) + 0.8 * y[:, None], y


@pytest.fixture(scope="module")
def found(two_views):
    candidates = {"left": columns(0, 1), "right": columns(2, 3)}
    return compare(candidates, *two_views, scoring=("neg_log_loss", "accuracy"))


def test_vote_of_two_views_is_a_row(found):
    assert set(found.soft_vote.members) == {"left", "right"}
    assert found.table.index[0] == found.soft_vote.name
    assert found.soft_vote.name.startswith("soft-vote (")
    assert found.cv_results_.index[0] == found.soft_vote.name
    gain = found.table["mean_test_neg_log_loss"].diff().iloc[1]
    assert found.soft_vote.gain == pytest.approx(-gain)
    assert found.table["n_folds"].tolist() == [5, 5, 5]


def test_vote_scores_as_scikit_learns_does(found, two_views):
    vote = VotingClassifier(
        [("left", columns(0, 1)), ("right", columns(2, 3))], voting="soft"
    )
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    theirs = cross_val_score(vote, *two_views, cv=folds, scoring="neg_log_loss")
    np.testing.assert_allclose(
        found.soft_vote.scores["neg_log_loss"], theirs, rtol=1e-5
    )


def test_vote_is_never_the_best_and_the_note_says_so(found):
    assert found.best in ("left", "right")
    assert "A vote is never saved as the best" in str(found)
    assert "score 0.0" in str(found.soft_vote)


def test_no_vote_where_one_alone_is_as_good(two_views):
    candidates = {"all": columns(0, 1, 2, 3), "dummy": DummyClassifier()}
    found = compare(candidates, *two_views, cv=3, scoring="neg_log_loss")
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


def test_one_candidate_or_one_fold_makes_no_vote():
    y = np.arange(6) % 2
    shares = [np.full((3, 2), 0.5)] * 2
    folds = [(np.arange(3), np.arange(3, 6)), (np.arange(3, 6), np.arange(3))]
    assert find_soft_vote({"a": shares}, y, folds, LOSS) is None
    pair = {"a": shares[:1], "b": shares[:1]}
    assert find_soft_vote(pair, y, folds[:1], LOSS) is None

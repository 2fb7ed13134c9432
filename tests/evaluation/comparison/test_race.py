"""Tests for imgfeat/evaluation/comparison/_race.py and what it stands on."""

import json
import signal
from contextlib import suppress

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from imgfeat import compare, list_recipes, load_sample
from imgfeat.estimators import CNNClassifier
from imgfeat.evaluation import ComparisonInterrupted
from imgfeat.evaluation.comparison import _kept_folds, _race
from imgfeat.evaluation.comparison._candidates import find_candidates
from imgfeat.evaluation.comparison._compare import in_seconds
from imgfeat.evaluation.comparison._fronts import Fronts
from imgfeat.evaluation.comparison._kept_folds import KeptFolds
from imgfeat.features import HOG, LBP, BagOfVisualWords, DenseSIFT
from imgfeat.sources import ImageReader
from tests._counting import count_rows


@pytest.fixture(scope="module")
def digits():
    sample = load_sample("digits")
    keep = np.flatnonzero(sample.target < 3)[:60]
    return sample.images[keep], sample.target[keep]


class CountFits(ClassifierMixin, BaseEstimator):
    """Takes any features, answers with the first class; counts, and may fail."""

    n_fits = 0

    def __init__(self, fails_at=()):
        self.fails_at = fails_at

    def fit(self, X, y):
        CountFits.n_fits += 1
        if CountFits.n_fits in self.fails_at:
            raise RuntimeError("a bad day")
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


@pytest.fixture(autouse=True)
def none_counted():
    CountFits.n_fits = 0


def hog(classifier):
    return make_pipeline(ImageReader((32, 32), mode="gray"), HOG(), classifier)


def test_candidates_that_share_a_front_compute_it_once(digits, monkeypatch, tmp_path):
    seen = count_rows(monkeypatch, HOG)
    candidates = {"svm": hog(LinearSVC()), "lr": hog(LogisticRegression())}
    compare(candidates, *digits, cv=3, cache=tmp_path)
    timed = [n for n in seen if n in (1, 16)]  # to tell how long an image takes
    assert sum(seen) - sum(timed) == len(digits[0])
    seen.clear()
    compare(candidates, *digits, cv=3, cache=tmp_path)
    assert not seen  # a second run finds all in the store, what it takes too


def test_fronts_that_begin_with_the_same_reader_read_once(
    digits, monkeypatch, tmp_path
):
    seen = count_rows(monkeypatch, ImageReader)
    reader = ImageReader((32, 32), mode="gray")
    words = BagOfVisualWords(4, random_state=0)
    candidates = {
        "hog": hog(LinearSVC()),
        "lbp": make_pipeline(reader, LBP(), LogisticRegression()),
        "words": make_pipeline(reader, DenseSIFT(), words, LogisticRegression()),
        "other": make_pipeline(ImageReader((16, 16)), HOG(), LogisticRegression()),
    }
    compare(candidates, *digits, cv=3, cache=tmp_path)
    timed = [n for n in seen if n in (1, 16)]
    assert sum(seen) - sum(timed) == 2 * len(digits[0])
    seen.clear()
    for candidate in candidates.values():  # alone, it finds what it had in company
        compare({"alone": candidate}, *digits, cv=3, cache=tmp_path)
    assert set(seen) <= {1}  # to be fitted on


def test_store_can_be_done_without(digits, tmp_path):
    kept = compare({"lr": hog(LogisticRegression())}, *digits, cv=3, cache=tmp_path)
    assert any(tmp_path.iterdir())
    plain = compare({"lr": hog(LogisticRegression())}, *digits, cv=3, cache=False)
    scores = "mean_test_accuracy"
    assert kept.table.loc["lr", scores] == plain.table.loc["lr", scores]


def test_candidate_that_fails_on_a_fold_says_why_and_the_others_go_on(digits):
    candidates = {"bad": CountFits(fails_at=(2,)), "lr": hog(LogisticRegression())}
    found = compare(candidates, *digits, cv=3)
    assert found.table["n_folds"].to_dict() == {"lr": 3, "bad": 2}
    assert found.errors.to_numpy().tolist() == [["bad", 1, "RuntimeError: a bad day"]]
    assert found.best == "lr"
    assert "bad failed on 1 of the folds: RuntimeError: a bad day" in str(found)


def test_candidate_that_always_fails_comes_last_without_scores(digits):
    candidates = {"bad": CountFits(fails_at=(1, 2, 3)), "dummy": DummyClassifier()}
    found = compare(candidates, *digits, cv=3)
    assert list(found.table.index) == ["dummy", "bad"]
    assert np.isnan(found.table.loc["bad", "mean_test_accuracy"])


def test_if_all_fail_the_first_reason_is_said(digits):
    bad = CountFits(fails_at=(1, 2, 3))
    with pytest.raises(ValueError, match=r"bad failed on its first fold: .* a bad day"):
        compare({"bad": bad}, *digits, cv=3)


@pytest.fixture
def runs(monkeypatch):
    """Counts folds that are run, and presses Ctrl-C at the one of `interrupt_at`."""
    run_fold = _race.run_fold

    class Runs:
        count = 0
        interrupt_at = None

    def counted(*args):
        Runs.count += 1
        if Runs.count == Runs.interrupt_at:
            signal.raise_signal(signal.SIGINT)
        return run_fold(*args)

    monkeypatch.setattr(_race, "run_fold", counted)
    return Runs


def test_ctrl_c_keeps_what_is_over_and_the_next_run_goes_on(digits, tmp_path, runs):
    candidates = {"lr": hog(LogisticRegression()), "dummy": DummyClassifier()}
    options = {"cv": 3, "keep": tmp_path}
    runs.interrupt_at = 5
    with pytest.raises(ComparisonInterrupted, match="what was over is kept") as caught:
        compare(candidates, *digits, **options)
    partial = caught.value.comparison
    assert partial.table["n_folds"].to_dict() == {"lr": 3, "dummy": 1}
    assert partial.unfinished == ["dummy"]
    whole = compare(candidates, *digits, **options)
    assert runs.count == 5 + 2
    again = compare(candidates, *digits, **options)
    assert runs.count == 5 + 2
    scores = [name for name in whole.table if "test_" in name]
    assert again.table[scores].equals(whole.table[scores])
    compare(candidates, *digits, **options, resume=False)
    assert runs.count == 5 + 2 + 6


def test_ctrl_c_that_is_lost_in_a_callback_ends_it_all(digits, monkeypatch):
    features = Fronts.features

    def losing(self, front):
        with suppress(KeyboardInterrupt):  # as ctypes does with what a callback raises
            signal.raise_signal(signal.SIGINT)
        return features(self, front)

    monkeypatch.setattr(Fronts, "features", losing)
    with pytest.raises(ComparisonInterrupted, match="Ctrl-C was pressed"):
        compare({"lr": hog(LogisticRegression())}, *digits, cv=3)


@pytest.mark.parametrize("change", ["labels", "images", "folds", "scoring", "code"])
def test_nothing_is_taken_from_another_comparison(
    digits, tmp_path, change, runs, monkeypatch, request
):
    X, y = digits
    options = {"cv": 3, "keep": tmp_path, "scoring": ["accuracy"]}
    compare({"dummy": DummyClassifier()}, X, y, **options)
    if change == "labels":
        y = np.roll(y, 1)
    elif change == "images":
        X = X[::-1]
    elif change == "folds":
        options["random_state"] = 1
    elif change == "code":
        package = tmp_path / "imgfeat"
        package.mkdir()
        (package / "__init__.py").write_text("# edited")
        monkeypatch.setattr("imgfeat.__file__", str(package / "__init__.py"))
        _kept_folds._code.cache_clear()
        request.addfinalizer(_kept_folds._code.cache_clear)
    else:
        options["scoring"] = ["f1_macro"]
    compare({"dummy": DummyClassifier()}, X, y, **options)
    assert runs.count == 6


def test_damaged_file_of_a_fold_is_run_again(digits, tmp_path, runs):
    compare({"dummy": DummyClassifier()}, *digits, cv=3, keep=tmp_path)
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:-30])
    compare({"dummy": DummyClassifier()}, *digits, cv=3, keep=tmp_path)
    assert runs.count == 6


def test_out_of_fold_probabilities_are_those_of_models_that_had_not_seen_them(digits):
    X, y = digits
    found = compare({"lr": hog(LogisticRegression())}, X, y, cv=3)
    shares = found.probabilities["lr"]
    assert shares.shape == (len(y), 3)
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-5)
    accuracy = np.mean(shares.argmax(axis=1) == y)
    assert accuracy == pytest.approx(found.table.loc["lr", "mean_test_accuracy"])


def test_budget_too_small_for_one_candidate_runs_one_fold_and_says_so(
    digits, monkeypatch
):
    clock = iter([0.0, *[1e9] * 100])
    now = "imgfeat.evaluation.comparison._deadline.time.monotonic"
    monkeypatch.setattr(now, lambda: next(clock))
    candidates = {"lr": hog(LogisticRegression()), "dummy": DummyClassifier()}
    found = compare(candidates, *digits, cv=3, time_budget=1)
    assert found.table["n_folds"].to_dict() == {"lr": 1, "dummy": 0}
    assert str(found.verdict).startswith("Only lr was scored, with a mean of")
    assert found.unfinished == ["lr", "dummy"]
    assert "too little for more than one fold of one candidate" in str(found)


@pytest.mark.parametrize(
    "text, seconds",
    [("5min", 300), ("90 s", 90), ("1.5h", 5400), (2, 2), ("7", 7), (6e-5, 6e-5)],
)
def test_budget_is_a_time(text, seconds):
    assert in_seconds(text) == seconds


@pytest.mark.parametrize("text", ["soon", "-1", 0, "5 days", ""])
def test_budget_that_is_no_time_is_refused(text):
    with pytest.raises(ValueError, match="needs a positive number of seconds"):
        in_seconds(text)


def test_processes_give_what_one_gives(digits):
    candidates = {"svm": hog(LinearSVC()), "lr": hog(LogisticRegression())}
    alone = compare(candidates, *digits, cv=3).cv_results_
    together = compare(candidates, *digits, cv=3, n_jobs=2).cv_results_
    assert together.equals(alone)


def test_a_line_is_said_for_each_candidate_that_is_over(digits, capsys):
    candidates = {"dummy": DummyClassifier(), "lr": hog(LogisticRegression())}
    compare(candidates, *digits, cv=3, verbose=1)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[0] for line in lines] == ["dummy", "lr"]
    assert lines[1].endswith("accuracy  (2 of 2)")


def test_what_is_kept_holds_no_code(digits, tmp_path):
    compare({"lr": hog(LogisticRegression())}, *digits, cv=3, keep=tmp_path)
    for path in tmp_path.iterdir():
        with np.load(path, allow_pickle=False) as stored:
            assert json.loads(str(stored["facts"]))["scores"]["accuracy"] > 0.5


@pytest.mark.parametrize("name", list_recipes()["recipe"])
def test_every_recipe_can_be_kept(digits, tmp_path, name):
    (candidate,) = find_candidates([name], 0)
    kept = KeptFolds(tmp_path, *digits, ["accuracy"])
    rows = np.arange(40), np.arange(40, 60)
    key = kept.key(candidate, rows)
    assert key is not None
    (again,) = find_candidates([name], 0)
    assert kept.key(again, rows) == key
    (other,) = find_candidates([name], 1)
    draws = name not in ("cnn-ridge", "prototype")
    assert (kept.key(other, rows) != key) == draws


def test_labels_of_another_order_are_other_labels(tmp_path):
    """The columns of what is kept are in the order of the labels."""
    X = np.random.default_rng(0).integers(0, 256, (18, 16, 16), dtype=np.uint8)
    y = np.repeat([1, 2, 10], 6)
    lr = {"lr": hog(LogisticRegression())}
    before = compare(lr, X, y, cv=3, keep=tmp_path)
    again = compare(lr, X, y.astype(str), cv=3, keep=tmp_path)
    order = [0, 2, 1]  # 1, 2, 10 where text has "1", "10", "2"
    np.testing.assert_allclose(
        again.probabilities["lr"], before.probabilities["lr"][:, order], atol=1e-3
    )


def test_batches_of_a_training_belong_to_the_candidate(digits, tmp_path):
    kept = KeptFolds(tmp_path, *digits, ["accuracy"])
    rows = np.arange(40), np.arange(40, 60)
    keys = set()
    for batch_size in (16, 32):
        cnn = CNNClassifier("simple_cnn", batch_size=batch_size, random_state=0)
        (candidate,) = find_candidates({"cnn": cnn}, 0)
        keys.add(kept.key(candidate, rows))
    assert len(keys) == 2


@pytest.mark.parametrize("with_store", [True, False])
def test_learned_features_are_the_same_with_and_without_the_store(
    digits, tmp_path, with_store
):
    words = BagOfVisualWords(8, random_state=0)
    reader = make_pipeline(ImageReader((32, 32), mode="gray"), DenseSIFT(step=8))
    words_lr = make_pipeline(reader, words, LogisticRegression())
    plain = cross_validate(
        words_lr, *digits, cv=StratifiedKFold(3, shuffle=True, random_state=0)
    )["test_score"]
    for _ in range(2):
        cache = tmp_path if with_store else False
        found = compare({"words": words_lr}, *digits, cv=3, cache=cache)
        scores = found.cv_results_.filter(regex="accuracy").loc["words"]
        np.testing.assert_array_equal(scores, plain)


def test_second_run_learns_no_vocabulary(digits, tmp_path, monkeypatch):
    fitted = []
    fit = BagOfVisualWords.fit

    def counted(self, X, y=None):
        fitted.append(self)
        return fit(self, X, y)

    monkeypatch.setattr(BagOfVisualWords, "fit", counted)
    reader = make_pipeline(ImageReader((32, 32), mode="gray"), DenseSIFT(step=8))
    words = BagOfVisualWords(8, random_state=0)
    candidates = {"words": make_pipeline(reader, words, LogisticRegression())}
    first = compare(candidates, *digits, cv=3, cache=tmp_path)
    assert len(fitted) == 3
    second = compare(candidates, *digits, cv=3, cache=tmp_path)
    assert len(fitted) == 3
    scores = [name for name in first.table if "test_" in name]
    assert second.table[scores].equals(first.table[scores])
    for found in (first, second):  # what was spared is counted
        assert found.table.loc["words", "mean_fit_time"] > 0

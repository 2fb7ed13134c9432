"""Tests for imgfeat/nets/inference/_choice.py. Time is made up everywhere."""

import json
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
from filelock import FileLock

from imgfeat._progress import announcements
from imgfeat.features import CNNEmbedding
from imgfeat.nets import find_backbone, plan_inference
from imgfeat.nets._pooling import Readout
from imgfeat.nets.inference import _choice, _precision, _stock, _ways
from imgfeat.nets.inference._choice import (
    choose,
    kept_choices,
    settle,
    time_in_turn,
)

FIND = _choice._find  # which all other tests leave out
FIRST, SECOND, THIRD = ("onnx", "float32"), ("openvino", "bfloat16"), ("torch", "x")


class Clock:
    """Stands still unless something is run."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def opener(self, seconds, answer=None, opening=100.0):
        """An opener of a run that takes some of the `seconds`, one after the other."""
        seconds = iter(seconds)

        def run():
            self.now += next(seconds)
            return answer

        def open_run():
            self.now += opening
            return run

        return open_run


def fail():
    raise ImportError("not here\nat all")


def test_fastest_run_of_each_counts_and_opening_does_not():
    clock = Clock()
    openers = {
        FIRST: clock.opener([0.5, 0.25, 0.75], "a"),
        SECOND: clock.opener([0.25, 0.5, 0.5], "b"),
    }
    seconds, outcomes, failed = time_in_turn(openers, clock, budget_s=2.0)
    assert seconds == {FIRST: 0.25, SECOND: 0.25}
    assert outcomes == {FIRST: "a", SECOND: "b"}
    assert failed == {}


def test_who_comes_after_time_is_up_is_left_out():
    clock = Clock()
    openers = {
        FIRST: clock.opener([1.5]),
        SECOND: clock.opener([1.0]),
        THIRD: clock.opener([0.1]),
    }
    seconds, _, _ = time_in_turn(openers, clock, budget_s=2.0)
    assert seconds == {FIRST: 1.5, SECOND: 1.0}


def test_quick_runs_end_after_some_rounds():
    clock = Clock()
    n_runs = _choice._MOST_ROUNDS
    seconds, _, _ = time_in_turn({FIRST: clock.opener([1e-3] * n_runs)}, clock)
    assert seconds == {FIRST: pytest.approx(1e-3)}


def test_what_does_not_run_is_noted_unless_it_is_the_usual():
    clock = Clock()
    openers = {FIRST: clock.opener([1.0, 1.0, 1.0]), SECOND: fail}
    seconds, _, failed = time_in_turn(openers, clock)
    assert seconds == {FIRST: 1.0}
    assert failed == {SECOND: "not here"}
    with pytest.raises(ImportError, match="not here"):
        time_in_turn({SECOND: fail}, clock)


@pytest.mark.parametrize(
    "seconds, least, expected",
    [
        ({FIRST: 1.0, SECOND: 0.5}, {FIRST: 1.0, SECOND: 0.9995}, SECOND),
        ({FIRST: 1.0, SECOND: 0.5}, {FIRST: 1.0, SECOND: 0.9985}, FIRST),
        ({FIRST: 1.0, SECOND: 0.95}, {FIRST: 1.0, SECOND: 1.0}, FIRST),
        (
            {FIRST: 1.0, SECOND: 0.2, THIRD: 0.4},
            {FIRST: 1.0, SECOND: 0.5, THIRD: 1.0},
            THIRD,
        ),
        ({FIRST: 1.0}, {FIRST: 1.0}, FIRST),
    ],
)
def test_another_way_must_be_near_and_clearly_faster(seconds, least, expected):
    assert choose(seconds, least) == expected


# The choice of a net


@pytest.fixture
def net(monkeypatch, tmp_path):
    """A plan with choices; counts how often they are timed."""
    monkeypatch.setenv("IMGFEAT_HOME", str(tmp_path))
    monkeypatch.setattr(_choice, "_chosen", {})
    plan = plan_inference(
        engine="torch", device="cpu", precision="float32", threads=1, batch_size=4
    )
    choices = ("torch", "float32"), ("torch", "bfloat16")
    plan = plan.__class__(**{**vars(plan), "choices": choices})
    times = []

    def time(backbone, readout, plan, verbose):
        times.append(backbone.name)
        timed = [
            {
                "engine": engine,
                "precision": name,
                "images_per_s": 1.0,
                "least_cosine": 1,
            }
            for engine, name in plan.choices
        ]
        return {"chosen": plan.choices[1], "timed": timed, "failed": []}

    monkeypatch.setattr(_choice, "_find", FIND)
    monkeypatch.setattr(_choice, "_time", time)
    backbone = find_backbone("efficientnet_lite0")
    return SimpleNamespace(
        plan=plan,
        times=times,
        folder=tmp_path / "engines",
        settle=lambda **options: settle(backbone, Readout("avg"), plan, **options),
    )


def another_process(monkeypatch):
    monkeypatch.setattr(_choice, "_chosen", {})


def test_choice_is_made_once_and_kept_for_other_processes(net, monkeypatch):
    for _ in range(2):
        got = net.settle()
        assert (got.engine, got.precision, got.choices) == ("torch", "bfloat16", ())
        assert got.check == "cosine"
    another_process(monkeypatch)
    assert net.settle() == got
    assert net.times == ["efficientnet_lite0"]
    (record,) = kept_choices()
    assert record["net"] == "efficientnet_lite0"
    assert record["chosen"] == ["torch", "bfloat16"]
    assert [row["precision"] for row in record["timed"]] == ["float32", "bfloat16"]


@pytest.mark.parametrize("fact", ["cpu_model", "n_cores", "cpu_features"])
def test_another_machine_chooses_anew(net, monkeypatch, fact):
    net.settle()
    monkeypatch.setattr(_choice, fact, lambda: ["other"])
    net.settle()
    assert len(net.times) == 2
    assert len(list(net.folder.glob("*.json"))) == 2
    (record,) = kept_choices()
    assert ["other"] in record.values()


def test_other_versions_choose_anew(net, monkeypatch):
    net.settle()
    monkeypatch.setattr(_choice, "version", lambda name: "99")
    net.settle()
    assert len(net.times) == 2


NO_USE = "", "{", "[]", '{"chosen": ["torch", "int8"]}'
NO_USE += ('{"chosen": ["torch", "bfloat16"], "net": "x", "size": [1], "timed": [3]}',)


@pytest.mark.parametrize("content", NO_USE)
def test_record_of_no_use_is_made_anew(net, monkeypatch, content):
    net.settle()
    (path,) = net.folder.glob("*.json")
    path.write_text(content)
    another_process(monkeypatch)
    assert kept_choices() == []
    assert net.settle().precision == "bfloat16"
    assert len(net.times) == 2
    assert json.loads(path.read_text())["chosen"] == ["torch", "bfloat16"]


def test_without_a_home_each_process_chooses(net, monkeypatch):
    monkeypatch.setenv("IMGFEAT_HOME", "~nobody-of-this-name/cache")
    for _ in range(2):
        assert net.settle().precision == "bfloat16"
    assert len(net.times) == 1
    assert kept_choices() == []


def test_folder_that_cannot_be_written_is_no_obstacle(net, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("IMGFEAT_HOME", str(tmp_path / "file"))
    assert net.settle().precision == "bfloat16"
    assert kept_choices() == []


def test_plan_without_choices_is_left_alone(net):
    plan = net.plan.choose("torch", "float32")
    assert settle(None, None, plan) is plan
    assert net.times == []


def test_process_that_times_the_same_net_is_waited_for(net, monkeypatch):
    monkeypatch.setattr(_choice, "_PATIENCE_S", 0.01)
    net.settle()
    (path,) = net.folder.glob("*.json")
    record = path.read_bytes()
    path.unlink()
    another_process(monkeypatch)
    with FileLock(path.with_suffix(".lock")):
        assert net.settle().precision == "bfloat16"  # patience has an end
    assert len(net.times) == 2

    @contextmanager
    def alone(path):
        path.write_bytes(record)  # by the other one, meanwhile
        yield

    path.unlink()
    another_process(monkeypatch)
    monkeypatch.setattr(_choice, "_alone", alone)
    assert net.settle().precision == "bfloat16"
    assert len(net.times) == 2


# With real nets and a made-up clock

SIZE = 32


@pytest.fixture
def real(monkeypatch, tmp_path):
    """Time torch in float32 and bfloat16, by a clock that says what it is told."""
    monkeypatch.setattr(_choice, "_find", FIND)
    monkeypatch.setattr(_stock, "_engines", type(_stock._engines)())
    monkeypatch.setenv("IMGFEAT_HOME", str(tmp_path))
    monkeypatch.setattr(_choice, "_chosen", {})
    monkeypatch.setattr(_ways, "has_bfloat16", lambda: True)

    def say(first, second):
        ticks = iter([0, first, 0, second] * _choice._MOST_ROUNDS)
        monkeypatch.setattr(_choice, "_clock", lambda: next(ticks))

    return say


@pytest.fixture
def photos():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (3, SIZE, SIZE, 3), dtype=np.uint8)


def embedding(**options):
    return CNNEmbedding(
        size=SIZE, engine="torch", device="cpu", n_jobs=1, weights=None, **options
    )


def test_precision_that_is_faster_and_near_is_taken(real, photos, capsys):
    real(1.0, 0.5)
    with announcements():
        net = embedding(backbone="resnet18").fit(photos)
    assert "Timing 2 ways to run resnet18" in capsys.readouterr().err
    assert net.inference_info_["precision"] == "bfloat16"
    got = net.transform(photos)
    assert net.inference_info_["precision_cosine"] > 0.999
    exact = embedding(backbone="resnet18", precision="float32").fit_transform(photos)
    assert (got != exact).any()
    (record,) = kept_choices()
    assert [row["images_per_s"] for row in record["timed"]] == [4.0, 8.0]


def test_precision_that_is_not_faster_is_not_taken(real, photos):
    real(1.0, 1.0)
    net = embedding(backbone="resnet18").fit(photos)
    assert net.inference_info_["precision"] == "float32"
    exact = embedding(backbone="resnet18", precision="float32").fit_transform(photos)
    np.testing.assert_array_equal(net.transform(photos), exact)


def test_precision_that_fails_on_the_first_batch_is_given_up_for_good(
    real, photos, monkeypatch
):
    real(1.0, 0.5)
    net = embedding(backbone="resnet18").fit(photos)
    monkeypatch.setattr(_precision, "LEAST_COSINE", 2.0)
    first = net.transform(photos)
    assert net.inference_info_["precision"] == "float32"
    assert net.inference_info_["precision_cosine"] < 2
    np.testing.assert_array_equal(net.transform(photos), first)
    exact = embedding(backbone="resnet18", precision="float32").fit_transform(photos)
    np.testing.assert_array_equal(first, exact)

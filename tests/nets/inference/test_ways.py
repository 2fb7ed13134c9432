"""Tests for imgfeat/nets/inference/_ways.py, and what a plan makes of them."""

import warnings

import pytest

from imgfeat import _once
from imgfeat.nets import plan_inference
from imgfeat.nets.inference import _engines, _openvino_core, _plan, _ways
from imgfeat.nets.inference._ways import list_choices

EXACT = ("onnx", "float32"), ("openvino", "float32")
HALF = ("openvino", "bfloat16"), ("torch", "bfloat16")


@pytest.fixture
def machine(monkeypatch):
    """Say what is installed, and whether the CPU computes in bfloat16."""

    def say(installed=("onnx", "openvino"), *, bfloat16=True):
        missing = {"onnx": "onnxruntime", "openvino": "openvino"}
        absent = [package for name, package in missing.items() if name not in installed]
        monkeypatch.setattr(_engines, "has_module", lambda name: name not in absent)
        monkeypatch.setattr(_ways, "has_bfloat16", lambda: bfloat16)

    monkeypatch.setattr(_once, "_told", set())
    monkeypatch.setattr(_plan, "find_device", lambda name: name.replace("auto", "cpu"))
    say()
    return say


def plan(**options):
    defaults = {"engine": "auto", "device": "auto", "precision": "auto"}
    return plan_inference(**defaults | {"threads": 1, "batch_size": 4} | options)


@pytest.mark.parametrize(
    "engine, precision, expected",
    [
        ("auto", "auto", (EXACT[0], *HALF, EXACT[1])),
        ("auto", "float32", EXACT),
        ("auto", "bfloat16", HALF[::-1]),
        ("auto", "float16", (("torch", "float16"),)),
        ("torch", "auto", (("torch", "float32"), HALF[1])),
        ("openvino", "auto", (EXACT[1], HALF[0])),
        ("onnx", "auto", EXACT[:1]),
        ("onnx", "int8", (("onnx", "int8"),)),
        ("onnx", "float16", ()),
    ],
)
def test_choices_are_what_is_installed_the_usual_one_first(
    machine, engine, precision, expected
):
    assert list_choices(engine, precision) == expected


@pytest.mark.parametrize(
    "engine, precision, expected",
    [
        ("auto", "auto", EXACT),
        ("openvino", "auto", EXACT[1:]),
        ("torch", "auto", (("torch", "float32"),)),
        ("auto", "bfloat16", HALF[1:]),
    ],
)
def test_half_precision_that_is_imitated_is_none(machine, engine, precision, expected):
    machine(bfloat16=False)
    assert list_choices(engine, precision) == expected


def test_torch_alone_may_run_in_half_precision(machine):
    machine(installed=())
    assert list_choices("auto", "auto") == (("torch", "float32"), HALF[1])


def test_plan_is_the_usual_one_until_it_is_settled(machine):
    got = plan()
    assert (got.engine, got.precision, got.fallback) == ("onnx", "float32", "torch")
    assert got.choices == (EXACT[0], *HALF, EXACT[1])
    assert "choices" not in got.info()
    chosen = got.choose("openvino", "bfloat16")
    assert (chosen.engine, chosen.precision) == ("openvino", "bfloat16")
    assert (chosen.fallback, chosen.choices, chosen.check) == ("torch", (), "cosine")
    assert got.choose("torch", "bfloat16").fallback is None
    assert got.choose("openvino", "float32").check == "bound"


@pytest.mark.parametrize(
    "options", [{"own_module": True}, {"compile": True}, {"precision": "int8"}]
)
def test_nothing_is_open_where_one_way_is_left(machine, options):
    got = plan(**options)
    assert got.choices == ()
    assert got.precision == options.get("precision", "float32")


def test_precision_that_was_asked_for_is_checked_as_before(machine):
    got = plan(precision="bfloat16")
    assert got.choose("openvino", "bfloat16").check == "bound"


# What a model was fitted with


@pytest.mark.parametrize("bfloat16", [False, True])
def test_model_of_float32_stays_in_float32(machine, bfloat16):
    machine(bfloat16=bfloat16)
    got = plan(fitted={"engine": "torch", "precision": "float32"})
    assert got.precision == "float32"
    assert got.choices == EXACT


@pytest.mark.parametrize("engine, precision", HALF)
def test_model_of_half_precision_keeps_its_engine_and_is_not_judged_again(
    machine, engine, precision
):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = plan(fitted={"engine": engine, "precision": precision})
    assert (got.engine, got.precision, got.choices) == (engine, precision, ())
    assert got.check is None


def test_model_of_half_precision_elsewhere_says_what_it_falls_back_to(machine):
    fitted = {"engine": "openvino", "precision": "bfloat16"}
    machine(installed=("onnx",))
    with pytest.warns(RuntimeWarning, match=r"OpenVINO is not .*'imgfeat\[openvino\]'"):
        got = plan(fitted=fitted)
    assert (got.engine, got.precision) == ("torch", "bfloat16")
    machine(bfloat16=False)
    message = r"ran in bfloat16\. This CPU does not compute in bfloat16, so .* float32:"
    with pytest.warns(RuntimeWarning, match=message):
        got = plan(fitted=fitted)
    assert (got.engine, got.precision, got.choices) == ("onnx", "float32", EXACT)
    plan(fitted=fitted)  # and says so once


def test_forked_process_runs_what_survives_a_fork(machine, monkeypatch):
    monkeypatch.setattr(_openvino_core, "_is_of_parent", True)
    assert list_choices("auto", "float32") == EXACT[:1]
    assert plan().engine == "onnx"
    assert plan(fitted={"engine": "openvino", "precision": "float32"}).engine == "onnx"
    with pytest.warns(RuntimeWarning, match="forked from one that has used OpenVINO, "):
        got = plan(fitted={"engine": "openvino", "precision": "bfloat16"})
    assert (got.engine, got.precision) == ("torch", "bfloat16")


def test_model_of_cuda_says_that_a_cpu_is_exact(machine):
    with pytest.warns(RuntimeWarning, match="This CPU does not compute in float16"):
        got = plan(fitted={"engine": "torch", "precision": "float16"})
    assert got.precision == "float32"


def test_on_cuda_a_model_keeps_its_precision(machine, monkeypatch):
    monkeypatch.setattr(_plan, "find_device", lambda name: "cuda")
    for precision in ("float32", "bfloat16", "float16"):
        got = plan(fitted={"engine": "openvino", "precision": precision})
        assert (got.engine, got.device, got.precision) == ("torch", "cuda", precision)
    assert plan().precision == "float16"


def test_what_is_asked_for_counts_more_than_what_was(machine):
    fitted = {"engine": "openvino", "precision": "bfloat16"}
    assert plan(fitted=fitted, precision="float32").precision == "float32"
    assert plan(fitted=fitted, engine="torch").engine == "torch"

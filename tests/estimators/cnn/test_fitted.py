"""Tests for imgfeat/estimators/cnn/_fitted.py: the net that was fitted, no other."""

import pickle

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from imgfeat.deploy import UntrustedFileError, load, save
from imgfeat.estimators.cnn._fold import _ConvolutionAndNorm
from tests.estimators.cnn._tiny_net import (
    TinyNet,
    assert_same_tensors,
    few_digits,
    tensors,
    tiny,
)


@pytest.fixture(scope="module")
def digits():
    return few_digits()


def stored(cnn, tmp_path):
    """A classifier after a pickle, and after a saved file."""
    save(cnn, tmp_path / "cnn.imgfeat")
    return pickle.loads(pickle.dumps(cnn)), load(tmp_path / "cnn.imgfeat")


CHANGED = {
    "backbone": "resnet18",
    "weights": None,
    "size": 32,
    "trainable": ["layer4.*"],
    "dropout": 0.9,
    "compile": True,
}


# Pickles and saved files


@pytest.mark.parametrize("backbone", ["simple_cnn", "resnet9"])
def test_pickle_and_saved_file_predict_the_same(digits, tmp_path, backbone):
    X = np.kron(digits[0], np.ones((1, 2, 2), dtype=np.uint8))
    cnn = tiny(backbone).fit(X, digits[1])
    expected = cnn.predict_proba(X)
    for again in stored(cnn, tmp_path):
        assert_allclose(again.predict_proba(X), expected)


@pytest.mark.parametrize("backbone", ["simple_cnn", "efficientnet_lite0"])
def test_parameters_changed_since_change_no_net(digits, tmp_path, backbone):
    X, y = digits[0][:40], digits[1][:40]
    options = {"trainable": "head", "dropout": 0.4, "size": 32, "max_epochs": 1}
    cnn = tiny(backbone, **options).fit(X, y)
    expected = cnn.predict_proba(X)
    for again in stored(cnn.set_params(**CHANGED), tmp_path):
        assert_array_equal(again.predict_proba(X), expected)
        module = again.net_.module_
        rates = {m.p for m in module.modules() if isinstance(m, torch.nn.Dropout)}
        assert 0.4 in rates
        assert 0.9 not in rates
        trained = {n for n, p in module.named_parameters() if p.requires_grad}
        assert trained == {
            n for n, p in cnn.net_.module_.named_parameters() if p.requires_grad
        }
        for parameter, value in CHANGED.items():
            assert getattr(again, parameter) == value


@pytest.mark.parametrize("compiled", [False, True])
def test_norms_stay_folded_or_not_as_they_were(digits, monkeypatch, compiled):
    monkeypatch.setattr("torch.compile", lambda net: net)
    X, y = digits[0][:20], digits[1][:20]
    options = {"size": 32, "trainable": "head", "max_epochs": 1, "compile": compiled}
    cnn = tiny("efficientnet_lite0", **options).fit(X, y)
    again = pickle.loads(pickle.dumps(cnn.set_params(compile=not compiled)))
    for net in (cnn.net_, again.net_):
        is_folded = [
            isinstance(vars(module).get("forward"), _ConvolutionAndNorm)
            for module in net.module_.modules()
        ]
        assert any(is_folded) != compiled


def test_module_of_the_users_own_goes_along_in_a_pickle(digits, tmp_path):
    X, y = digits
    cnn = tiny(TinyNet()).fit(X, y)
    expected = cnn.predict_proba(X)
    cnn.set_params(backbone="simple_cnn")
    again = pickle.loads(pickle.dumps(cnn))
    assert_array_equal(again.predict_proba(X), expected)
    with pytest.raises(UntrustedFileError, match="chosen__backbone; use a backbone by"):
        save(cnn, tmp_path / "cnn.imgfeat")


def test_module_that_is_a_parameter_too_is_pickled_once(digits):
    cnn = pickle.loads(pickle.dumps(tiny(TinyNet()).fit(*digits)))
    assert cnn.set_params(warm_start=True).backbone is cnn._chosen["backbone"]
    assert len(cnn.fit(*digits).history_) == 6


def test_files_from_before_the_record_are_rebuilt_by_their_parameters(digits, tmp_path):
    cnn = tiny("resnet9", dropout=0.3).fit(*digits)
    expected = cnn.predict_proba(digits[0])
    del cnn._chosen
    for again in stored(cnn, tmp_path):
        assert_array_equal(again.predict_proba(digits[0]), expected)
        again.partial_fit(*digits)
        assert again._chosen["backbone"] == "resnet9"


def test_record_is_of_plain_values(digits):
    cnn = tiny(
        np.str_("simple_cnn"),
        weights=np.str_("default"),
        size=(np.int64(8), 8),
        trainable=("0.*", "4.*"),
        dropout=np.float32(0.5),
        compile=np.False_,
        max_epochs=1,
    ).fit(*digits)
    assert repr(cnn._chosen) == (
        "{'backbone': 'simple_cnn', 'weights': 'default', 'size': (8, 8), "
        "'trainable': ['0.*', '4.*'], 'dropout': 0.5, 'compile': False}"
    )


def test_loading_writes_no_checkpoints(digits, tmp_path):
    cnn = tiny(max_epochs=1, checkpoint_dir=tmp_path / "checkpoints").fit(*digits)
    stored = pickle.dumps(cnn.set_params(checkpoint_dir=tmp_path / "elsewhere"))
    pickle.loads(stored).predict(digits[0])
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoints"]


# Another device, another precision


def test_precision_after_loading_counts(digits):
    X = digits[0]
    cnn = tiny(precision="bfloat16").fit(*digits)
    coarse = cnn.predict_proba(X)
    again = pickle.loads(pickle.dumps(cnn))
    assert_array_equal(again.predict_proba(X), coarse)
    again.set_params(precision="auto", device="cpu")
    fine = again.predict_proba(X)
    again.set_params(precision="float32")
    assert_array_equal(again.predict_proba(X), fine)
    assert not np.array_equal(fine, coarse)
    assert_allclose(fine, coarse, atol=0.05)


def test_device_that_is_not_here_is_said_in_prediction_and_can_be_changed(digits):
    X = digits[0]
    cnn = tiny().fit(*digits)
    expected = cnn.predict_proba(X)
    again = pickle.loads(pickle.dumps(cnn.set_params(device="cuda:97")))
    assert_same_tensors(tensors(again), tensors(cnn))
    with pytest.raises(ValueError, match=r"no device 'cuda:97' here.*device='auto'"):
        again.predict(X)
    again.set_params(device="cpu")
    assert_array_equal(again.predict_proba(X), expected)


# Going on


def test_warm_start_begins_where_the_last_fit_ended(digits):
    cnn = tiny(warm_start=True).fit(*digits)
    cnn.fit(*digits)
    assert cnn.history_["train_loss"].iloc[3] < cnn.history_["train_loss"].iloc[0]
    assert len(cnn.history_) == 6


def test_pickled_net_goes_on_learning(digits):
    cnn = pickle.loads(pickle.dumps(tiny().fit(*digits)))
    cnn.partial_fit(*digits)
    assert len(cnn.history_) == 4


@pytest.mark.parametrize(
    "change, fitted, asked",
    [
        ({"backbone": "resnet9"}, "backbone='simple_cnn'", "backbone='resnet9'"),
        ({"backbone": TinyNet()}, "'simple_cnn'", "<.*TinyNet object at .*>"),
        ({"weights": None}, "weights='default'", "weights=None"),
        ({"size": 16}, "size=8", "size=16"),
        ({"size": (8, 9), "weights": None}, "weights=.*size=8", r"size=\(8, 9\)"),
    ],
)
@pytest.mark.parametrize("is_loaded", [False, True])
def test_another_net_is_not_gone_on_with(digits, change, fitted, asked, is_loaded):
    cnn = tiny(warm_start=True, size=8).fit(*digits)
    expected = cnn.predict_proba(digits[0])
    if is_loaded:
        cnn = pickle.loads(pickle.dumps(cnn))
    before = cnn.get_params()
    cnn.set_params(**change)
    message = f"fitted, with .*{fitted}.*Got .*{asked}.*; set it back, or fit a new"
    for train in (cnn.fit, cnn.partial_fit):
        with pytest.raises(ValueError, match=message):
            train(*digits)
    assert_array_equal(cnn.predict_proba(digits[0]), expected)
    cnn.set_params(**before).partial_fit(*digits)
    cnn.set_params(**change, warm_start=False)


def test_same_size_in_other_words_is_the_same(digits):
    cnn = tiny(warm_start=True).fit(*digits)
    for size in (8, (8, 8), None):
        cnn.set_params(size=size).fit(*digits)
    assert len(cnn.history_) == 12


def test_another_net_is_fitted_anew_without_warm_start(digits):
    cnn = tiny(size=8).fit(*digits)
    cnn.set_params(backbone="resnet9").fit(*digits)
    assert cnn._chosen["backbone"] == "resnet9"
    assert pickle.loads(pickle.dumps(cnn)).predict(digits[0]).shape == (300,)


def test_what_learns_may_change_from_fit_to_fit(digits):
    cnn = tiny(TinyNet(), trainable="head", warm_start=True).fit(*digits)
    cnn.set_params(trainable="all", dropout=0.7).fit(*digits)
    net = pickle.loads(pickle.dumps(cnn)).net_.module_
    assert all(parameter.requires_grad for parameter in net.parameters())
    assert net.dropout.p == 0.2  # as the net was built

"""Tests for imgfeat/estimators/cnn/_checkpoint.py: trainings that go on."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from sklearn.base import clone
from skorch.callbacks import Callback

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


class StopAfter(Callback):
    """Ctrl-C at the end of an epoch."""

    def __init__(self, n_epochs):
        self.n_epochs = n_epochs

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == self.n_epochs:
            raise KeyboardInterrupt


class Count(Callback):
    """Counts epochs."""

    def __init__(self):
        self.n_epochs_ = 0

    def on_epoch_end(self, net, **kwargs):
        self.n_epochs_ += 1


MIXED = {"mixup": 0.3, "cutmix": 0.5, "label_smoothing": 0.1}


@pytest.mark.parametrize(
    "backbone, options",
    [
        ("simple_cnn", {"augment": "light", "early_stopping": 9}),
        ("simple_cnn", MIXED),
        ("own", {"trainable": "all", "augment": "standard", "optimizer": "sgd"}),
        ("own", {"trainable": "head", "early_stopping": 9}),
    ],
    ids=["watched", "mixed", "all", "head"],
)
def test_interrupted_and_resumed_gives_what_one_run_gives(
    digits, tmp_path, backbone, options
):
    def fit(**others):
        net = TinyNet() if backbone == "own" else backbone
        every = {"max_epochs": 6, "dropout": 0.3, **options, **others}
        return tiny(net, **every).fit(*digits)

    whole = fit()
    with pytest.warns(UserWarning, match="interrupted in epoch 4 of 6"):
        fit(checkpoint_dir=tmp_path, callbacks=[StopAfter(3)])
    resumed = fit(checkpoint_dir=tmp_path, resume=True)
    assert_same_tensors(tensors(resumed), tensors(whole))
    assert_allclose(resumed.history_["train_loss"], whole.history_["train_loss"])
    assert list(resumed.history_["epoch"]) == [1, 2, 3, 4, 5, 6]


def test_training_that_is_over_is_not_trained_on(digits, tmp_path):
    count = Count()
    options = {"checkpoint_dir": tmp_path, "lr": 0.2}
    for limits in ({"max_epochs": 2}, {"max_epochs": 40, "early_stopping": 2}):
        options |= limits
        whole = tiny(**options).fit(*digits)
        count.n_epochs_ = 0
        resumed = tiny(**options, resume=True, callbacks=[count]).fit(*digits)
        assert count.n_epochs_ == 0
        assert_same_tensors(tensors(resumed), tensors(whole))
        assert len(resumed.history_) == len(whole.history_)


def test_best_epoch_is_a_file_of_its_own(digits, tmp_path):
    cnn = tiny(early_stopping=2, max_epochs=40, lr=0.2, checkpoint_dir=tmp_path)
    cnn.fit(*digits)
    best = load_file(tmp_path / "best.safetensors")
    for name, tensor in tensors(cnn).items():
        np.testing.assert_array_equal(best[f"net.{name}"], tensor, err_msg=name)


def test_nothing_to_resume_is_a_new_training(digits, tmp_path):
    cnn = tiny(checkpoint_dir=tmp_path / "new", resume=True).fit(*digits)
    assert_same_tensors(tensors(cnn), tensors(tiny().fit(*digits)))


def test_checkpoint_of_another_training_is_refused(digits, tmp_path):
    tiny(checkpoint_dir=tmp_path).fit(*digits)
    again = tiny(checkpoint_dir=tmp_path, resume=True)
    X, y = digits
    with pytest.raises(ValueError, match=r"of another training: its classes is"):
        again.fit(X, np.char.upper(y))
    with pytest.raises(ValueError, match="its learning rate is"):
        clone(again).set_params(lr=0.001).fit(X, y)
    with pytest.raises(ValueError, match="its random state is"):
        clone(again).set_params(random_state=1).fit(X, y)
    with pytest.raises(ValueError, match="its net is"):
        clone(again).set_params(backbone=TinyNet()).fit(X, y)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"\xff" * 100])
def test_damaged_checkpoint_is_one_clear_error(digits, tmp_path, content):
    (tmp_path / "last.safetensors").write_bytes(content)
    with pytest.raises(ValueError, match=r"cannot be read; it is damaged .* resume"):
        tiny(checkpoint_dir=tmp_path, resume=True).fit(*digits)


def test_checkpoint_that_was_cut_off_is_one_clear_error(digits, tmp_path):
    path = tmp_path / "last.safetensors"
    tiny(checkpoint_dir=tmp_path, max_epochs=1).fit(*digits)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"cannot be read; it is damaged .* resume"):
        tiny(checkpoint_dir=tmp_path, resume=True).fit(*digits)


def test_checkpoint_of_another_version_is_refused(digits, tmp_path):
    path = tmp_path / "last.safetensors"
    tiny(checkpoint_dir=tmp_path, max_epochs=1).fit(*digits)
    with safe_open(path, framework="np") as file:
        record = json.loads(file.metadata()["record"]) | {"format": "another"}
    save_file(load_file(path), path, metadata={"record": json.dumps(record)})
    with pytest.raises(ValueError, match="of another version of imgfeat"):
        tiny(checkpoint_dir=tmp_path, resume=True).fit(*digits)


def test_full_disk_is_said_and_training_goes_on(digits, tmp_path, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("imgfeat.estimators.cnn._checkpoint.write_atomic", full)
    with pytest.warns(UserWarning, match="No space left") as caught:
        cnn = tiny(checkpoint_dir=tmp_path).fit(*digits)
    assert len(caught) == 1
    assert len(cnn.history_) == 3

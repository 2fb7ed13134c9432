"""Tests for imgfeat/estimators/cnn/_checkpoint.py: trainings that go on."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from PIL import Image
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback

from imgfeat.estimators.cnn import _checkpoint
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


def only(folder, name):
    """The one file of that name in the folders of the trainings."""
    (path,) = folder.glob(f"*/{name}")
    return path


def write_images(images, folder):
    folder.mkdir()
    paths = [str(folder / f"{row}.png") for row in range(len(images))]
    for image, path in zip(images, paths, strict=True):
        Image.fromarray(image).save(path)
    return paths


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
    best = load_file(only(tmp_path, "best.safetensors"))
    for name, tensor in tensors(cnn).items():
        np.testing.assert_array_equal(best[f"net.{name}"], tensor, err_msg=name)


def test_nothing_to_resume_is_a_new_training(digits, tmp_path):
    cnn = tiny(checkpoint_dir=tmp_path / "new", resume=True).fit(*digits)
    assert_same_tensors(tensors(cnn), tensors(tiny().fit(*digits)))


def test_other_groups_are_another_training(digits, tmp_path):
    X, y = digits
    options = {"early_stopping": 9, "checkpoint_dir": tmp_path}
    for n_together, n_trainings in ((2, 1), (2, 1), (3, 2)):
        tiny(**options, max_epochs=1).fit(X, y, groups=np.arange(len(y)) // n_together)
        assert len(list(tmp_path.iterdir())) == n_trainings


def test_each_training_has_a_folder_of_its_own(digits, tmp_path):
    X, y = digits
    weights = np.linspace(1, 2, len(y))
    fits = [
        (tiny(), X, y, None),
        (tiny(), X, np.roll(y, 1), None),
        (tiny(), X[::-1], y, None),
        (tiny(), X, y, weights),
        (tiny(class_weight={"zero": 2}), X, y, None),
        (tiny(batch_size=32), X, y, None),
        (tiny(mixup=0.5), X, y, None),
        (tiny(augment="light"), X, y, None),
        (tiny(dropout=0.5), X, y, None),
        (tiny(lr=0.001), X, y, None),
        (tiny(random_state=1), X, y, None),
        (tiny(max_epochs=2), X, y, None),
        (tiny(TinyNet(), trainable="all"), X, y, None),
    ]
    for n_before, (cnn, images, labels, sample_weight) in enumerate(fits):
        plain = clone(cnn).fit(images, labels, sample_weight)
        cnn.set_params(checkpoint_dir=tmp_path, resume=True)
        cnn.fit(images, labels, sample_weight)
        assert_same_tensors(tensors(cnn), tensors(plain))
        assert len(list(tmp_path.iterdir())) == n_before + 1


def test_files_are_known_by_their_content(digits, tmp_path):
    X, y = digits
    paths = write_images(X[:40], tmp_path / "a")
    moved = write_images(X[:40], tmp_path / "b")
    edited = write_images([255 - X[0], *X[1:40]], tmp_path / "c")
    count = Count()
    cnn = tiny(checkpoint_dir=tmp_path / "kept", resume=True, callbacks=[count])
    for files, n_epochs in ((paths, 3), (moved, 0), (edited, 3)):
        count.n_epochs_ = 0
        clone(cnn).set_params(callbacks=[count]).fit(files, y[:40])
        assert count.n_epochs_ == n_epochs


@pytest.mark.parametrize("grid", [{"lr": [0.01, 0.1]}, {"mixup": [0.0, 1.0]}])
def test_a_search_that_is_resumed_finds_what_one_search_finds(digits, tmp_path, grid):
    X, y = digits[0][:120], digits[1][:120]

    def scores(**options):
        search = GridSearchCV(tiny(max_epochs=2, **options), grid, cv=3, refit=False)
        return search.fit(X, y).cv_results_["mean_test_score"]

    plain = scores()
    for _ in range(2):
        assert_allclose(scores(checkpoint_dir=tmp_path, resume=True), plain)
    assert len(list(tmp_path.iterdir())) == 6  # folds times candidates


def test_a_parameter_that_was_changed_is_named(digits, tmp_path, monkeypatch):
    monkeypatch.setattr(_checkpoint, "_written", set())
    tiny(checkpoint_dir=tmp_path).fit(*digits)
    monkeypatch.setattr(_checkpoint, "_written", set())  # as in another process
    again = tiny(checkpoint_dir=tmp_path, resume=True, lr=0.1)
    with pytest.warns(UserWarning, match=r"begins anew\. .* in: learning rate, lr\."):
        again.fit(*digits)


def test_resuming_needs_draws_that_come_again(digits, tmp_path):
    cnn = tiny(checkpoint_dir=tmp_path, resume=True, random_state=None)
    with pytest.raises(ValueError, match="resume=True needs a random_state"):
        cnn.fit(*digits)


def test_partial_fit_leaves_no_checkpoints(digits, tmp_path):
    tiny(checkpoint_dir=tmp_path / "kept").partial_fit(*digits)
    assert not (tmp_path / "kept").exists()


def test_images_that_cannot_be_told_from_others_are_refused(digits, tmp_path):
    class Pipe(io.BytesIO):
        def seekable(self):
            return False

    paths = write_images(digits[0][:4], tmp_path / "images")
    X = [*paths[:3], Pipe(Path(paths[3]).read_bytes())]
    cnn = tiny(checkpoint_dir=tmp_path / "kept", size=8)
    with pytest.raises(ValueError, match="Got image 3, which cannot be read twice"):
        cnn.fit(X, ["a", "b", "a", "b"])


def test_a_parameter_that_cannot_be_told_from_others_is_refused(digits, tmp_path):
    class Odd:
        def __call__(self, image):
            return image

    cnn = tiny(checkpoint_dir=tmp_path, augment=Odd())
    with pytest.raises(TypeError, match="Got augment of type Odd"):
        cnn.fit(*digits)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"\xff" * 100])
def test_damaged_checkpoint_is_one_clear_error(digits, tmp_path, content):
    tiny(checkpoint_dir=tmp_path, max_epochs=1).fit(*digits)
    only(tmp_path, "last.safetensors").write_bytes(content)
    with pytest.raises(ValueError, match=r"cannot be read; it is damaged .* resume"):
        tiny(checkpoint_dir=tmp_path, max_epochs=1, resume=True).fit(*digits)


def test_checkpoint_that_was_cut_off_is_one_clear_error(digits, tmp_path):
    tiny(checkpoint_dir=tmp_path, max_epochs=1).fit(*digits)
    path = only(tmp_path, "last.safetensors")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"cannot be read; it is damaged .* resume"):
        tiny(checkpoint_dir=tmp_path, max_epochs=1, resume=True).fit(*digits)


@pytest.mark.parametrize(
    "change, match",
    [({"format": "another"}, "another version of imgfeat"), ({"facts": {}}, "damaged")],
)
def test_checkpoint_of_something_else_is_refused(digits, tmp_path, change, match):
    tiny(checkpoint_dir=tmp_path, max_epochs=1).fit(*digits)
    path = only(tmp_path, "last.safetensors")
    with safe_open(path, framework="np") as file:
        record = json.loads(file.metadata()["record"]) | change
    save_file(load_file(path), path, metadata={"record": json.dumps(record)})
    with pytest.raises(ValueError, match=match):
        tiny(checkpoint_dir=tmp_path, max_epochs=1, resume=True).fit(*digits)


def test_full_disk_is_said_and_training_goes_on(digits, tmp_path, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("imgfeat.estimators.cnn._checkpoint.write_atomic", full)
    with pytest.warns(UserWarning, match="No space left") as caught:
        cnn = tiny(checkpoint_dir=tmp_path).fit(*digits)
    assert len(caught) == 1
    assert len(cnn.history_) == 3

"""Tests for imgfeat/estimators/cnn/_loop.py and _skorch.py: the course of training."""

import signal
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.model_selection import GridSearchCV, cross_val_score
from skorch import NeuralNetClassifier
from skorch.callbacks import (
    Callback,
    EarlyStopping,
    EpochScoring,
    GradientNormClipping,
)

from imgfeat import compare
from imgfeat.estimators import AugmentedClassifier, CNNClassifier, find_lr
from imgfeat.estimators.cnn._loop import Loop
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


class Watch(Callback):
    """Writes down what it is told."""

    def __init__(self):
        self.told_ = []

    def on_train_begin(self, net, **kwargs):
        self.told_.append("train begin")

    def on_train_end(self, net, **kwargs):
        self.told_.append("train end")

    def on_epoch_begin(self, net, dataset_train, dataset_valid, **kwargs):
        self.told_.append("epoch begin")

    def on_epoch_end(self, net, dataset_train, dataset_valid, **kwargs):
        self.told_.append("epoch end")

    def on_batch_begin(self, net, batch, training, **kwargs):
        self.told_.append("batch begin" if training else "validation begin")

    def on_batch_end(self, net, batch, training, loss, y_pred, **kwargs):
        assert y_pred.shape == (len(batch[1]), 5)
        assert loss.ndim == 0
        self.told_.append("batch end" if training else "validation end")

    def on_grad_computed(self, net, named_parameters, batch, training, **kwargs):
        assert all(p.grad is not None for _, p in named_parameters)
        self.told_.append("gradients")


# What the user's callbacks see


def test_callbacks_are_told_what_skorch_would_tell(digits):
    X, y = digits
    watch = Watch()
    tiny(max_epochs=2, early_stopping=2, callbacks=[watch]).fit(X[:110], y[:110])
    step = ["batch begin", "gradients", "batch end"]
    validation = ["validation begin", "validation end"]
    epoch = ["epoch begin", *step * 2, *validation, "epoch end"]
    assert watch.told_ == ["train begin", *epoch * 2, "train end"]


def test_net_is_one_of_skorch(digits):
    X, y = digits
    net = tiny(early_stopping=3).fit(X, y).net_
    assert isinstance(net, NeuralNetClassifier)
    assert net.history[:, "epoch"] == [1, 2, 3]
    batches = net.history[-1, "batches", :, "train_loss"]
    assert len(batches) == net.history[-1, "train_batch_count"] == 5
    assert net.history[-1, "valid_loss_best"] in (True, False)
    assert isinstance(net.optimizer_, torch.optim.AdamW)
    assert "best" in dict(net.callbacks_)


def test_net_predicts_by_itself(digits):
    X, y = digits
    cnn = tiny().fit(X, y)
    pixels = np.repeat(X[:9, None], 3, axis=1)
    assert_allclose(cnn.net_.predict_proba(pixels), cnn.predict_proba(X[:9]), atol=1e-6)


def test_callbacks_of_skorch_work(digits):
    score = EpochScoring("accuracy", name="train_acc", on_train=True, use_caching=True)
    cnn = tiny(callbacks=[score, GradientNormClipping(1e-9)], optimizer="sgd")
    cnn.fit(*digits)
    shares = cnn.net_.history[:, "train_acc"]
    assert len(shares) == 3
    assert all(0 <= share <= 1 for share in shares)
    # With gradients of next to nothing the net does not learn.
    assert_allclose(cnn.history_["train_loss"].diff()[1:], 0, atol=0.05)


def test_callback_may_look_at_predictions_between_steps(digits):
    class Look(Callback):
        def on_batch_end(self, net, **kwargs):
            net.module_.eval()

    options = {"dropout": 0.5, "max_epochs": 2}
    looked = tiny(callbacks=[Look()], **options).fit(*digits)
    assert_same_tensors(tensors(looked), tensors(tiny(**options).fit(*digits)))


def test_own_callbacks_can_have_names(digits):
    watch = Watch()
    cnn = tiny(max_epochs=1, callbacks=[("watch", watch)]).fit(*digits)
    assert dict(cnn.net_.callbacks_)["watch"] is watch


# When it is over


def test_early_stopping_keeps_the_best_epoch(digits):
    watch = Watch()
    cnn = tiny(early_stopping=2, max_epochs=40, lr=0.2, callbacks=[watch])
    history = cnn.fit(*digits).history_
    best = history["valid_loss"].idxmin()
    assert len(history) == best + 1 + 2
    rows = history.index[history["is_best"]]
    assert rows[-1] == best
    # The last epoch is told to all.
    assert watch.told_.count("epoch end") == len(history)


def test_early_stopping_of_skorch_is_no_interruption(digits):
    stop = EarlyStopping(monitor="train_loss", patience=2, threshold=0.9)
    cnn = tiny(max_epochs=20, callbacks=[stop]).fit(*digits)  # and warns of nothing
    assert len(cnn.history_) < 20
    assert cnn.history_["train_loss"].notna().all()


def test_early_stopping_of_skorch_may_go_back_to_the_best(digits):
    stop = EarlyStopping("valid_loss", patience=2, load_best=True)
    cnn = tiny(max_epochs=40, lr=0.2, early_stopping=40, callbacks=[stop])
    cnn.fit(*digits)
    best = cnn.history_["valid_loss"].idxmin() + 1
    assert stop.best_epoch_ == best < len(cnn.history_)


class StopIn(Callback):
    """Ends training in the midst of an epoch."""

    def __init__(self, epoch, stop):
        self.epoch = epoch
        self.stop = stop

    def on_batch_end(self, net, **kwargs):
        if len(net.history) == self.epoch and len(net.history[-1, "batches"]) == 2:
            self.stop()


def interrupt():
    """As a callback ends a training."""
    raise KeyboardInterrupt


def press():
    """Ctrl-C, as the user presses it."""
    signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_interrupted_net_keeps_whole_epochs_in_its_history(digits, epoch):
    with pytest.warns(UserWarning, match=f"interrupted in epoch {epoch} of 3"):
        cnn = tiny(callbacks=[StopIn(epoch, interrupt)]).fit(*digits)
    assert len(cnn.history_) == epoch - 1
    assert {"epoch", "train_loss", "lr", "dur"} == set(cnn.history_)
    assert cnn.history_.notna().all(axis=None)
    assert cnn.predict(digits[0]).shape == (300,)
    cnn.plot_history()


def test_ctrl_c_ends_a_training_with_its_best_epoch(digits):
    options = {"early_stopping": 30, "max_epochs": 30, "lr": 0.2}
    cnn = tiny(callbacks=[StopIn(8, press)], **options)
    with pytest.raises(KeyboardInterrupt, match=r"epoch 8 of 30; this CNNClassifier"):
        cnn.fit(*digits)
    n_best = cnn.history_["valid_loss"].idxmin() + 1
    assert cnn.net_.callbacks_
    best = dict(cnn.net_.callbacks_)["best"]
    assert best.epoch_ == n_best
    assert_same_tensors(tensors(cnn), best.weights_)
    assert cnn.predict(digits[0]).shape == (300,)


def test_ctrl_c_in_the_last_moment_of_a_training_is_not_lost(digits):
    class PressAtTheEnd(Callback):
        def on_epoch_end(self, net, **kwargs):
            if len(net.history) == 3:
                press()

    cnn = tiny(callbacks=[PressAtTheEnd()])
    with pytest.raises(KeyboardInterrupt, match="epoch 3 of 3"):
        cnn.fit(*digits)
    assert len(cnn.history_) == 3


def test_ctrl_c_during_partial_fit_keeps_the_net(digits):
    cnn = tiny(callbacks=[StopIn(1, press)])
    with pytest.raises(KeyboardInterrupt, match="epoch 1 of 1"):
        cnn.partial_fit(*digits)
    assert cnn.predict(digits[0]).shape == (300,)


def test_ctrl_c_is_not_the_last_callbacks_way_to_end(digits):
    """Each training is judged by itself."""
    cnn = tiny(callbacks=[StopIn(2, press)])
    with pytest.raises(KeyboardInterrupt, match="epoch 2 of 3"):
        cnn.fit(*digits)
    cnn.set_params(callbacks=[StopIn(2, interrupt)])
    with pytest.warns(UserWarning, match="interrupted in epoch 2 of 3 by a callback"):
        cnn.fit(*digits)


def test_callback_ends_a_training_in_any_thread(digits):
    with ThreadPoolExecutor(1) as pool, warnings.catch_warnings(action="ignore"):
        cnn = tiny(callbacks=[StopIn(2, interrupt)])
        pool.submit(cnn.fit, *digits).result()
    assert len(cnn.history_) == 1


def _cross_validate(cnn, X, y):
    cross_val_score(cnn, X, y, cv=2, error_score=0.0)


def _search(cnn, X, y):
    GridSearchCV(cnn, {"dropout": [0.1, 0.2]}, cv=2, error_score=0.0).fit(X, y)


def _compare(cnn, X, y):
    compare({"first": cnn, "second": cnn}, X, y, cv=2)


def _augment(cnn, X, y):
    AugmentedClassifier(cnn, n_augmented=1).fit(X, y)


@pytest.mark.parametrize("work", [_cross_validate, _search, _compare, _augment])
def test_ctrl_c_ends_all_that_trains_nets(digits, work):
    """And no net that had been interrupted is asked for anything."""
    trained, asked = [], []

    class Net(CNNClassifier):
        def fit(self, X, y):
            trained.append(self)
            return super().fit(X, y)

        def predict_proba(self, X):
            asked.append(self)
            return super().predict_proba(X)

    cnn = Net("simple_cnn", max_epochs=3, n_jobs=1, callbacks=[StopIn(2, press)])
    with pytest.raises(KeyboardInterrupt, match="epoch 2 of 3"):
        work(cnn, *digits)
    assert len(trained) == 1
    assert not asked


def test_ctrl_c_ends_the_search_for_a_rate(digits, monkeypatch):
    monkeypatch.setattr(Loop, "train_step", lambda loop, batch: press())
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        find_lr(tiny(), *digits)


@pytest.mark.slow
def test_ctrl_c_in_a_worker_process_ends_the_search(digits):
    cnn = tiny(callbacks=[StopIn(2, press)])
    grid = {"dropout": [0.1, 0.2]}
    search = GridSearchCV(cnn, grid, cv=2, n_jobs=2, error_score=0.0)
    with pytest.raises(KeyboardInterrupt, match="epoch 2 of 3"):
        search.fit(*digits)
    assert not hasattr(search, "cv_results_")


def test_interrupted_net_goes_on(digits):
    with pytest.warns(UserWarning, match="interrupted in epoch 2"):
        cnn = tiny(callbacks=[StopIn(2, interrupt)]).fit(*digits)
    cnn.set_params(callbacks=None, warm_start=True).fit(*digits)
    assert list(cnn.history_["epoch"]) == [1, 2, 3, 4]


def test_interrupted_before_an_epoch_of_a_warm_start_keeps_the_history(digits):
    cnn = tiny(warm_start=True).fit(*digits)
    cnn.set_params(callbacks=[StopIn(1, interrupt)])
    with pytest.warns(UserWarning, match="interrupted in epoch 1"):
        cnn.fit(*digits)
    assert list(cnn.history_["epoch"]) == [1, 2, 3]


# Steps


def test_rate_rises_and_falls(digits):
    rates = []

    class Note(Callback):
        def on_batch_end(self, net, training=False, **kwargs):
            rates.append(net.optimizer_.param_groups[0]["lr"])

    tiny(callbacks=[Note()], lr=0.01, max_epochs=4).fit(*digits)
    top = int(np.argmax(rates))
    assert 0.0095 < rates[top] <= 0.01
    assert (np.diff(rates[: top + 1]) > 0).all()
    assert (np.diff(rates[top:]) < 0).all()


def test_mixed_images_teach_both_labels(digits):
    X, y = digits
    cnn = tiny(mixup=0.4, cutmix=0.4, label_smoothing=0.1, max_epochs=12)
    cnn.fit(X[:200], y[:200], sample_weight=np.linspace(0.5, 1.5, 200))
    assert cnn.score(X[200:], y[200:]) > 0.7
    # They are never told with certainty.
    assert cnn.history_["train_loss"].iloc[-1] > 0.3


def test_mixing_leaves_the_callers_generator_alone(digits):
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    tiny(mixup=0.4, cutmix=0.4, max_epochs=1).fit(*digits)
    assert torch.equal(torch.rand(3), expected)


def test_net_may_be_compiled(digits, monkeypatch):
    compiled = []

    def fake(net):
        compiled.append(net)
        return net

    monkeypatch.setattr("torch.compile", fake)
    cnn = tiny(compile=True).fit(*digits)
    assert compiled == [cnn.net_.module_]


def test_loss_that_is_no_longer_finite_names_the_remedies(digits):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match=r"NaN or infinity in epoch 1.*find_lr"):
            tiny(optimizer="sgd", lr=1e20).fit(*digits)


def test_out_of_memory_says_what_would_fit(digits):
    class Greedy(TinyNet):
        def forward(self, x):
            if len(x) > 20:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return super().forward(x)

    with pytest.raises(ValueError, match=r"Got batch_size=64; 16 images would fit"):
        tiny(Greedy(), trainable="all").fit(*digits)


# Progress


@pytest.mark.parametrize("verbose", [1, True, 2])
def test_progress_is_a_line_an_epoch(digits, capsys, verbose):
    tiny(verbose=verbose).fit(*digits)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("epoch   1/3")
    assert "left" in lines[0]


@pytest.mark.parametrize("verbose", [0, False])
def test_nothing_is_printed_unless_asked_for(digits, capsys, verbose):
    stop = EarlyStopping(monitor="train_loss", patience=1, threshold=0.9)
    tiny(verbose=verbose, callbacks=[stop]).fit(*digits)
    assert capsys.readouterr().out == ""


def test_callbacks_of_skorch_print_when_asked_for(digits, capsys):
    stop = EarlyStopping(monitor="train_loss", patience=1, threshold=0.9)
    tiny(verbose=True, callbacks=[stop]).fit(*digits)
    assert "Stopping since train_loss" in capsys.readouterr().out


@pytest.mark.parametrize("backbone", ["simple_cnn", "resnet9"])
def test_steps_of_one_image_are_taken_or_refused_in_our_words(digits, backbone):
    X, y = digits
    broken = [b"x", X[1], X[2], b"x", X[4], X[0]]
    skipping = tiny(backbone, max_epochs=1, on_error="skip", batch_size=2, size=8)
    assert len(skipping.fit(broken, y[:6]).errors_) == 2
    assert len(tiny(backbone, max_epochs=1, batch_size=2).fit(X[:3], y[:3]).history_)
    alone = tiny(backbone)
    if backbone == "resnet9":
        with pytest.raises(ValueError, match="needs two at least in every training"):
            alone.partial_fit(X[:1], y[:1], classes=np.unique(y))
    else:
        alone.partial_fit(X[:1], y[:1], classes=np.unique(y))
        assert len(alone.history_) == 1

"""Tests for imgfeat/estimators/cnn/_classifier.py and what it trains with."""

import pickle
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from PIL import Image
from sklearn import config_context
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks
from skorch.callbacks import Callback
from torch.nn import BatchNorm2d

from imgfeat.estimators import CNNClassifier, find_lr
from imgfeat.estimators.cnn._labels import hold_out
from imgfeat.estimators.cnn._resident import TrainingImages
from imgfeat.sources import ImageDecodeError, load_sample
from tests._checks import WITHOUT_DATA, behind_adapter, expected_to_fail
from tests.estimators.cnn._tiny_net import (
    TinyNet,
    assert_same_tensors,
    few_digits,
    tensors,
    tiny,
)


@pytest.mark.parametrize("check", WITHOUT_DATA, ids=lambda check: check.__name__)
def test_follows_estimator_api(check):
    check("CNNClassifier", CNNClassifier())


@parametrize_with_checks(
    [
        behind_adapter(
            CNNClassifier("simple_cnn", max_epochs=25, random_state=0, n_jobs=1),
            unit_range=True,
        )
    ],
    expected_failed_checks=expected_to_fail,
)
def test_behaves_in_a_pipeline(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def digits():
    return few_digits()


def write_files(images, folder):
    paths = [str(folder / f"{i}.png") for i in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        Image.fromarray(image).save(path)
    return paths


# Learning


def test_learns_digits(digits):
    X, y = digits
    cnn = tiny(max_epochs=10).fit(X[:200], y[:200])
    assert cnn.score(X[200:], y[200:]) > 0.75
    assert list(cnn.classes_) == ["four", "one", "three", "two", "zero"]
    history = cnn.history_
    assert list(history["epoch"]) == list(range(1, 11))
    assert history["train_loss"].iloc[-1] < history["train_loss"].iloc[0] / 3


def test_few_steps_are_enough_for_few_images():
    faces = load_sample("faces")
    cnn = tiny(max_epochs=5).fit(faces.images[::2], faces.target[::2])
    # With the statistics of norms that torch would have by now it is a guess.
    assert cnn.score(faces.images[1::2], faces.target[1::2]) > 0.85


@pytest.mark.parametrize("backbone", ["simple_cnn", "resnet9"])
def test_same_seed_gives_the_same_weights(digits, backbone):
    X, y = digits
    X = np.kron(X, np.ones((1, 2, 2), dtype=np.uint8))
    options = {"augment": "standard", "mixup": 0.2, "dropout": 0.5, "max_epochs": 2}
    first, second = (tiny(backbone, **options).fit(X, y) for _ in range(2))
    assert_same_tensors(tensors(first), tensors(second))


def test_other_seed_gives_other_weights(digits):
    first, second = (tiny(random_state=seed).fit(*digits) for seed in (0, 1))
    assert not np.allclose(
        first.predict_proba(digits[0]), second.predict_proba(digits[0])
    )


def test_callers_random_state_is_left_alone(digits):
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    tiny().fit(*digits)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("augment", ["none", "standard"])
def test_files_give_what_arrays_give(digits, tmp_path, augment):
    X, y = digits[0][:60], digits[1][:60]
    paths = write_files(X, tmp_path)
    options = {"size": 8, "max_epochs": 2, "augment": augment}
    from_arrays, from_files = tiny(**options).fit(X, y), tiny(**options).fit(paths, y)
    expected = from_arrays.predict_proba(X)
    assert_allclose(from_files.predict_proba(paths), expected, atol=1e-5)
    assert_allclose(from_files.predict_proba(X), expected, atol=1e-5)


def test_small_files_are_read_once_unless_sizes_differ(digits, tmp_path):
    X, y = digits[0][:20], digits[1][:20]
    paths = write_files(X, tmp_path)
    counts = []
    for _ in range(2):
        with count_calls(TrainingImages, "read") as calls:
            tiny(size=8, max_epochs=5).fit(paths, y)
        counts.append(len(calls))
        Image.fromarray(X[3][:, :7]).save(paths[3])
    assert counts[0] <= 50 < 100 <= counts[1]


def test_row_is_the_same_alone_and_in_any_batch(digits):
    cnn = tiny().fit(*digits)
    together = cnn.predict_proba(digits[0][:7])
    alone = [cnn.predict_proba(x[None])[0] for x in digits[0][:7]]
    assert_allclose(alone, together, atol=1e-6)


def test_floats_equal_bytes(digits):
    cnn = tiny().fit(*digits)
    got = cnn.predict_proba(digits[0] / 255)
    assert_allclose(got, cnn.predict_proba(digits[0]), atol=1e-6)


def test_threads_and_batches_of_prediction_change_nothing(digits):
    cnn = tiny().fit(*digits)
    expected = cnn.predict_proba(digits[0])
    cnn.set_params(batch_size=7, n_jobs=2)
    assert_allclose(cnn.predict_proba(digits[0]), expected, atol=1e-5)


# Pretrained nets


def test_head_alone_is_trained(digits):
    net = TinyNet()
    cnn = tiny(net, trainable="head").fit(*digits)
    for name, tensor in net.state_dict().items():
        assert torch.equal(cnn.net_.module_.body.maps.state_dict()[name], tensor)
    assert cnn.net_.module_.head.weight.any()


def test_frozen_body_runs_once_and_gives_the_same(digits):
    X, y = digits
    weight = np.linspace(0, 1, 100)
    options = {"trainable": "head", "dropout": 0.0, "early_stopping": 2}
    bodies = []
    for augment in ("none", lambda image: image):  # the same, but nobody knows it
        cnn = tiny(TinyNet(), augment=augment, **options)
        with count_calls(TinyNet, "forward") as calls:
            cnn.fit(X[:100], y[:100], sample_weight=weight)
        bodies.append((cnn, len(calls)))
    (cached, n_cached), (live, n_live) = bodies
    assert n_cached < n_live / 2
    assert_allclose(
        cached.predict_proba(X[100:]), live.predict_proba(X[100:]), atol=1e-4
    )
    assert_allclose(cached.history_["valid_loss"], live.history_["valid_loss"], 1e-3)


def test_new_net_for_small_images_keeps_their_places(digits):
    X, y = digits
    cnn = tiny("resnet18", weights=None, size=32, max_epochs=1).fit(X[:6], y[:6])
    first = cnn.net_.module_.body.maps.conv1
    assert (first.kernel_size, first.stride) == ((3, 3), (1, 1))
    restored = pickle.loads(pickle.dumps(cnn))
    assert_allclose(restored.predict_proba(X[:6]), cnn.predict_proba(X[:6]), atol=1e-6)


def test_seed_draws_the_weights_of_a_new_net(digits):
    firsts = []
    for seed in (0, 1, 0):
        cnn = tiny("resnet18", weights=None, size=8, max_epochs=1, random_state=seed)
        cnn.set_params(lr=1e-12).fit(digits[0][:6], digits[1][:6])
        firsts.append(cnn.net_.module_.body.maps.conv1.weight.detach())
    assert torch.equal(firsts[2], firsts[0])
    assert not torch.allclose(firsts[1], firsts[0], atol=1e-3)


def test_new_net_learns_all_of_itself(digits):
    X, y = digits
    cnn = tiny("resnet18", weights=None, size=8, max_epochs=1, schedule=None)
    cnn.fit(X[:64], y[:64])
    (rates,) = {group["lr"] for group in cnn.net_.optimizer_.param_groups}
    assert rates == 1e-2
    assert cnn.net_.module_.body.maps.bn1.running_mean.abs().max() > 0


@contextmanager
def count_calls(kind, name):
    """Yield a list that gets an item at every call of a method."""
    calls, method = [], getattr(kind, name)

    def counted(*args, **kwargs):
        calls.append(name)
        return method(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kind, name, counted)
        yield calls


@pytest.mark.parametrize("trainable", ["all", "staged"])
def test_all_layers_learn_but_statistics_stay(digits, trainable):
    net = TinyNet()
    cnn = tiny(net, trainable=trainable).fit(*digits)
    got = cnn.net_.module_.body.maps.state_dict()
    assert not torch.equal(got["first.weight"], net.first.weight)
    assert torch.equal(got["norm.running_mean"], net.norm.running_mean)
    assert net.training  # the user's own is left alone


def test_patterns_choose_layers(digits):
    net = TinyNet()
    cnn = tiny(net, trainable=["second.*"]).fit(*digits)
    got = cnn.net_.module_.body.maps.state_dict()
    assert torch.equal(got["first.weight"], net.first.weight)
    assert not torch.equal(got["second.weight"], net.second.weight)


def test_pattern_that_matches_nothing_is_refused(digits):
    with pytest.raises(ValueError, match=r"'third\.\*' matches no .* first, second"):
        tiny(TinyNet(), trainable=["third.*"]).fit(*digits)


def test_staged_starts_from_a_logistic_regression(digits):
    # One epoch at next to no rate leaves what the regression has found.
    cnn = tiny(TinyNet(), trainable="staged", lr=1e-9, max_epochs=1).fit(*digits)
    assert cnn.score(*digits) > 0.4


# Going on


def test_partial_fit_goes_on(digits):
    X, y = digits
    cnn = tiny(lr=0.01)
    for _ in range(8):
        cnn.partial_fit(X, y)
    assert list(cnn.history_["epoch"]) == list(range(1, 9))
    assert cnn.score(X, y) > 0.8


def test_norms_remember_more_than_one_call_of_partial_fit(digits):
    X, y = digits
    cnn = tiny().partial_fit(X[:64], y[:64])
    norms = [m for m in cnn.net_.module_.modules() if isinstance(m, BatchNorm2d)]
    assert {norm.momentum for norm in norms} == {0.1}


def test_partial_fit_may_name_classes_first(digits):
    X, y = digits
    cnn = tiny().partial_fit(X[y == "one"], y[y == "one"], classes=np.unique(y))
    assert cnn.predict_proba(X).shape == (300, 5)
    with pytest.raises(ValueError, match=r"knows the classes .* Got 'nine'"):
        cnn.partial_fit(X[:2], ["one", "nine"])


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_precision_of_training_may_be_lower(digits, precision):
    X, y = digits
    cnn = tiny(precision=precision, max_epochs=8).fit(X[:200], y[:200])
    assert cnn.score(X[200:], y[200:]) > 0.7
    assert cnn.predict_proba(X).dtype == np.float32


# Weights of samples and classes


def test_class_that_weighs_nothing_is_not_predicted(digits):
    X, y = digits
    weight = (y != "one").astype(float)
    cnn = tiny(max_epochs=8).fit(X, y, sample_weight=weight)
    assert "one" not in cnn.predict(X)


def test_class_weight_is_sample_weight(digits):
    X, y = digits
    by_class = tiny(class_weight={"one": 3.0}).fit(X, y)
    by_sample = tiny().fit(X, y, sample_weight=np.where(y == "one", 3.0, 1.0))
    assert_same_tensors(tensors(by_class), tensors(by_sample))


# Prediction


def test_views_are_averaged(digits):
    cnn = tiny().fit(*digits)
    left, right = (cnn.predict_proba(x) for x in (digits[0], digits[0][:, :, ::-1]))
    both = cnn.set_params(n_views=2).predict_proba(digits[0])
    assert_allclose(both, (left + right) / 2, atol=1e-6)


def test_probabilities_sum_to_one(digits):
    shares = tiny().fit(*digits).predict_proba(digits[0])
    assert shares.dtype == np.float32
    assert_allclose(shares.sum(axis=1), 1, rtol=1e-5)


def test_unfitted_says_so(digits):
    with pytest.raises(NotFittedError, match="CNNClassifier instance is not fitted"):
        tiny().predict(digits[0])
    with pytest.raises(NotFittedError, match="CNNClassifier instance is not fitted"):
        tiny().plot_history()


# scikit-learn's searches


def test_searches_its_parameters(digits):
    grid = {"lr": [0.003, 0.02], "augment": ["none", "light"]}
    search = GridSearchCV(tiny(max_epochs=2), grid, cv=2).fit(*digits)
    assert len(search.cv_results_["params"]) == 4
    assert search.best_score_ > 0.2


@pytest.mark.slow
def test_searches_in_processes(digits):
    scores = cross_val_score(tiny(max_epochs=2), *digits, cv=2, n_jobs=2)
    alone = cross_val_score(tiny(max_epochs=2), *digits, cv=2)
    assert_allclose(scores, alone)


def test_halving_may_use_epochs_as_its_resource(digits):
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    from sklearn.model_selection import HalvingGridSearchCV

    search = HalvingGridSearchCV(
        tiny(), {"lr": [0.001, 0.01, 0.05]}, resource="max_epochs", max_resources=4,
        min_resources=2, factor=2, cv=2, random_state=0,
    ).fit(*digits)  # fmt: skip
    assert search.best_params_["max_epochs"] == 4


# Rates and pictures


def test_range_test_finds_a_rate_that_learns(digits):
    cnn = tiny(max_epochs=6)
    found = find_lr(cnn, *digits, n_steps=60)
    assert not hasattr(cnn, "classes_")
    assert {"lr", "loss", "smooth_loss"} == set(found.table)
    assert cnn.set_params(lr=found.lr).fit(*digits).score(*digits) > 0.5
    assert found.plot().get_xscale() == "log"


@pytest.mark.parametrize("wrong", [{"low": 1.0, "high": 0.1}, {"n_steps": 3}])
def test_range_test_needs_a_range(digits, wrong):
    with pytest.raises(ValueError, match="find_lr needs"):
        find_lr(tiny(), *digits, **wrong)


def test_history_is_drawn(digits):
    ax = tiny(early_stopping=True).fit(*digits).plot_history()
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["training loss", "validation loss", "best epoch"]


# What is refused


def test_one_class_is_refused(digits):
    with pytest.raises(ValueError, match=r"at least 2 classes\. Got 1 class: 'one'"):
        tiny().fit(digits[0][:5], ["one"] * 5)


@pytest.mark.parametrize(
    "y, message",
    [
        ([0.5] * 3 + [1.5] * 3, "Unknown label type"),
        ([0.0, 1.0, np.nan] * 2, "y contains NaN"),
        ([0, 1], "a label for each image"),
        (None, "requires y to be passed"),
    ],
)
def test_labels_that_are_none_are_refused(digits, y, message):
    with pytest.raises(ValueError, match=message):
        tiny().fit(digits[0][:6], y)


def test_class_with_one_image_stays_in_training(digits):
    X, y = digits
    rare = np.r_[np.flatnonzero(y != "one"), np.flatnonzero(y == "one")[:1]]
    cnn = tiny(early_stopping=True).fit(X[rare], y[rare])
    assert "one" in cnn.classes_


def test_validation_needs_images(digits):
    with pytest.raises(ValueError, match=r"validation_fraction=0\.1 needs more images"):
        tiny(early_stopping=True).fit(digits[0][:5], digits[1][:5])


@pytest.fixture
def files(digits, tmp_path):
    """Thirty PNG files, the seventh of which is damaged."""
    paths = write_files(digits[0][:30], tmp_path)
    content = (tmp_path / "7.png").read_bytes()
    (tmp_path / "7.png").write_bytes(content[:-30])
    return paths


def test_damaged_file_is_named(digits, files):
    with pytest.raises(ImageDecodeError, match=r"7\.png"):
        tiny(size=8).fit(files, digits[1][:30])


def test_damaged_file_may_be_skipped(digits, files):
    cnn = tiny(size=8, on_error="skip").fit(files, digits[1][:30])
    assert list(cnn.errors_["row"]) == [7]
    assert cnn.errors_["path"][0].endswith("7.png")


def test_batch_of_one_joins_the_one_before(digits):
    sizes = []

    class Watch(Callback):
        def on_batch_begin(self, net, batch=None, training=False, **kwargs):
            sizes.append(len(batch[1]))

    tiny(batch_size=8, callbacks=[Watch()], max_epochs=1).fit(
        digits[0][:17], digits[1][:17]
    )
    assert sizes == [8, 9]


def test_works_behind_a_transformer(digits):
    from imgfeat.preprocess import Resize

    pipeline = make_pipeline(Resize((12, 12)), tiny(max_epochs=2))
    assert pipeline.fit(*digits).predict(digits[0][:3]).shape == (3,)


def test_groups_come_to_the_split_of_early_stopping_through_pipelines(
    digits, monkeypatch
):
    seen = []

    def spy(codes, fraction, seed, groups=None):
        parts = hold_out(codes, fraction, seed, groups)
        seen.extend(set(groups[part]) for part in parts)
        return parts

    monkeypatch.setattr("imgfeat.estimators.cnn._training.hold_out", spy)
    X, y = digits
    groups = np.arange(len(y)) // 3
    with config_context(enable_metadata_routing=True):
        pipeline = make_pipeline("passthrough", tiny(early_stopping=True, max_epochs=1))
        pipeline.fit(X, y, groups=groups)
    training, validation = seen
    assert not training & validation
    assert training | validation == set(groups)

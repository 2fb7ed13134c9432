"""Tests for imgfeat/estimators/_fit_streaming.py and _row_chunks.py."""

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.decomposition import IncrementalPCA
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from imgfeat.deploy import load, save
from imgfeat.estimators import RidgeProbe, fit_streaming
from imgfeat.estimators._row_chunks import in_order, shuffled
from imgfeat.features import HOG, BagOfVisualWords, CachedFeatures, DenseSIFT
from imgfeat.sources import ImageReader, load_image_folder

N, D = 600, 12


@pytest.fixture(scope="module")
def table():
    """Rows in the order of their classes, and labels."""
    rng = np.random.default_rng(0)
    labels = np.sort(rng.integers(0, 3, N))
    X = rng.normal(size=(N, D)) + 2 * rng.normal(size=(3, D))[labels]
    return X, np.array(["ash", "elm", "fir"])[labels]


@pytest.fixture(scope="module")
def wood(photos):
    return load_image_folder(photos)


def test_ridge_probe_is_that_of_fit(table):
    X, y = table
    pipeline = make_pipeline(StandardScaler(), RidgeProbe(class_weight="balanced"))
    streamed = fit_streaming(pipeline, X, y, chunk_size=70)
    assert not hasattr(pipeline[-1], "coef_")
    whole = pipeline.fit(X, y)[-1]
    assert streamed[-1].alpha_ == whole.alpha_
    assert streamed[-1].class_weight == "balanced"
    assert_allclose(streamed[-1].coef_, whole.coef_, atol=1e-8)
    assert_allclose(streamed[-1].loo_decisions_, whole.loo_decisions_, atol=1e-8)
    assert_allclose(streamed.predict_proba(X), pipeline.predict_proba(X), atol=1e-8)


def test_small_steps_go_several_times_through_rows_in_the_order_of_classes(table):
    X, y = table
    sgd = SGDClassifier(random_state=0, class_weight="balanced", average=True)
    pipeline = make_pipeline(StandardScaler(), IncrementalPCA(8), sgd)
    streamed = fit_streaming(pipeline, X, y, chunk_size=64, n_epochs=4)
    assert streamed[-1].t_ == 1 + 4 * N
    assert streamed[1].n_samples_seen_ == N
    assert streamed.score(X, y) >= pipeline.fit(X, y).score(X, y) - 0.02
    again = fit_streaming(pipeline, X, y, chunk_size=64, n_epochs=4)
    assert_array_equal(again[-1].coef_, streamed[-1].coef_)


def test_what_adds_up_sees_each_row_once(table):
    X, y = table
    streamed = fit_streaming(make_pipeline(GaussianNB()), X, y, chunk_size=64)
    assert_array_equal(streamed[-1].class_count_, np.unique(y, return_counts=True)[1])
    assert_allclose(streamed[-1].theta_, GaussianNB().fit(X, y).theta_)


def test_photos_are_described_once(wood, tmp_path):
    describe = make_pipeline(ImageReader((32, 32), mode="gray"), HOG())
    seen = []
    watch = FunctionTransformer(seen_by(seen))
    cached = CachedFeatures(describe, location=tmp_path / "cache")
    pipeline = make_pipeline(cached, watch, StandardScaler(), RidgeProbe())
    streamed = fit_streaming(pipeline, wood.images, wood.target, chunk_size=10)
    assert max(seen) <= 10
    plain = make_pipeline(describe, StandardScaler(), RidgeProbe())
    plain.fit(wood.images, wood.target)
    assert_allclose(
        streamed.predict_proba(wood.images),
        plain.predict_proba(wood.images),
        atol=1e-5,
    )


def seen_by(seen):
    def watch(X):
        seen.append(len(X))
        return X

    return watch


def test_vocabulary_is_that_of_fit_and_the_pipeline_saves(wood, tmp_path):
    describe = make_pipeline(ImageReader((32, 32), mode="gray"), DenseSIFT(step=8))
    cached = CachedFeatures(describe, location=tmp_path / "cache")
    pipeline = make_pipeline(
        *(cached, BagOfVisualWords(6, random_state=0)),
        *(StandardScaler(), RidgeProbe()),
    )
    streamed = fit_streaming(pipeline, wood.images, wood.target, chunk_size=7)
    whole = pipeline.fit(wood.images, wood.target)
    assert_array_equal(streamed[1].cluster_centers_, whole[1].cluster_centers_)
    save(streamed, tmp_path / "model.imgfeat", example=wood.images[:2])
    loaded = load(tmp_path / "model.imgfeat")
    assert_allclose(
        loaded.predict_proba(wood.images), whole.predict_proba(wood.images), atol=1e-5
    )


def test_memory_does_not_grow_with_the_rows(tmp_path):
    peaks = []
    for n_rows in (1000, 6000):
        path = tmp_path / f"{n_rows}.npy"
        shape = (n_rows, 100)
        mapped = np.lib.format.open_memmap(path, "w+", np.float32, shape)
        mapped[:] = np.random.default_rng(0).normal(size=shape)
        mapped.flush()
        X, y = np.load(path, mmap_mode="r"), np.arange(n_rows) % 2
        steps = StandardScaler(), IncrementalPCA(5), RidgeProbe()
        tracemalloc.start()
        fit_streaming(make_pipeline(*steps), X, y, chunk_size=200)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # Beyond labels, order and decisions, which are a few numbers a row.
    assert peaks[1] - peaks[0] < 5000 * 100 * 4 / 4


def test_what_was_fitted_to_a_sample_stays_as_it_is(table):
    X, y = table
    scaler = StandardScaler().fit(X[::10])
    pipeline = make_pipeline(FrozenEstimator(scaler), "passthrough", RidgeProbe())
    streamed = fit_streaming(pipeline, X, y, chunk_size=100)
    assert_allclose(
        streamed.decision_function(X),
        RidgeProbe().fit(scaler.transform(X), y).decision_function(scaler.transform(X)),
    )


def test_pipeline_without_labels_may_end_in_a_transformer(table):
    X, _ = table
    streamed = fit_streaming(make_pipeline(StandardScaler()), X, chunk_size=50)
    assert_allclose(streamed.transform(X), StandardScaler().fit_transform(X))


def test_every_row_is_in_one_chunk_and_each_chunk_has_rows_from_all_over():
    parts = shuffled(10_000, 640, np.random.RandomState(0))
    assert_array_equal(np.sort(np.concatenate(parts)), np.arange(10_000))
    assert {len(part) for part in parts} == {625}
    assert all(np.ptp(part) > 8000 for part in parts)
    assert [len(part) for part in in_order(7, 3)] == [3, 2, 2]
    assert [part.tolist() for part in shuffled(1, 5, np.random.RandomState(0))] == [[0]]


def test_refuses_a_step_that_needs_all_rows_by_its_name(table):
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    with pytest.raises(TypeError, match="'logisticregression', LogisticRegression"):
        fit_streaming(pipeline, *table)
    nested = make_pipeline(make_pipeline(StandardScaler()), RidgeProbe())
    with pytest.raises(TypeError, match="nested pipelines one by one"):
        fit_streaming(nested, *table)


def test_refuses_a_vocabulary_without_descriptors_on_disk(wood):
    pipeline = make_pipeline(DenseSIFT(), BagOfVisualWords(), RidgeProbe())
    with pytest.raises(TypeError, match="'bagofvisualwords' behind DenseSIFT; put Ca"):
        fit_streaming(pipeline, wood.images, wood.target)


def test_refuses_what_has_no_rows_and_labels_that_do_not_fit(table):
    X, y = table
    pipeline = make_pipeline(RidgeProbe())
    with pytest.raises(TypeError, match="Got str; load_image_folder makes paths"):
        fit_streaming(pipeline, "photos", y)
    with pytest.raises(ValueError, match="at least one row"):
        fit_streaming(pipeline, X[:0], y[:0])
    with pytest.raises(ValueError, match="Got 600 images and 599 labels"):
        fit_streaming(pipeline, X, y[1:])
    with pytest.raises(ValueError, match="requires y to be passed"):
        fit_streaming(pipeline, X)
    with pytest.raises(ValueError, match="'chunk_size'"):
        fit_streaming(pipeline, X, y, chunk_size=0)
    with pytest.raises(ValueError, match="'pipeline'"):
        fit_streaming(RidgeProbe(), X, y)


def test_a_ridge_probe_of_several_labels_comes_out_as_from_fit():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 5))
    y = [[n for n, x in zip("ab", row, strict=False) if x > 0.1] for row in X]
    pipeline = make_pipeline(StandardScaler(), RidgeProbe())
    fitted = fit_streaming(pipeline, X, y, chunk_size=20)
    assert_allclose(fitted.predict_proba(X), pipeline.fit(X, y).predict_proba(X))
    with pytest.raises(ValueError, match="Got 90 images and 89 rows"):
        fit_streaming(pipeline, X, y[1:])

"""Tests for _similar.py, _find_similar.py and _features_of.py."""

import pickle

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import cosine_similarity, euclidean_distances
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from torch import nn

from imgfeat.estimators import AugmentedClassifier, CNNClassifier
from imgfeat.estimators._front_of import front_of
from imgfeat.evaluation import SimilarImages, find_similar
from imgfeat.features import HOG, CachedFeatures, ColorHistogram, DenseSIFT
from imgfeat.sources import ImageDecodeError, ImageReader


@pytest.fixture
def gallery():
    """Thirty 16 x 16 gray images of noise."""
    return np.random.default_rng(0).integers(0, 256, (30, 16, 16), dtype=np.uint8)


@pytest.fixture
def files(gallery, tmp_path):
    paths = []
    for row, image in enumerate(gallery[:8]):
        paths.append(str(tmp_path / f"{row}.png"))
        Image.fromarray(image).save(paths[-1])
    return paths


@pytest.fixture
def broken(files):
    with open(files[2], "wb") as file:
        file.write(b"no image")
    return files


def hog():
    return HOG(pixels_per_cell=(4, 4), cells_per_block=(1, 1))


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_finds_what_scikit_learn_finds(gallery, metric):
    features = hog().transform(gallery)
    peer = NearestNeighbors(n_neighbors=4, metric=metric, algorithm="brute")
    distances, rows = peer.fit(features[6:]).kneighbors(features[:6])
    found = SimilarImages(hog(), metric=metric).fit(gallery[6:]).search(gallery[:6], 4)
    assert found["query"].tolist() == np.repeat(range(6), 4).tolist()
    assert found["row"].tolist() == rows.ravel().tolist()
    last = "similarity" if metric == "cosine" else "distance"
    assert found.columns.tolist() == ["query", "row", "path", last]
    expected = 1 - distances if metric == "cosine" else distances
    assert found[last].to_numpy() == pytest.approx(expected.ravel(), abs=1e-5)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_features_far_from_zero_keep_their_neighbours(metric):
    """float32 has no digits left for the difference of two squares of 1e4."""
    X = np.random.default_rng(1).standard_normal((300, 20)) + 1e4
    images = X.astype(np.float32).reshape(300, 4, 5)
    flat = FunctionTransformer(lambda images: np.reshape(images, (len(images), -1)))
    found = find_similar(flat, images, images[:5], n=1, metric=metric)
    if metric == "euclidean":
        exact = euclidean_distances(images.reshape(300, -1).astype(np.float64))
        found = find_similar(flat, images, images[:20], n=8, metric=metric)
        order = np.argsort(exact[:20], axis=1)[:, :8]
        np.testing.assert_array_equal(found["row"], order.ravel())
    else:
        assert found["similarity"].to_numpy() == pytest.approx(1, abs=1e-5)


def test_image_of_the_gallery_finds_itself_and_its_copies_in_order(gallery):
    twice = np.concatenate([gallery, gallery])
    found = find_similar(hog(), twice, gallery[3], n=2)
    assert found["row"].tolist() == [3, 33]
    assert found["similarity"].to_numpy() == pytest.approx(1, abs=1e-6)
    assert found["path"].tolist() == ["image 3", "image 33"]


def test_batches_do_not_matter(gallery):
    whole = find_similar(hog(), gallery, gallery[:4])
    parts = find_similar(hog(), gallery, gallery[:4], batch_size=3)
    pd.testing.assert_frame_equal(whole, parts)


def test_gallery_smaller_than_n_is_given_whole(gallery):
    found = find_similar(hog(), gallery[:3], gallery[5], n=10)
    assert sorted(found["row"]) == [0, 1, 2]


def test_blank_images_are_like_none(gallery):
    blank = np.zeros((1, 16, 16), np.uint8)
    found = find_similar(hog(), np.concatenate([gallery[:3], blank]), blank, n=4)
    assert found["similarity"].tolist() == [0, 0, 0, 0]


def test_one_image_has_no_query_column_and_a_batch_has(gallery, files):
    pipeline = make_pipeline(ImageReader(16, mode="gray"), hog())
    one = find_similar(pipeline, files, files[1], n=2)
    assert one.columns.tolist() == ["row", "path", "similarity"]
    assert one["path"].iloc[0] == files[1]
    for image in (gallery[1], Image.open(files[1]), np.stack([gallery[1]] * 3, axis=2)):
        found = find_similar(pipeline, files, image, n=2)
        assert found["row"].tolist() == one["row"].tolist()
    batch = find_similar(pipeline, pd.Series(files), [files[1]], n=2)
    assert batch["query"].tolist() == [0, 0]
    assert batch["row"].tolist() == one["row"].tolist()


def test_flat_images_are_rows_of_a_table(gallery):
    flat = gallery.reshape(30, -1)
    whole = find_similar(hog(), gallery, gallery[:2], n=3)
    pd.testing.assert_frame_equal(find_similar(hog(), flat, flat[:2], n=3), whole)
    one = find_similar(hog(), flat, flat[0], n=3)
    assert one["row"].tolist() == whole["row"].tolist()[:3]


def test_classifier_of_a_pipeline_is_left_out(gallery):
    y = np.arange(30) % 2
    pipeline = make_pipeline(hog(), StandardScaler(), LogisticRegression())
    pipeline.fit(gallery, y)
    features = pipeline[:-1].transform(gallery)
    expected = cosine_similarity(features[:1], features)[0]
    search = GridSearchCV(pipeline, {"logisticregression__C": [1]}, cv=2)
    wrapped = {
        "plain": pipeline,
        "nested": make_pipeline(pipeline),
        "search": search.fit(gallery, y),
        "passthrough": make_pipeline(*pipeline[:-1], "passthrough"),
    }
    for model in wrapped.values():
        found = find_similar(model, gallery, gallery[:1], n=30).sort_values("row")
        assert found["similarity"].to_numpy() == pytest.approx(expected, abs=1e-5)


def test_augmentation_is_looked_into(gallery):
    pipeline = make_pipeline(hog(), StandardScaler(), LogisticRegression())
    model = AugmentedClassifier(pipeline, n_augmented=1, random_state=0)
    model.fit(gallery, np.arange(30) % 2)
    found = find_similar(model, gallery, gallery[4])
    expected = find_similar(model.pipeline_[:-1], gallery, gallery[4])
    pd.testing.assert_frame_equal(found, expected)


def test_calibration_is_looked_into(gallery):
    pipeline = make_pipeline(hog(), LogisticRegression())
    model = CalibratedClassifierCV(pipeline, cv=2).fit(gallery, np.arange(30) % 2)
    found = find_similar(model, gallery, gallery[4])
    assert (
        found["row"].tolist()
        == find_similar(hog(), gallery, gallery[4])["row"].tolist()
    )


def test_net_that_was_trained_gives_what_its_head_sees(color_images):
    net = CNNClassifier("simple_cnn", max_epochs=1, random_state=0, device="cpu")
    net.fit(color_images, ["a", "b", "a", "b"])
    embedded = front_of(net).transform(color_images)
    *_, head = (m for m in net.net_.module_.modules() if isinstance(m, nn.Linear))
    logits = embedded @ head.weight.detach().numpy().T + head.bias.detach().numpy()
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert shares == pytest.approx(net.predict_proba(color_images), abs=1e-5)
    found = find_similar(make_pipeline(net), color_images, color_images[2], n=1)
    assert found["row"].tolist() == [2]


def test_unreadable_file_is_an_error_or_left_out(broken):
    pipeline = make_pipeline(ImageReader(16, mode="gray"), hog())
    with pytest.raises(ImageDecodeError, match=r"2\.png"):
        SimilarImages(pipeline).fit(broken)
    index = SimilarImages(pipeline, on_error="skip").fit(broken)
    assert index.errors_[["row", "path"]].values.tolist() == [[2, broken[2]]]
    assert "no image" in index.errors_["reason"][0]
    assert index.rows_.tolist() == [0, 1, 3, 4, 5, 6, 7]
    assert index.features_.shape[0] == 7 and index.features_.flags.c_contiguous
    found = index.search([broken[5]], n=10)
    assert found["row"].iloc[0] == 5 and found["path"].iloc[0] == broken[5]
    assert len(found) == 7
    with pytest.raises(ImageDecodeError, match=r"2\.png"):
        index.search([broken[2]])


def test_gallery_without_a_readable_file_is_an_error(broken):
    with pytest.raises(
        ValueError, match=r"Got 1 images and none that can; with on_err"
    ):
        SimilarImages(make_pipeline(ImageReader(16), hog()), on_error="skip").fit(
            [broken[2]]
        )


def test_index_comes_back_from_a_pickle(gallery):
    index = SimilarImages(hog()).fit(gallery)
    again = pickle.loads(pickle.dumps(index))
    pd.testing.assert_frame_equal(again.search(gallery[:2]), index.search(gallery[:2]))


def test_model_that_makes_no_features_is_refused(gallery):
    with pytest.raises(TypeError, match=r"needs a model that makes features of images"):
        find_similar(DummyClassifier(), gallery, gallery[0])
    with pytest.raises(TypeError, match=r"needs one vector an image. Got Descriptors"):
        find_similar(DenseSIFT(bin_size=2), gallery, gallery[0])


def test_errors_say_what_is_needed(gallery, color_images):
    with pytest.raises(ValueError, match=r"n must be a positive int. Got 0"):
        find_similar(hog(), gallery, gallery[0], n=0)
    with pytest.raises(ValueError, match=r"SimilarImages expects a batch of images"):
        SimilarImages(hog()).fit("photo.jpg")
    with pytest.raises(ValueError, match=r"needs an image that can be read. Got 0"):
        SimilarImages(hog()).fit([])
    nan = FunctionTransformer(lambda images: np.full((len(images), 2), np.nan))
    with pytest.raises(ValueError, match=r"Got NaN or infinity for image 0; drop it"):
        SimilarImages(nan).fit(gallery)
    index = SimilarImages(ColorHistogram(2)).fit(color_images)
    index.pipeline = ColorHistogram(3)
    with pytest.raises(ValueError, match=r"has a gallery with 8 features an image"):
        index.search(color_images)


@pytest.fixture
def described(monkeypatch):
    """How many images each call of `HOG` has described."""
    calls, transform = [], HOG.transform

    def counted(self, X):
        calls.append((len(X), self.n_jobs))
        return transform(self, X)

    monkeypatch.setattr(HOG, "transform", counted)
    return calls


def test_a_second_search_describes_no_image_again(files, tmp_path, described):
    pipeline = make_pipeline(
        ImageReader(16, mode="gray"), hog(), StandardScaler(), LogisticRegression()
    )
    pipeline.fit(files, [0, 1] * 4)
    plain = find_similar(pipeline, files[:6], files[6:])
    for n_new in (8, 0):
        described.clear()
        found = find_similar(pipeline, files[:6], files[6:], cache=tmp_path / "kept")
        assert sum(n_images for n_images, _ in described) == n_new
        pd.testing.assert_frame_equal(found, plain)


def test_gallery_is_found_where_cached_features_keeps_it(files, tmp_path, described):
    front = make_pipeline(ImageReader(16, mode="gray"), hog())
    CachedFeatures(front, location=tmp_path / "kept").fit_transform(files)
    described.clear()
    model = make_pipeline(*front, StandardScaler(), LogisticRegression())
    model.fit(files, [0, 1] * 4)
    described.clear()
    found = find_similar(model, files, files[3], n=1, cache=tmp_path / "kept")
    assert found["path"].tolist() == [files[3]] and not described


def test_changed_and_unreadable_files_of_a_kept_gallery_are_seen(broken, tmp_path):
    pipeline = make_pipeline(ImageReader(16, mode="gray"), hog())
    options = {"cache": tmp_path / "kept", "on_error": "skip"}
    index = SimilarImages(pipeline, **options).fit(broken)
    assert index.errors_["row"].tolist() == [2]
    Image.open(broken[0]).save(broken[2])
    again = SimilarImages(pipeline, **options).fit(broken)
    assert again.errors_.empty and len(again.features_) == 8
    np.testing.assert_array_equal(again.features_[2], again.features_[0])


def test_what_learns_first_or_cannot_be_told_apart_is_not_kept(gallery, tmp_path):
    rng = np.random.default_rng(0)
    untold = FunctionTransformer(_unchanged, kw_args={"rng": rng})
    flat = gallery.reshape(30, -1)
    learned = make_pipeline(StandardScaler(), PCA(3)).fit(flat)
    for pipeline, images in ((make_pipeline(untold, hog()), gallery), (learned, flat)):
        plain = find_similar(pipeline, images, images[:3])
        found = find_similar(pipeline, images, images[:3], cache=tmp_path / "kept")
        pd.testing.assert_frame_equal(found, plain)
    assert not (tmp_path / "kept").exists()


def _unchanged(images, rng):
    return images


def test_threads_are_those_asked_for_and_the_model_keeps_its_own(gallery, described):
    model = make_pipeline(hog(), LogisticRegression()).fit(gallery, [0, 1] * 15)
    described.clear()
    find_similar(model, gallery, gallery[:2], n_jobs=2)
    assert {n_jobs for _, n_jobs in described} == {2}
    assert model[0].n_jobs is None

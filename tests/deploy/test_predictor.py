"""Tests for imgfeat/deploy/_predictor.py and _answers.py."""

import io
import os
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from sklearn.compose import ColumnTransformer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from imgfeat import load_sample, make_recipe, save
from imgfeat.deploy import (
    Answer,
    BundleError,
    Predictor,
    predict_files,
)
from imgfeat.deploy._answers import answer, takes_pixels
from imgfeat.deploy._predict import prediction_columns
from imgfeat.estimators import AugmentedClassifier, OpenSet
from imgfeat.features import HOG, CNNEmbedding
from imgfeat.sources import ImageReader
from tests.deploy._saved import as_file, save_at


@pytest.fixture(scope="module")
def digits():
    sample = load_sample("digits")
    return sample.images[:200], sample.target[:200]


@pytest.fixture(scope="module")
def model(digits):
    return make_recipe("hog-lr", size=16).fit(*digits)


@pytest.fixture(scope="module")
def file(model, tmp_path_factory):
    return save_at(model, tmp_path_factory.mktemp("model") / "digits.imgfeat")


@pytest.fixture(scope="module")
def predictor(file):
    return Predictor(file)


def test_every_kind_of_image_gets_the_answer_of_the_model(
    predictor, model, digits, tmp_path
):
    image = digits[0][0]
    path = tmp_path / "0.png"
    path.write_bytes(as_file(image))
    kinds = [
        path,
        str(path),
        path.read_bytes(),
        io.BytesIO(path.read_bytes()),
        Image.fromarray(image),
        image,
    ]
    proba = model.predict_proba([image])[0]
    for found in predictor.predict(kinds):
        assert found.error is None
        assert found.label == model.predict([image])[0]
        assert list(found.probabilities) == list(range(10))
        assert_allclose(list(found.probabilities.values()), proba, atol=1e-6)
        assert found.probability == max(found.probabilities.values())


def test_arrays_are_batches_too(predictor, model, digits):
    found = predictor.predict(digits[0][:20], batch_size=7)
    assert [each.label for each in found] == model.predict(digits[0][:20]).tolist()


def test_answers_are_those_of_predict_files(predictor, digits, tmp_path):
    paths = [tmp_path / f"{number}.png" for number in range(5)]
    for path, image in zip(paths, digits[0], strict=False):
        path.write_bytes(as_file(image))
    paths[3].write_bytes(b"no image")
    for one, other in zip(
        predictor.predict(paths), predict_files(predictor.model, paths), strict=True
    ):
        assert (one.label, one.probability) == (other.label, other.probability)
        assert one.error == other.error


def test_a_bad_image_has_an_error_and_the_others_an_answer(predictor, digits):
    whole = as_file(digits[0][0])
    bad = [b"", b"no image", whole[:60], "no/such.png", 5]
    found = predictor.predict([whole, *bad, whole])
    assert found[0].label == found[-1].label == 0
    assert found[0].probability == pytest.approx(found[-1].probability)
    words = ["empty", "not an image", "", "no such file", "not an image"]
    for each, word in zip(found[1:-1], words, strict=True):
        assert each == Answer(error=each.error)
        assert word in each.error


def test_an_image_that_the_model_does_not_take_fails_alone(digits):
    model = make_pipeline(HOG(pixels_per_cell=(4, 4)), LogisticRegression()).fit(
        *digits
    )
    other = np.zeros((40, 30), dtype=np.uint8)
    found = answer(model, [digits[0][0], other, digits[0][1]])
    assert [each.label for each in found] == [0, None, 1]
    assert "HOG" in found[1].error


def test_what_a_step_raises_is_said_without_its_innards(digits):
    class Fails(LogisticRegression):
        def predict_proba(self, X):
            raise RuntimeError("secret of /home/someone")

    model = make_pipeline(ImageReader(16), HOG(), Fails()).fit(*digits)
    (found,) = answer(model, [digits[0][0]])
    assert found.error == "the model fails on it (RuntimeError)"


def test_a_probability_that_is_no_number_is_an_error(digits):
    class Unsure(LogisticRegression):
        def predict_proba(self, X):
            return np.full((len(X), 10), np.nan)

    model = make_pipeline(ImageReader(16), HOG(), Unsure()).fit(*digits)
    (found,) = answer(model, [digits[0][0]])
    assert "no number" in found.error


def test_a_model_without_probabilities_gives_labels_alone(digits):
    model = make_pipeline(ImageReader(16), HOG(), LinearSVC()).fit(*digits)
    (found,) = answer(model, [digits[0][3]])
    assert found == Answer(label=model.predict([digits[0][3]])[0])


def test_labels_are_those_of_predict_where_others_are_more_probable(digits):
    class Contrary(LogisticRegression):  # as an SVC with probabilities may be
        def predict(self, X):
            return self.classes_[self.predict_proba(X).argmin(axis=1)]

    model = make_pipeline(ImageReader(16), HOG(), Contrary()).fit(*digits)
    augmented = AugmentedClassifier(model, n_augmented=2).fit(*digits)
    augmented.pipeline_ = model
    for each in (model, FrozenEstimator(model), augmented):
        found = answer(each, list(digits[0][:9]))
        assert [one.label for one in found] == model.predict(digits[0][:9]).tolist()
        for one in found:
            shares = one.probabilities
            assert one.probability == shares[one.label] == min(shares.values())


def test_dates_are_labels_in_words(digits, tmp_path):
    labels = np.datetime64("2026-01-01") + digits[1].astype("m8[D]")
    model = make_pipeline(ImageReader(16), HOG(), LogisticRegression())
    model.fit(digits[0], labels.astype("M8[ns]"))
    predictor = Predictor(save_at(model, tmp_path / "m.imgfeat"))
    (found,) = predictor.predict(digits[0][:1])
    assert found.label == "2026-01-01T00:00:00.000000000"
    assert list(found.probabilities) == predictor.labels == predictor.card["classes"]
    model.set_params(logisticregression=LinearSVC()).fit(digits[0], labels)
    assert answer(model, [digits[0][0]]) == [Answer(label="2026-01-01")]


def test_an_open_set_says_what_may_be_and_what_is_unknown(digits):
    model = OpenSet(make_recipe("hog-lr", size=16)).fit(*digits)
    faces = load_sample("faces").images
    known, strange = answer(model, [digits[0][0], faces[0]])
    assert (known.label, known.is_unknown) == (0, False)
    assert known.set[0] == 0
    assert known.score < model.threshold_ < strange.score
    assert (strange.label, strange.probability, strange.is_unknown) == (
        None,
        None,
        True,
    )
    assert sum(strange.probabilities.values()) == pytest.approx(1)
    search = GridSearchCV(OpenSet(make_recipe("hog-lr", size=16)), {"n_neighbors": [5]})
    search.set_params(cv=2).fit(*digits)
    assert answer(search, [faces[0]])[0].is_unknown


def test_features_are_what_the_classifier_is_given(predictor, model, digits):
    good, bad = predictor.embed([digits[0][0], b"no image"])
    assert_allclose(good.vector, model[:-1].transform([digits[0][0]])[0], rtol=1e-6)
    assert good.vector.dtype == np.float32
    assert bad.vector is None
    assert "not an image" in bad.error


def test_models_that_read_in_their_own_way_get_the_file(digits):
    deep = (digits[0].astype(np.uint16) * 4).clip(0, 4095)
    reader = ImageReader(16, mode="gray", dtype="float32", value_range=(0, 4095))
    model = make_pipeline(reader, HOG(), LogisticRegression()).fit(
        list(deep), digits[1]
    )
    assert not takes_pixels(model)
    assert not takes_pixels(make_pipeline(CNNEmbedding(fast_decode=True)))
    assert takes_pixels(make_recipe("cnn-lr"))
    encoded = as_file(deep[7])
    found, bad = answer(model, [encoded, as_file(deep[8])[:60]])
    proba = list(found.probabilities.values())
    assert_allclose(proba, model.predict_proba([encoded])[0], rtol=1e-12)
    assert bad.error


def test_too_many_pixels_are_refused(file):
    small = Predictor(file, max_pixels=100)
    (found,) = small.predict([as_file(np.zeros((11, 10), dtype=np.uint8))])
    assert "11 x 10 pixels, more than 100" in found.error


def test_threads_get_the_answers_that_one_gets(predictor, digits):
    images = list(digits[0][:40])
    alone = predictor.predict(images)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda image: predictor.predict([image])[0], images))
    for one, other in zip(alone, together, strict=True):
        assert one.label == other.label
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-6)


@pytest.mark.fork
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_may_ask(predictor, digits):
    expected = predictor.predict([digits[0][2]])[0].label
    child = os.fork()
    if child == 0:
        code = 99
        try:
            code = predictor.predict([digits[0][2]])[0].label
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == expected


def test_a_pickle_holds_the_path_and_loads_again(predictor, digits):
    data = pickle.dumps(predictor)
    assert len(data) < 1000
    again = pickle.loads(data)
    assert again.predict([digits[0][5]]) == predictor.predict([digits[0][5]])
    assert repr(again) == repr(predictor)


def test_card_says_what_the_file_says(predictor):
    assert predictor.card["classes"] == predictor.labels == list(range(10))
    assert "parts" not in predictor.card
    assert predictor.makes_features


def test_one_image_is_no_batch(predictor, digits):
    with pytest.raises(ValueError, match="batch of images"):
        predictor.predict("image.png")
    assert_array_equal(predictor.predict([]), [])


def test_a_model_of_tables_is_refused(digits, tmp_path):
    table = pd.DataFrame({"photo": list(digits[0][:20]), "age": np.arange(20.0)})
    columns = ColumnTransformer(
        [
            ("photo", make_pipeline(ImageReader(16), HOG()), "photo"),
            ("age", StandardScaler(), ["age"]),
        ]
    )
    model = make_pipeline(columns, LogisticRegression()).fit(table, digits[1][:20])
    save(model, tmp_path / "table.imgfeat")
    with pytest.raises(TypeError, match="takes a table"):
        Predictor(tmp_path / "table.imgfeat")


def test_a_damaged_file_is_refused(file, tmp_path):
    damaged = tmp_path / "damaged.imgfeat"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    damaged.write_bytes(data)
    with pytest.raises(BundleError, match="is damaged"):
        Predictor(damaged)
    with pytest.raises(FileNotFoundError, match="There is no file"):
        Predictor(tmp_path / "none.imgfeat")


def test_a_transformer_has_no_labels(digits):
    features = make_pipeline(ImageReader(16), HOG()).fit(digits[0])
    with pytest.raises(TypeError, match="which has no predict"):
        answer(features, [digits[0][0]])


def test_a_threshold_of_two_classes_decides(digits, tmp_path):
    images, labels = digits
    of_two = labels < 2
    images, labels = images[of_two], np.array(["no", "yes"])[labels[of_two]]
    front = ImageReader((16, 16), mode="gray"), HOG(cells_per_block=(1, 1))
    inner = make_pipeline(*front, LogisticRegression(C=1e-3))
    every = FixedThresholdClassifier(inner, threshold=0.05, pos_label="yes")
    behind = make_pipeline(*front, FixedThresholdClassifier(inner[-1], threshold=0.95))
    for model, given in ((every, "yes"), (behind, "no")):
        model.fit(images, labels)
        save_at(model, tmp_path / "m.imgfeat")
        said = Predictor(tmp_path / "m.imgfeat").predict(images)
        assert {one.label for one in said} == {given}
        for one in said:
            assert one.probability == one.probabilities[given]
    Image.fromarray(images[0]).save(tmp_path / "0.png")
    (found,) = predict_files(model, [tmp_path / "0.png"], top_k=2)
    assert [found.label, *(label for label, _ in found.further)] == ["no", "yes"]


@pytest.mark.parametrize(("most", "kind"), [(2**63 - 1, int), (2**63, str)])
def test_numbers_too_large_for_parquet_are_text_there(digits, most, kind):
    labels = np.where(digits[1] == 9, np.uint64(most), digits[1].astype(np.uint64))
    model = make_pipeline(ImageReader(16), HOG(), LinearSVC()).fit(digits[0], labels)
    assert prediction_columns(model)["label"] is kind

"""Every public estimator and recipe: the same rows, under their index, or a refusal."""

import importlib
import inspect
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_array_equal
from PIL import Image
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import StandardScaler

from imgfeat import compare, evaluate, list_recipes, make_recipe
from imgfeat.estimators import (
    AugmentedClassifier,
    CNNClassifier,
    LinearProbe,
    OpenSet,
    PrototypeClassifier,
    RidgeProbe,
)
from imgfeat.features import (
    GLCM,
    HOG,
    LBP,
    ORB,
    SIFT,
    VLAD,
    BagOfVisualWords,
    CachedFeatures,
    CNNEmbedding,
    ColorHistogram,
    DenseSIFT,
    Descriptors,
    FisherVector,
    PatchDictionary,
)
from imgfeat.preprocess import CenterCrop, Equalize, Grayscale, Resize
from imgfeat.sources import ImageReader
from imgfeat.testing import check_image_estimator
from tests.nets._tiny import TinyNet
from tests.sources._files import encode
from tests.test_layout import ROOMS

N = 6
LABELS = np.arange(N) % 2
INDEX = [40, 3, 0, 17, 2, 1]  # as a shuffled and filtered frame has it


def words(vocabulary):
    return make_pipeline(DenseSIFT(step=4, bin_size=2), vocabulary)


# How each public estimator is made small, in front of what it needs to take images.
TRANSFORMERS = {
    "ImageReader": ImageReader((16, 18)),
    "Resize": Resize((16, 18)),
    "CenterCrop": CenterCrop(16),
    "Grayscale": Grayscale(),
    "Equalize": Equalize(),
    "HOG": HOG(),
    "LBP": LBP(),
    "GLCM": GLCM(),
    "ColorHistogram": ColorHistogram(3),
    "PatchDictionary": PatchDictionary(7, patch_size=4, max_iter=2, random_state=0),
    "SIFT": SIFT(),
    "ORB": ORB(patch_size=5, scale_factor=1.2),
    "DenseSIFT": DenseSIFT(step=4, bin_size=2),
    "CNNEmbedding": CNNEmbedding(TinyNet(), n_jobs=1),
    "BagOfVisualWords": words(BagOfVisualWords(3, random_state=0)),
    "VLAD": words(VLAD(3, random_state=0)),
    "FisherVector": words(FisherVector(2, random_state=0)),
    "CachedFeatures": CachedFeatures(make_pipeline(Resize(16), HOG())),
}
CLASSIFIERS = {
    "AugmentedClassifier": AugmentedClassifier(
        make_pipeline(HOG(), RidgeProbe()), n_augmented=2, random_state=0
    ),
    "CNNClassifier": CNNClassifier(
        "simple_cnn", max_epochs=1, random_state=0, n_jobs=1
    ),
    "LinearProbe": make_pipeline(HOG(), LinearProbe()),
    "OpenSet": OpenSet(
        make_pipeline(HOG(), RidgeProbe()), 0.5, false_alarms=0, calibration=2
    ),
    "PrototypeClassifier": make_pipeline(HOG(), PrototypeClassifier()),
    "RidgeProbe": make_pipeline(HOG(), RidgeProbe()),
}
EVERY = TRANSFORMERS | CLASSIFIERS
# One sees no images, and is a part of LinearProbe; one only searches among them; one
# needs vectors of its classes, two several labels an image; two have no label for an
# image, and tests of their own.
NO_MODELS = {
    "LabelThresholds",
    "LabelVote",
    "PairVerifier",
    "RowSpace",
    "SimilarImages",
    "SlidingWindowDetector",
    "ZeroShotClassifier",
}
RECIPES = [
    row.recipe for row in list_recipes().itertuples() if "NET" not in row.summary
]
EVERY_TRANSFORMER = pytest.mark.parametrize("name", list(TRANSFORMERS))
EVERY_CLASSIFIER = pytest.mark.parametrize("name", list(CLASSIFIERS))
EVERY_RECIPE = pytest.mark.parametrize(
    "name", [name for name in RECIPES if name != "cnn-scratch"]
)


def test_no_public_estimator_is_left_out():
    found = set()
    for room in ROOMS:
        module = importlib.import_module(f"imgfeat.{room}")
        found |= {
            name
            for name in module.__all__
            if inspect.isclass(kind := getattr(module, name)) and hasattr(kind, "fit")
        }
    assert found == set(EVERY) | NO_MODELS


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(0).integers(0, 256, (N, 20, 18, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def paths(pixels, tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for row, image in enumerate(pixels):
        (folder / f"{row}.png").write_bytes(encode(image))
    return [str(folder / f"{row}.png") for row in range(len(pixels))]


@pytest.fixture
def photos(paths):
    """Paths as a column with a shuffled index."""
    return pd.Series(paths, INDEX, name="photo")


def as_numbers(found):
    if isinstance(found, Descriptors):
        return np.concatenate([found.values, found.positions], axis=1)
    if isinstance(found, pd.DataFrame) and list(found) == ["image"]:
        return np.stack(found["image"])
    return np.asarray(found)


# The same numbers -------------------------------------------------------------------


@pytest.mark.parametrize("name", list(EVERY))
def test_every_estimator_does_what_is_asked_of_those_of_others(name):
    check_image_estimator(EVERY[name])


@EVERY_RECIPE
def test_every_recipe_says_the_same(name, pixels, paths):
    pixels = pixels.repeat(4, axis=1).repeat(4, axis=2)
    recipe = make_recipe(name, size=48)
    small = {"n_words": 4, "n_components": 4, "n_atoms": 20}
    for param in recipe.get_params():
        if param.split("__")[-1] in small and param.startswith(("voc", "pat")):
            recipe.set_params(**{param: small[param.split("__")[-1]]})
    fitted = recipe.fit(pixels, LABELS)
    column = np.array([encode(image) for image in pixels], dtype=object)[:, None]
    for X in (list(pixels), column, pd.DataFrame(column, INDEX)):
        assert_array_equal(fitted.predict_proba(X), fitted.predict_proba(pixels))


# The same index ---------------------------------------------------------------------


def describes(transformer):
    """Each transformer behind a reader, and up to numbers if it gives descriptors."""
    steps = [ImageReader((16, 18)), Grayscale(), clone(transformer)]
    if isinstance(transformer, SIFT | ORB | DenseSIFT):
        steps.append(BagOfVisualWords(2, random_state=0))
    return make_pipeline(*steps)


def assert_rows_of(found, index, expected):
    assert isinstance(found, pd.DataFrame)
    assert list(found.index) == list(index)
    assert_array_equal(as_numbers(found), expected)


@EVERY_TRANSFORMER
def test_every_transformer_keeps_the_index(name, photos):
    transformer = describes(TRANSFORMERS[name])
    expected = as_numbers(clone(transformer).fit_transform(photos.tolist()))
    in_pandas = clone(transformer).set_output(transform="pandas")
    for X in (photos, photos.to_frame()):
        assert_rows_of(in_pandas.fit_transform(X), INDEX, expected)
        assert_rows_of(in_pandas.transform(X), INDEX, expected)
    some = [4, 1, 1]
    assert_array_equal(
        as_numbers(in_pandas.transform(photos.iloc[some])), expected[some]
    )
    assert list(in_pandas.transform(photos.iloc[some]).index) == [2, 3, 3]
    with sklearn.config_context(transform_output="pandas"):
        assert_rows_of(clone(transformer).fit_transform(photos), INDEX, expected)


@EVERY_TRANSFORMER
def test_cached_features_keep_the_index_before_and_after_fit(name, photos, tmp_path):
    transformer = TRANSFORMERS[name]
    if sklearn.utils.get_tags(transformer).requires_fit or name == "CachedFeatures":
        pytest.skip("it learns, or is kept already")
    steps = [CachedFeatures(transformer, tmp_path)]
    if isinstance(transformer, SIFT | ORB | DenseSIFT):
        steps.append(BagOfVisualWords(2, random_state=0))
    expected = as_numbers(clone(make_pipeline(*steps)).fit_transform(photos.tolist()))
    cached = clone(make_pipeline(*steps)).set_output(transform="pandas")
    if len(steps) == 1:
        assert_rows_of(cached[0].transform(photos), INDEX, expected)
    assert_rows_of(cached.fit_transform(photos), INDEX, expected)
    assert_rows_of(cached.transform(photos), INDEX, expected)


def test_photos_stand_beside_their_own_numbers(photos):
    table = photos.to_frame().assign(age=np.arange(N) + 20.0)
    gray = make_pipeline(ImageReader((16, 18)), Grayscale())
    branches = make_union(
        make_pipeline(gray, HOG()),
        make_pipeline(ImageReader((16, 18)), ColorHistogram(3)),
        make_pipeline(gray, DenseSIFT(step=4), BagOfVisualWords(3, random_state=0)),
        CachedFeatures(make_pipeline(gray, LBP())),
    )
    columns = ColumnTransformer(
        [("photo", branches, "photo"), ("age", "passthrough", ["age"])]
    ).set_output(transform="pandas")
    found = columns.fit_transform(table)
    alone = clone(branches).set_output(transform="default")
    assert list(found.index) == INDEX
    assert_array_equal(found["age__age"], table["age"])
    assert_array_equal(
        found.drop(columns="age__age"), alone.fit_transform(photos.tolist())
    )
    joined = table.join(columns.fit_transform(table).add_prefix("x_"))
    assert_array_equal(joined["age"], joined["x_age__age"])


def test_descriptors_keep_the_index_when_they_are_taken_apart(photos, tmp_path):
    sift = DenseSIFT(step=4)
    for step in (sift, CachedFeatures(sift, tmp_path)):
        found = step.fit_transform(photos)
        assert list(found.index) == INDEX
        assert list(found[[2, 0]].index) == [0, 40]
        assert list(found[1:3].index) == [3, 0]
        assert step.transform(photos.tolist()).index is None


def test_images_in_pandas_are_images_for_the_next_step(photos):
    reader = ImageReader((16, 18)).set_output(transform="pandas")
    table = reader.fit_transform(photos)
    assert list(table) == list(reader.get_feature_names_out())
    expected = ImageReader((16, 18)).transform(photos)
    assert isinstance(expected, np.ndarray)
    assert_array_equal(HOG().fit_transform(table), HOG().fit_transform(expected))
    scaled = make_pipeline(reader, HOG(), StandardScaler())
    frame = scaled.set_output(transform="pandas").fit_transform(photos)
    assert list(frame.index) == INDEX


# One image, no image ----------------------------------------------------------------

ONE_IMAGE = {
    "array": lambda pixels, path: pixels[0],
    "path": lambda pixels, path: path,
    "Path": lambda pixels, path: Path(path),
    "bytes": lambda pixels, path: Path(path).read_bytes(),
    "PIL image": lambda pixels, path: Image.fromarray(pixels[0]),
    "open file": lambda pixels, path: io.BytesIO(Path(path).read_bytes()),
}
ONE = pytest.mark.parametrize("kind", list(ONE_IMAGE))


def uses_of(estimator):
    """What takes images of an estimator that is not fitted."""
    names = ("fit", "fit_transform", "partial_fit")
    return [getattr(estimator, name) for name in names if hasattr(estimator, name)]


def uses_of_fitted(estimator):
    names = ("transform", "predict", "predict_proba", "decision_function")
    return [getattr(estimator, name) for name in names if hasattr(estimator, name)]


@pytest.fixture(scope="module")
def fitted(pixels):
    return {name: clone(one).fit(pixels, LABELS) for name, one in EVERY.items()}


def assert_refuses(fitted, name, X, match):
    """Assert that everything that takes images of an estimator refuses X."""
    labels = LABELS[: len(X)] if hasattr(X, "__len__") else LABELS
    for use in uses_of(clone(EVERY[name])):
        with pytest.raises(ValueError, match=match):
            use(X, labels)
    for use in uses_of_fitted(fitted[name]):
        with pytest.raises(ValueError, match=match):
            use(X)
    if name in CLASSIFIERS:
        with pytest.raises(ValueError, match=match):
            fitted[name].score(X, labels)


@ONE
@pytest.mark.parametrize("name", list(EVERY))
def test_one_image_is_no_batch(name, kind, fitted, pixels, paths):
    one = ONE_IMAGE[kind](pixels, paths[0])
    assert_refuses(fitted, name, one, r"put it in a list: \[X\]")


@ONE
@EVERY_RECIPE
def test_one_image_is_no_batch_for_a_recipe(name, kind, pixels, paths):
    one = ONE_IMAGE[kind](pixels, paths[0])
    with pytest.raises(ValueError, match=r"put it in a list: \[X\]"):
        make_recipe(name).fit(one, LABELS)


@ONE
def test_one_image_is_no_batch_to_evaluate_or_compare(kind, fitted, pixels, paths):
    one = ONE_IMAGE[kind](pixels, paths[0])
    labels = np.arange(len(one) if hasattr(one, "__len__") else 1) % 2
    for what in (fitted["RidgeProbe"], fitted["CNNClassifier"]):
        with pytest.raises(ValueError, match=r"put it in a list: \[X\]"):
            evaluate(what, one, labels)
        with pytest.raises(ValueError, match=r"put it in a list: \[X\]"):
            compare({"one": what}, one, labels)


def test_one_photo_is_no_batch_however_few_rows_go_at_once(pixels, tmp_path):
    cached = CachedFeatures(ColorHistogram(3), tmp_path, batch_size=2)
    with pytest.raises(ValueError, match="put it in a list"):
        cached.transform(pixels[0])


@pytest.mark.parametrize("name", list(EVERY))
def test_an_iterator_is_refused(name, fitted, paths):
    assert_refuses(fitted, name, iter(paths), r"make a list of it: list\(X\)")


@pytest.mark.parametrize("name", list(EVERY))
def test_what_is_no_sequence_is_refused(name, fitted, pixels):
    bunch = sklearn.utils.Bunch(images=pixels, target=LABELS)
    assert_refuses(fitted, name, bunch, r"Got one Bunch; pass .*alone: X\['images'\]")
    assert_refuses(fitted, name, {1, 2}, "Got one set; pass a list of images")
    dates = np.zeros((len(pixels), 4, 4), dtype="M8[s]")
    assert_refuses(fitted, name, dates, r"Got an array of datetime64\[s\]; give pixels")


def test_evaluate_names_images_of_one_column_and_takes_tables(fitted, photos):
    labels = fitted["RidgeProbe"].predict(photos)
    for X in (photos, photos.to_frame(), photos.to_numpy(dtype=object)[:, None]):
        found = evaluate(fitted["RidgeProbe"], X, labels).predictions
        assert found["image"].tolist() == photos.tolist()
    table = pd.DataFrame(np.arange(2 * N).reshape(N, 2), INDEX)
    model = make_pipeline(StandardScaler(), RidgeProbe()).fit(table, LABELS)
    assert evaluate(model, table, LABELS).predictions["image"].tolist() == list(
        range(N)
    )


@pytest.mark.parametrize("shape", [(0, 20, 18, 3), (3, 0, 18), (3, 20, 0, 3)])
@pytest.mark.parametrize("name", list(EVERY))
def test_no_pixels_are_refused(name, shape, fitted):
    X = np.empty(shape, dtype=np.uint8)
    assert_refuses(fitted, name, X, r"images with pixels|Found array with 0 sample")


@pytest.mark.parametrize("name", list(EVERY))
def test_an_empty_list_is_refused(name, fitted):
    assert_refuses(fitted, name, [], "put|sample|batch")


@pytest.mark.parametrize("name", list(EVERY))
def test_masked_pixels_are_refused(name, fitted, pixels):
    masked = np.ma.masked_greater(pixels, 200)
    for X in (masked, list(masked)):
        assert_refuses(fitted, name, X, r"\.filled\(0\)")

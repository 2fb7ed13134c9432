"""Tests for imgfeat/_nesting.py: every container that scikit-learn and we have."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline, make_union
from sklearn.preprocessing import StandardScaler

from imgfeat._nesting import (
    first_steps,
    fit_param_of_last,
    holds_nets,
    last_step,
    path_to,
    replace_nested,
    walk,
)
from imgfeat._traits import Traits
from imgfeat.deploy import load, save
from imgfeat.deploy._uncached import without_caches
from imgfeat.estimators import AugmentedClassifier, CNNClassifier
from imgfeat.features import HOG, CachedFeatures, CNNEmbedding


@pytest.fixture
def photos():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (12, 16, 16), dtype=np.uint8), ["a", "b"] * 6


def inner(folder):
    """A pipeline whose features are kept in a cache."""
    cached = CachedFeatures(HOG(), location=str(folder))
    return make_pipeline(cached, StandardScaler(), LogisticRegression())


def two(folder):
    return [("one", inner(folder)), ("two", inner(folder))]


CONTAINERS = {
    "pipeline": lambda folder: make_pipeline(inner(folder)),
    "search": lambda folder: GridSearchCV(
        inner(folder), {"logisticregression__C": [0.1, 1]}, cv=2
    ),
    "calibrated": lambda folder: CalibratedClassifierCV(inner(folder), cv=2),
    "calibrated, one": lambda folder: CalibratedClassifierCV(
        inner(folder), cv=2, ensemble=False
    ),
    "voting": lambda folder: VotingClassifier(two(folder), voting="soft"),
    "stacking": lambda folder: StackingClassifier(two(folder), cv=2),
    "tuned threshold": lambda folder: TunedThresholdClassifierCV(inner(folder), cv=2),
    "fixed threshold": lambda folder: FixedThresholdClassifier(inner(folder)),
    "one against the rest": lambda folder: OneVsRestClassifier(inner(folder)),
    "augmented": lambda folder: AugmentedClassifier(
        inner(folder), n_augmented=2, random_state=0
    ),
    "search in calibration": lambda folder: CalibratedClassifierCV(
        CONTAINERS["search"](folder), cv=2
    ),
}


def has_cache(estimator):
    return any(isinstance(item, CachedFeatures) for _, item in walk(estimator))


@pytest.mark.parametrize("kind", CONTAINERS)
def test_cache_is_found_and_left_out_of_a_file_at_any_depth(photos, tmp_path, kind):
    images, labels = photos
    model = CONTAINERS[kind](tmp_path / "cache")
    if "stacking" in kind or "rest" in kind or "threshold" in kind:
        # These look at the shape of X, so they get rows of pixels.
        images = images.reshape(len(images), -1)
    model.fit(images, np.array(labels))
    assert has_cache(model)
    bare = without_caches(model)
    assert not has_cache(bare)
    assert has_cache(model)
    save(model, tmp_path / "model.imgfeat", example=images[:2])
    loaded = load(tmp_path / "model.imgfeat")
    assert not has_cache(loaded)
    np.testing.assert_allclose(
        loaded.predict_proba(images), model.predict_proba(images), atol=1e-6
    )


def test_frozen_and_multi_output_estimators_are_looked_into(photos, tmp_path):
    images, labels = photos
    rows = images.reshape(len(images), -1)
    frozen = FrozenEstimator(inner(tmp_path / "cache").fit(rows, labels))
    several = MultiOutputClassifier(inner(tmp_path / "cache"))
    several.fit(rows, np.array([labels, labels[::-1]]).T)
    for model in (frozen, several):
        save(model, tmp_path / "model.imgfeat", example=rows[:2])
        loaded = load(tmp_path / "model.imgfeat")
        assert has_cache(model)
        assert not has_cache(loaded)
        np.testing.assert_array_equal(loaded.predict(rows), model.predict(rows))


def test_what_is_shared_stays_shared(photos, tmp_path):
    images, labels = photos
    model = VotingClassifier(two(tmp_path), voting="soft").fit(images, labels)
    bare = without_caches(model)
    assert bare.named_estimators_["one"] is bare.estimators_[0]
    assert not has_cache(bare)
    again = without_caches(bare)
    assert again is bare


def test_subclass_of_a_user_counts():
    class MyEmbedding(CNNEmbedding):
        """Somebody's own."""

    assert holds_nets(make_pipeline(MyEmbedding(), LogisticRegression()))
    assert not holds_nets(make_pipeline(HOG(), LogisticRegression()))


def test_estimator_of_a_user_says_itself_that_it_holds_a_net():
    class Own(ClassifierMixin, BaseEstimator):
        def __imgfeat_traits__(self):
            return Traits(holds_net=True)

    assert holds_nets(CalibratedClassifierCV(Own()))


@pytest.mark.parametrize(
    "estimator, kinds",
    [
        (make_pipeline(HOG(), StandardScaler()), [HOG]),
        (make_pipeline("passthrough", HOG()), [HOG]),
        (make_union(HOG(), make_pipeline(CNNEmbedding())), [HOG, CNNEmbedding]),
        (GridSearchCV(make_pipeline(HOG()), {}), [HOG]),
        (VotingClassifier([("a", make_pipeline(HOG()))]), [HOG]),
        (AugmentedClassifier(make_pipeline(HOG(), LogisticRegression())), [HOG]),
        (CalibratedClassifierCV(CNNClassifier()), [CNNClassifier]),
        (BaggingClassifier(make_pipeline(HOG())), [HOG]),
        (CachedFeatures(HOG()), [HOG]),
        (FeatureUnion([("a", "drop"), ("b", HOG())]), [HOG]),
        (make_column_transformer((HOG(), "p"), (StandardScaler(), ["x"])), None),
        (StandardScaler(), [StandardScaler]),
        ("passthrough", []),
    ],
    ids=str,
)
def test_first_steps_are_those_that_see_the_images(estimator, kinds):
    found = [type(step) for step in first_steps(estimator)]
    assert found == ([HOG, StandardScaler] if kinds is None else kinds)


def test_fitted_parts_come_before_the_unfitted(photos):
    model = CalibratedClassifierCV(make_pipeline(HOG(), LogisticRegression()), cv=2)
    model.fit(*photos)
    assert all(hasattr(step, "image_shape_in_") for step in first_steps(model))


def test_column_transformer_can_be_the_first_step_itself():
    columns = make_column_transformer((HOG(), "photo"))
    pipeline = make_pipeline(columns, LogisticRegression())
    assert first_steps(pipeline, into_columns=False) == [columns]


def test_name_of_a_fit_parameter_leads_to_the_last_step():
    pipeline = make_pipeline(HOG(), make_pipeline(LogisticRegression()))
    name = "pipeline__logisticregression__sample_weight"
    assert fit_param_of_last(pipeline, "sample_weight") == name
    assert fit_param_of_last(GridSearchCV(pipeline, {}), "sample_weight") == name
    assert fit_param_of_last(LogisticRegression(), "sample_weight") == "sample_weight"
    assert type(last_step(pipeline)) is LogisticRegression


def test_replace_nested_reaches_dicts_arrays_and_tuples():
    class Holder(BaseEstimator):
        def __init__(self, parts=None):
            self.parts = parts

    parts = {"a": (HOG(),), "b": np.array([HOG(), None], dtype=object), "c": [3]}
    holder = Holder(parts)

    def to_scaler(estimator):
        return StandardScaler() if isinstance(estimator, HOG) else estimator

    found = replace_nested(holder, to_scaler)
    assert isinstance(found.parts["a"][0], StandardScaler)
    assert isinstance(found.parts["b"][0], StandardScaler)
    assert found.parts["c"] is parts["c"]
    assert isinstance(holder.parts["a"][0], HOG)


def test_estimator_that_holds_itself_ends():
    holder = StandardScaler()
    holder.me_ = holder
    assert replace_nested(holder, lambda estimator: estimator) is holder
    assert next(name for name, _ in walk(holder)) == ""


def test_walk_names_the_inside_of_a_calibrated_classifier(photos):
    model = CalibratedClassifierCV(make_pipeline(HOG(), LogisticRegression()), cv=2)
    names = [name for name, _ in walk(model.fit(*photos))]
    assert "calibrated_classifiers___0__estimator__hog" in names


def test_table_with_photos_keeps_its_transformer(photos):
    images, labels = photos
    table = pd.DataFrame({"photo": list(images), "age": range(12)})
    columns = make_column_transformer((HOG(), "photo"), ("passthrough", ["age"]))
    model = make_pipeline(columns, LogisticRegression()).fit(table, labels)
    assert HOG in [type(step) for step in first_steps(model)]


def test_path_leads_through_containers_to_the_first_of_a_kind(tmp_path):
    scaler, cached = StandardScaler(), CachedFeatures(HOG(), location=str(tmp_path))
    union = make_union(make_pipeline(StandardScaler()), make_pipeline(scaler, cached))
    pipeline = make_pipeline("passthrough", scaler, union, LogisticRegression())
    search = GridSearchCV(pipeline, {})
    before, found = path_to(search, HOG)
    assert before == [scaler, scaler] and isinstance(found, HOG)
    assert path_to(search, CNNEmbedding) is None
    assert path_to(HOG(), LogisticRegression) is None

"""Tests for imgfeat/estimators/_recipes.py and _stateless.py."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline, make_union
from sklearn.preprocessing import Normalizer, StandardScaler

from imgfeat import compare, list_recipes, load_sample, make_recipe
from imgfeat._stateless import (
    is_stateless,
    split_stateless,
    transform_in_chunks,
)
from imgfeat.estimators import CNNClassifier
from imgfeat.estimators._recipes import without_search
from imgfeat.features import HOG, CNNEmbedding
from imgfeat.sources import ImageReader

NAMES = list(list_recipes()["recipe"])
WITH_NET = ["cnn-lr", "cnn-svm", "cnn-ridge", "prototype"]
WITH_NET += ["hybrid-lr", "cnn-finetune"]


@pytest.fixture(scope="module")
def digits():
    sample = load_sample("digits")
    keep = sample.target < 3
    return sample.images[keep][:90], sample.target[keep][:90]


@pytest.mark.parametrize("name", NAMES)
def test_recipe_is_a_cloneable_pipeline_with_its_grid(name):
    recipe = make_recipe(name)
    assert isinstance(clone(recipe), Pipeline)
    grid = list_recipes().set_index("recipe").loc[name, "grid"]
    params = recipe.get_params()
    assert all(key in params for key in grid)


@pytest.mark.parametrize("name", NAMES)
def test_recipe_learns_and_has_probabilities(name, digits):
    X, y = digits
    recipe = make_recipe(name, size=32)
    if name == "cnn-finetune":
        recipe.set_params(classifier__size=64, classifier__max_epochs=2)
    if name == "cnn-scratch":
        recipe.set_params(classifier__batch_size=8, classifier__max_epochs=8)
        recipe.set_params(classifier__augment="none")
    recipe.fit(X[::2], y[::2])
    assert recipe.score(X[1::2], y[1::2]) > 0.85
    np.testing.assert_allclose(recipe.predict_proba(X[:5]).sum(axis=1), 1, atol=1e-6)


def test_recipe_goes_through_cross_validation_unchanged(digits):
    scores = cross_val_score(make_recipe("hog-lr", size=32), *digits, cv=3)
    assert scores.min() > 0.9


def test_search_chooses_from_the_grid(digits):
    recipe = make_recipe("hog-lr", size=32, search=True).fit(*digits)
    grid = list_recipes().set_index("recipe").loc["hog-lr", "grid"]
    assert recipe[-1].C_ in grid["classifier__C"]
    assert len(recipe[-1].scores_) == len(grid["classifier__C"])


def test_winner_replaces_the_search_with_the_same_predictions(digits):
    X, y = digits
    grid = {"classifier__C": [1e-3, 1e-2]}
    recipe = make_recipe("hog-svm", size=32)
    recipe = Pipeline([("search", GridSearchCV(recipe, grid, cv=2))]).fit(X, y)
    plain = without_search(recipe)
    assert not any(isinstance(step, GridSearchCV) for _, step in plain.steps)
    np.testing.assert_array_equal(plain.predict_proba(X), recipe.predict_proba(X))


def test_recipe_that_chooses_in_its_fit_is_not_searched(digits):
    recipe = make_recipe("cnn-ridge", search=True)
    assert not any(isinstance(step, GridSearchCV) for _, step in recipe.steps)
    recipe.set_params(cnn__engine="torch", cnn__size=64).fit(*digits)
    assert without_search(recipe) is recipe
    assert recipe[-1].alpha_ > 0


@pytest.mark.parametrize("name", WITH_NET)
def test_net_behind_the_colon_takes_the_place_of_the_default(name):
    for net in ("resnet18", "efficientnet_lite0"):
        params = make_recipe(f"{name}:{net}").get_params().values()
        nets = [p for p in params if isinstance(p, (CNNEmbedding, CNNClassifier))]
        assert [p.backbone for p in nets] == [net]


def test_recipe_with_another_net_learns(digits):
    X, y = digits
    recipe = make_recipe("cnn-ridge:resnet18", search=True)
    # Random weights: none are on disk; even so its maps tell digits apart.
    recipe.set_params(cnn__weights=None, cnn__engine="torch", cnn__size=32)
    assert recipe.fit(X[::2], y[::2]).score(X[1::2], y[1::2]) > 0.6


def test_weights_that_are_not_here_are_asked_for(digits, tmp_path, monkeypatch):
    monkeypatch.setenv("IMGFEAT_HOME", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="resnet50 needs the weights file"):
        make_recipe("cnn-lr:resnet50").fit(*digits)
    with pytest.raises(FileNotFoundError, match="resnet50 needs the weights file"):
        compare(["cnn-ridge:resnet50"], *digits, cv=2)


def test_summary_says_which_recipes_take_a_net():
    summaries = list_recipes().set_index("recipe")["summary"]
    assert [name for name in NAMES if f"{name}:NET" in summaries[name]] == WITH_NET


@pytest.mark.parametrize(
    "name, message",
    [
        ("hog-svn", r"no recipe 'hog-svn'; did you mean 'hog-svm'"),
        ("cnn-lt:resnet50", r"no recipe .*; did you mean 'cnn-lr:resnet50'"),
        ("hog-lr:resnet50", r"'hog-lr' has no net .*; did you mean 'cnn-lr:resnet50'"),
        ("cnn-lr:resnt50", r"no backbone 'resnt50'\. Did you mean 'resnet50'"),
        ("cnn-lr:", r"needs the name of a net behind the colon"),
    ],
)
def test_misspelt_recipe_or_net_gets_a_close_name(name, message):
    with pytest.raises(ValueError, match=message):
        make_recipe(name)


def test_readers_hog_and_nets_learn_nothing_scalers_do():
    assert is_stateless(ImageReader((8, 8)))
    assert is_stateless(make_pipeline(HOG(), Normalizer()))
    assert is_stateless(make_union(HOG(), CNNEmbedding()))
    assert not is_stateless(make_union(HOG(), PCA()))
    assert not is_stateless(StandardScaler())


def test_split_stops_at_the_first_step_that_learns():
    pipeline = make_pipeline(ImageReader((8, 8)), HOG(), StandardScaler(), Normalizer())
    front, rest = split_stateless(pipeline)
    assert [name for name, _ in front.steps] == ["imagereader", "hog"]
    assert [name for name, _ in rest.steps] == ["standardscaler", "normalizer"]


def test_split_stops_at_a_step_that_is_searched():
    pipeline = make_pipeline(ImageReader((8, 8)), HOG(), LogisticRegression())
    front, rest = split_stateless(pipeline, ["hog__orientations"])
    assert [name for name, _ in front.steps] == ["imagereader"]
    assert [name for name, _ in rest.steps] == ["hog", "logisticregression"]


def test_pipeline_that_learns_at_once_has_no_front():
    front, rest = split_stateless(make_pipeline(StandardScaler(), LogisticRegression()))
    assert front is None
    assert len(rest.steps) == 2


def test_chunks_give_what_one_call_gives(digits):
    X = digits[0]
    front = make_pipeline(ImageReader((32, 32), mode="gray"), HOG())
    whole = front.fit_transform(X)
    np.testing.assert_array_equal(transform_in_chunks(front, X, batch_size=7), whole)

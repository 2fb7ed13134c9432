"""Named pipelines with their search grids: a good start, by name."""

from difflib import get_close_matches

import pandas as pd
from sklearn.model_selection import BaseCrossValidator, GridSearchCV
from sklearn.pipeline import Pipeline

from imgfeat._frames import make_frame
from imgfeat._typing import RandomState, Size
from imgfeat._validation import check_size_param
from imgfeat.estimators._recipe_table import RECIPES
from imgfeat.nets.catalog._registry import get_spec


def make_recipe(
    name: str,
    *,
    size: Size = 128,
    search: bool = False,
    cv: int | BaseCrossValidator = 3,
    n_jobs: int | None = None,
    random_state: RandomState = 0,
    verbose: int = 0,
) -> Pipeline:
    """Make a ready pipeline from images to labels, by name.

    Parameters
    ----------
    name : str
        One of `list_recipes`. Those with a net take another one behind a colon, named
        as the `backbone` of `CNNEmbedding`: ``"cnn-lr:resnet50"``.
    size : int or tuple of (height, width), default=128
        Pixels to which images are resized for the classical features; at most half of
        it for ``patches-svm``. Nets bring the size of their weights and do not use it.
    search : bool, default=False
        Let the last step choose its C from the recipe's grid, on held-out folds. What
        is in front of it, which sees no labels, is fitted once a fit. A recipe without
        a grid, such as ``cnn-ridge``, chooses in its fit anyway, and comes as it is
        without `search`.
    cv : int or splitter, default=3
        Folds of that choice, and of the probabilities of an SVM. An int is stratified,
        shuffled by `random_state`, and the most there are: where a class has fewer
        images there are fewer.
    n_jobs : int, default=None
        Threads that read images and compute features.
    random_state : int, RandomState instance or None, default=0
        Seeds the classifier and the folds of the search.
    verbose : int, default=0
        Above 0, the score of each C is printed.

    Returns
    -------
    Pipeline
        Not fitted. The last step is named ``classifier`` and has ``predict_proba``.

    Raises
    ------
    ValueError
        If there is no such recipe or no such net, and close names are offered; or if
        the recipe has no net. Its `fit` raises it where a class is too small to hold
        out a part: a search and the probabilities of an SVM need 2 images of it.
        Weights of the net are looked for in `fit`, where those that are not on this
        machine raise FileNotFoundError.

    See Also
    --------
    list_recipes : What there is.
    imgfeat.compare : Several recipes on the same folds.

    Notes
    -----
    Linear SVMs have no probabilities of their own: a softmax of their decisions, scaled
    on held-out rows, gives them, and keeps the order of the classes; see `LinearProbe`.

    Every recipe but ``prototype`` takes several labels an image as well: a matrix or
    table of 0 and 1, or a list of names for each image.

    Examples
    --------
    >>> from imgfeat import load_sample, make_recipe
    >>> digits = load_sample("digits")
    >>> recipe = make_recipe("hog-lr", size=32).fit(digits.images, digits.target)
    >>> recipe.predict(digits.images[:4])
    array([0, 1, 2, 3])
    """
    recipe, options = _look_up(name)
    pixels = check_size_param(size)
    of_features, of_learner = ({}, options) if recipe.trains_net else (options, {})
    features = recipe.features(pixels, n_jobs, random_state, **of_features)
    learner = recipe.learner(n_jobs, random_state, **of_learner)
    pipeline = Pipeline([*features, *learner])
    if search and recipe.grid:
        pipeline.set_params(**recipe.grid)
    if recipe.grid:  # folds choose, and make the probabilities of an SVM
        pipeline.set_params(classifier__cv=cv, classifier__verbose=verbose)
    return pipeline


def _look_up(name):
    """The recipe of a name, and what its features take from behind the colon."""
    base, colon, backbone = str(name).partition(":")
    if base not in RECIPES:
        close = get_close_matches(base, RECIPES, n=1)
        hint = f"did you mean {close[0] + colon + backbone!r}? " if close else ""
        raise ValueError(
            f"There is no recipe {name!r}; {hint}Recipes are {', '.join(RECIPES)}."
        )
    recipe = RECIPES[base]
    if not colon:
        return recipe, {}
    if not recipe.has_net:
        others = [other for other, recipe in RECIPES.items() if recipe.has_net]
        close = get_close_matches(f"cnn-{base.partition('-')[2]}", others, n=1)
        hint = f"did you mean {close[0] + colon + backbone!r}? " if close else ""
        raise ValueError(
            f"The recipe {base!r} has no net that {name!r} could name; {hint}"
            f"Those with a net are {', '.join(others)}."
        )
    if not backbone:
        raise ValueError(
            f"{name!r} needs the name of a net behind the colon, as in "
            f"'{base}:resnet50'; leave the colon out for the default net."
        )
    get_spec(backbone)  # a name that is unknown should not wait for the fit
    return recipe, {"backbone": backbone}


def least_images(name):
    """How many images of a class a study of a recipe takes at least."""
    return _look_up(name)[0].n_least


def without_search(pipeline):
    """A fitted pipeline with the winner of its search in the search's place."""
    if not isinstance(pipeline, Pipeline):  # a vote of some
        return pipeline
    name, last = pipeline.steps[-1]
    if not isinstance(last, GridSearchCV):
        return pipeline
    best = last.best_estimator_
    rest = best.steps if isinstance(best, Pipeline) else [(name, best)]
    return Pipeline([*pipeline.steps[:-1], *rest])


def list_recipes() -> pd.DataFrame:
    """List the named pipelines.

    Returns
    -------
    DataFrame with columns ``recipe``, ``summary``, ``grid`` and ``trains_net``
        Recipes that train a net take minutes to hours without a GPU.

    Notes
    -----
    Where the summary says so, a name takes a net behind a colon, in the place of the
    default one: ``"cnn-svm:vit_b_16"``, ``"cnn-ridge:timm/NAME"``. All that
    `CNNEmbedding` takes as a `backbone` by name can stand there.

    Examples
    --------
    >>> from imgfeat import list_recipes
    >>> list_recipes().set_index("recipe").loc["fisher-svm", "summary"]
    'dense SIFT, Fisher vectors and a linear SVM'
    """
    return make_frame(
        {
            "recipe": list(RECIPES),
            "summary": [_summary(name, recipe) for name, recipe in RECIPES.items()],
            "grid": [recipe.grid for recipe in RECIPES.values()],
            "trains_net": [recipe.trains_net for recipe in RECIPES.values()],
        }
    )


def _summary(name, recipe):
    return recipe.summary + (f"; or {name}:NET" if recipe.has_net else "")

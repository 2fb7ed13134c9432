"""Named pipelines with their search grids: a good start, by name."""

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from numbers import Integral

import pandas as pd
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler
from sklearn.svm import LinearSVC

from imgfeat.features import (
    HOG,
    LBP,
    VLAD,
    BagOfVisualWords,
    CNNEmbedding,
    ColorHistogram,
    DenseSIFT,
    FisherVector,
    PatchDictionary,
)
from imgfeat.preprocess import Grayscale, Resize
from imgfeat.sources import ImageReader


@dataclass(frozen=True)
class Recipe:
    """How one named pipeline is made.

    ``features(size, n_jobs, random_state)`` gives the steps that see no labels, and
    ``learner(random_state)`` those behind them, the classifier last. `grid` holds
    parameters of the learner. `summary` says in a line what it is.
    """

    summary: str
    features: Callable
    learner: Callable
    grid: dict


def make_recipe(
    name, *, size=128, search=False, cv=3, n_jobs=None, random_state=0, verbose=0
):
    """Make a ready pipeline from images to labels, by name.

    Parameters
    ----------
    name : str
        One of `list_recipes`.
    size : int or tuple of (height, width), default=128
        Pixels to which images are resized for the classical features; at most half of
        it for ``patches-svm``. Nets bring the size of their weights and do not use it.
    search : bool, default=False
        Let the last step choose its parameters by `GridSearchCV` over the recipe's
        grid. What is in front of it, which sees no labels, is fitted once a fit.
    cv : int or splitter, default=3
        Folds of that search; an int is stratified and shuffled by `random_state`.
    n_jobs : int, default=None
        Threads that read images and compute features. The search itself stays in one
        process, so that a net is in memory once.
    random_state : int, RandomState instance or None, default=0
        Seeds the classifier and the folds of the search.
    verbose : int, default=0
        Passed to the search.

    Returns
    -------
    Pipeline
        Not fitted. The last step is named ``classifier``, or ``search``, and has
        ``predict_proba``.

    Raises
    ------
    ValueError
        If there is no such recipe; close names are offered.

    See Also
    --------
    list_recipes : What there is.
    imgfeat.compare : Several recipes on the same folds.

    Notes
    -----
    Linear SVMs have no probabilities of their own; Platt's sigmoid, fitted on held-out
    folds of the training part, gives them [1]_.

    References
    ----------
    .. [1] J. Platt, "Probabilistic outputs for support vector machines", Advances in
       Large Margin Classifiers, 1999.

    Examples
    --------
    >>> from imgfeat import load_sample, make_recipe
    >>> digits = load_sample("digits")
    >>> recipe = make_recipe("hog-lr", size=32).fit(digits.images, digits.target)
    >>> recipe.predict(digits.images[:4])
    array([0, 1, 2, 3])
    """
    if name not in RECIPES:
        close = get_close_matches(str(name), RECIPES, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise ValueError(
            f"There is no recipe {name!r}; {hint}Recipes are {', '.join(RECIPES)}."
        )
    recipe = RECIPES[name]
    size = (size, size) if isinstance(size, Integral) else tuple(size)
    features = recipe.features(size, n_jobs, random_state)
    learner = recipe.learner(random_state)
    if not search:
        return Pipeline([*features, *learner])
    if isinstance(cv, Integral):
        cv = StratifiedKFold(cv, shuffle=True, random_state=random_state)
    search = GridSearchCV(Pipeline(learner), dict(recipe.grid), cv=cv, verbose=verbose)
    return Pipeline([*features, ("search", search)])


def without_search(pipeline):
    """A fitted pipeline with the winner of its search in the search's place."""
    name, last = pipeline.steps[-1]
    if not isinstance(last, GridSearchCV):
        return pipeline
    best = last.best_estimator_
    rest = best.steps if isinstance(best, Pipeline) else [(name, best)]
    return Pipeline([*pipeline.steps[:-1], *rest])


def list_recipes():
    """List the named pipelines.

    Returns
    -------
    DataFrame with columns ``recipe``, ``summary`` and ``grid``

    Examples
    --------
    >>> from imgfeat import list_recipes
    >>> list_recipes().set_index("recipe").loc["fisher-svm", "summary"]
    'dense SIFT, Fisher vectors and a linear SVM'
    """
    return pd.DataFrame(
        {
            "recipe": list(RECIPES),
            "summary": [recipe.summary for recipe in RECIPES.values()],
            "grid": [recipe.grid for recipe in RECIPES.values()],
        }
    )


def _hog(size, n_jobs, random_state):
    return [
        ("reader", ImageReader(size, mode="gray", n_jobs=n_jobs)),
        ("hog", HOG(n_jobs=n_jobs)),
    ]


def _cnn(size, n_jobs, random_state):
    return [("cnn", CNNEmbedding(n_jobs=n_jobs))]


def _lbp(size, n_jobs, random_state):
    lbp = LBP((8, 16), (1, 2), grid=(3, 3), n_jobs=n_jobs)
    return [("reader", ImageReader(size, mode="gray", n_jobs=n_jobs)), ("lbp", lbp)]


def _patches(size, n_jobs, random_state):
    # Every pixel is compared with every atom: half the resolution, a quarter the time.
    half = tuple(max(16, side // 2) for side in size)
    patches = PatchDictionary(
        400, mirror=True, n_jobs=n_jobs, random_state=random_state
    )
    return [("reader", ImageReader(half, n_jobs=n_jobs)), ("patches", patches)]


def _words(vocabulary):
    """Steps up to a vocabulary of dense SIFT descriptors at two scales."""

    def features(size, n_jobs, random_state):
        learned = clone(vocabulary).set_params(random_state=random_state, n_jobs=n_jobs)
        sift = DenseSIFT(step=6, bin_size=(4, 6), n_jobs=n_jobs)
        return [
            ("reader", ImageReader(size, mode="gray", n_jobs=n_jobs)),
            ("sift", sift),
            ("vocabulary", learned),
        ]

    return features


def _hybrid(size, n_jobs, random_state):
    # One decode for all branches, at the net's resolution. Rows of unit length keep
    # the many gradients from drowning the few embeddings.
    gray = (Resize(size), Grayscale())
    branches = {
        "hog": (*gray, HOG(n_jobs=n_jobs)),
        "lbp": (*gray, LBP((8, 16), (1, 2), grid=(3, 3), n_jobs=n_jobs)),
        "color": (ColorHistogram(4, grid=(2, 2), n_jobs=n_jobs),),
        "cnn": (CNNEmbedding(n_jobs=n_jobs),),
    }
    union = FeatureUnion(
        [
            (name, make_pipeline(*steps, Normalizer()))
            for name, steps in branches.items()
        ],
        transformer_weights={"color": 0.5, "lbp": 0.5},
    )
    return [("reader", ImageReader((256, 256), n_jobs=n_jobs)), ("features", union)]


def _logistic(random_state):
    classifier = LogisticRegression(C=0.01, max_iter=1000, random_state=random_state)
    return [("scaler", StandardScaler()), ("classifier", classifier)]


def _logistic_of_unit_rows(random_state):
    classifier = LogisticRegression(C=10.0, max_iter=1000, random_state=random_state)
    return [("classifier", classifier)]


def _svm(random_state):
    svm = LinearSVC(C=0.001, random_state=random_state)
    classifier = CalibratedClassifierCV(svm, cv=3, ensemble=False)
    return [("scaler", StandardScaler()), ("classifier", classifier)]


def _svm_of_unit_rows(random_state):
    svm = LinearSVC(C=1.0, random_state=random_state)
    classifier = CalibratedClassifierCV(svm, cv=3, ensemble=False)
    return [("classifier", classifier)]


LOGISTIC_GRID = {"classifier__C": [1e-3, 1e-2, 1e-1]}
SVM_GRID = {"classifier__estimator__C": [1e-4, 1e-3, 1e-2]}
UNIT_ROWS_SVM_GRID = {"classifier__estimator__C": [0.1, 1.0, 10.0]}

RECIPES = {
    "hog-svm": Recipe("gradients (HOG) and a linear SVM", _hog, _svm, SVM_GRID),
    "hog-lr": Recipe(
        "gradients (HOG) and logistic regression", _hog, _logistic, LOGISTIC_GRID
    ),
    "lbp-svm": Recipe("local binary patterns and a linear SVM", _lbp, _svm, SVM_GRID),
    "bovw-svm": Recipe(
        "dense SIFT, a bag of visual words and a linear SVM",
        _words(BagOfVisualWords(256, spatial_pyramid=(1, 2))),
        _svm_of_unit_rows,
        UNIT_ROWS_SVM_GRID,
    ),
    "vlad-svm": Recipe(
        "dense SIFT, VLAD and a linear SVM",
        _words(VLAD(32, n_components_pca=64)),
        _svm_of_unit_rows,
        UNIT_ROWS_SVM_GRID,
    ),
    "fisher-svm": Recipe(
        "dense SIFT, Fisher vectors and a linear SVM",
        _words(FisherVector(32, n_components_pca=64)),
        _svm_of_unit_rows,
        UNIT_ROWS_SVM_GRID,
    ),
    "patches-svm": Recipe(
        "a learned dictionary of patches and a linear SVM", _patches, _svm, SVM_GRID
    ),
    "cnn-lr": Recipe(
        "embeddings of a pretrained net and logistic regression",
        _cnn,
        _logistic,
        LOGISTIC_GRID,
    ),
    "cnn-svm": Recipe(
        "embeddings of a pretrained net and a linear SVM", _cnn, _svm, SVM_GRID
    ),
    "hybrid-lr": Recipe(
        "gradients, textures, colours and embeddings, and logistic regression",
        _hybrid,
        _logistic_of_unit_rows,
        {"classifier__C": [1.0, 10.0, 100.0]},
    ),
}

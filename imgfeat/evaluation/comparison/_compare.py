"""Compare classifiers of images on the same folds."""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.metrics import (
    check_scoring,
    f1_score,
    get_scorer,
    make_scorer,
    precision_score,
    recall_score,
)
from sklearn.model_selection import BaseCrossValidator, StratifiedKFold, check_cv
from sklearn.pipeline import Pipeline

from imgfeat._interrupts import noticing_interrupts
from imgfeat._progress import progress
from imgfeat._sklearn import BaseSearchCV, safe_indexing
from imgfeat._stateless import split_stateless, transform_in_chunks
from imgfeat._typing import ArrayLike, ImageBatch, RandomState
from imgfeat.estimators import make_recipe
from imgfeat.sources._images import refuse_one_image

SCORING = ("accuracy", "precision_macro", "recall_macro", "f1_macro")
# scikit-learn's scorers of these names warn about a class that is never predicted.
QUIET_SCORERS = {
    f"{name}_macro": make_scorer(metric, average="macro", zero_division=0)
    for name, metric in {
        "precision": precision_score,
        "recall": recall_score,
        "f1": f1_score,
    }.items()
}


def compare(
    candidates: Mapping[str, BaseEstimator] | Sequence[str] | str,
    X: ImageBatch,
    y: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    cv: int | BaseCrossValidator | Iterable[Any] = 5,
    scoring: Sequence[str] = SCORING,
    batch_size: int = 256,
    random_state: RandomState = 0,
    verbose: int = 0,
) -> pd.DataFrame:
    """Cross-validate every candidate on identical folds.

    Parameters
    ----------
    candidates : dict of {str: classifier} or list of str
        Pipelines, searches such as `GridSearchCV`, or any classifier that takes X; or
        names of recipes, which are searched over their own grids inside each fold.
    X : images
        Paths, arrays ... whatever the candidates take.
    y : array-like of shape (n_samples,)
        Labels, of at least two classes.
    groups : array-like of shape (n_samples,), default=None
        For splitters that keep groups together, such as `GroupKFold`.
    cv : int, splitter or iterable, default=5
        Folds, drawn once for all candidates. An int is stratified and shuffled by
        `random_state`.
    scoring : sequence of str, default=accuracy and macro precision, recall and F1
        Names of scikit-learn scorers. The first orders the table. A class that is never
        predicted has precision 0.
    batch_size : int, default=256
        Images that are decoded and described at a time.
    random_state : int, RandomState instance or None, default=0
        Shuffles the folds, and seeds recipes given by name.
    verbose : int, default=0
        Show a progress bar.

    Returns
    -------
    DataFrame
        A row a candidate, best first, with columns named as in ``cv_results_``:
        ``mean_test_accuracy``, ``std_test_accuracy`` ..., ``mean_fit_time`` (seconds a
        fold, features included) and ``predict_images_per_s``.

    Raises
    ------
    ValueError
        If there is no candidate, one class only, or a class with fewer images than
        folds.

    Notes
    -----
    Steps that learn nothing (readers, HOG, embeddings) give the same features in every
    fold, so they run once for all images; steps that learn are fitted on the training
    part of each fold only. The times count each fold's share of the features, as if
    they had been computed for it alone. A step whose parameters are searched, and
    all behind it, run as scikit-learn runs them.

    Examples
    --------
    >>> from imgfeat import compare, load_sample, make_recipe
    >>> digits = load_sample("digits")
    >>> X, y = digits.images[:300], digits.target[:300]
    >>> table = compare({"hog-lr": make_recipe("hog-lr", size=32)}, X, y, cv=3)
    >>> bool(table.loc["hog-lr", "mean_test_accuracy"] > 0.9)
    True
    """
    refuse_one_image(X, "compare")
    y = np.asarray(y)
    named = _named_candidates(candidates, random_state)
    splitter = _make_splitter(cv, y, random_state)
    _check_target(y, splitter, len(X))
    folds = list(splitter.split(np.zeros(len(y)), y, groups))
    scorers = {name: QUIET_SCORERS.get(name) or get_scorer(name) for name in scoring}
    rows = {}
    with progress("compare", len(named) * (len(folds) + 1), verbose) as advance:
        for name, candidate in named.items():

            def step(text, name=name):
                advance(1, description=f"{name}: {text}")

            rows[name] = _cross_validate(
                candidate, X, y, folds, scorers, batch_size, step
            )
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("candidate")
    return table.sort_values(f"mean_test_{scoring[0]}", ascending=False, kind="stable")


def _named_candidates(candidates, random_state):
    if isinstance(candidates, str):
        candidates = [candidates]
    if not isinstance(candidates, Mapping):
        candidates = {
            name: make_recipe(name, search=True, random_state=random_state)
            for name in candidates
        }
    if not candidates:
        raise ValueError(
            "compare needs at least one candidate. Got none; pass names of recipes, "
            "or a dict of {name: classifier}."
        )
    for name, candidate in candidates.items():
        if not is_classifier(candidate):
            raise TypeError(
                f"compare needs classifiers. Candidate {name!r} is "
                f"{type(candidate).__name__}; end its pipeline in a classifier."
            )
    return candidates


def _make_splitter(cv, y, random_state):
    if isinstance(cv, int):
        return StratifiedKFold(cv, shuffle=True, random_state=random_state)
    return check_cv(cv, y, classifier=True)


def _check_target(y, splitter, n_images):
    if y.ndim != 1 or len(y) != n_images:
        raise ValueError(
            f"compare needs one label an image. Got {n_images} images and labels of "
            f"shape {y.shape}."
        )
    classes, counts = np.unique(y, return_counts=True)
    if len(classes) < 2:
        raise ValueError(
            f"compare needs at least two classes. Got one, {classes.tolist()[0]!r}; "
            "there is nothing to tell apart."
        )
    # Only a splitter with a stated number of folds promises each class to each fold.
    n_folds = getattr(splitter, "n_splits", None)
    if isinstance(splitter, BaseCrossValidator) and n_folds and counts.min() < n_folds:
        rare = classes.tolist()[counts.argmin()]
        raise ValueError(
            f"{n_folds} folds need at least {n_folds} images of every class. Got "
            f"{counts.min()} of class {rare!r}; add images, leave the class out, or "
            "use fewer folds."
        )


def _cross_validate(candidate, X, y, folds, scoring, batch_size, step):
    """One row of the table; ``step(text)`` is called before each piece of work."""
    step("features")
    front, rest = _split(candidate)
    # One image first: compiling a kernel or exporting a net is done once a computer,
    # and belongs to no fold.
    transform_in_chunks(front, safe_indexing(X, [0]))
    start = time.perf_counter()
    features = transform_in_chunks(front, X, batch_size=batch_size)
    features_s = (time.perf_counter() - start) / len(y)  # an image

    results = []
    for number, (train, test) in enumerate(folds, start=1):
        step(f"fold {number} of {len(folds)}")
        model = clone(rest)
        start = time.perf_counter()
        with noticing_interrupts() as interrupts:
            model.fit(safe_indexing(features, train), y[train])
        interrupts.raise_again()  # some nets catch Ctrl-C, and would be scored
        fit_s = time.perf_counter() - start
        held_out = safe_indexing(features, test)
        start = time.perf_counter()
        model.predict(held_out)
        predict_s = time.perf_counter() - start
        result = check_scoring(model, scoring=scoring)(model, held_out, y[test])
        result["fit_time"] = fit_s + features_s * len(train)
        result["predict_time"] = (predict_s + features_s * len(test)) / len(test)
        results.append(result)
    results = pd.DataFrame(results)

    row = {}
    for name in scoring:
        row[f"mean_test_{name}"] = results[name].mean()
        row[f"std_test_{name}"] = results[name].std(ddof=0)
    row["mean_fit_time"] = results["fit_time"].mean()
    row["predict_images_per_s"] = 1 / results["predict_time"].median()
    return row


def _split(candidate):
    """`candidate` as (what learns nothing, or None; what learns)."""
    if isinstance(candidate, Pipeline):
        return split_stateless(candidate)
    is_search = isinstance(candidate, BaseSearchCV)
    if is_search and isinstance(candidate.estimator, Pipeline):
        front, rest = split_stateless(candidate.estimator, _searched(candidate))
        return front, clone(candidate).set_params(estimator=rest)
    return None, candidate


def _searched(search):
    """Names of the parameters that a search tries."""
    params = search.get_params(deep=False)
    grids = params.get("param_grid", params.get("param_distributions"))
    if grids is None:  # a search of a kind unknown here may try anything
        return [name for name, _ in search.estimator.steps]
    grids = [grids] if isinstance(grids, Mapping) else grids
    return {name for grid in grids for name in grid}

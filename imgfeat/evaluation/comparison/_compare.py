"""Compare classifiers of images on the same folds."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils.multiclass import type_of_target

from imgfeat._clear_labels import check_groups
from imgfeat._interrupts import noticing_interrupts
from imgfeat._sklearn import check_sample_weight
from imgfeat._target import Target
from imgfeat._typing import ArrayLike, ImageBatch, PathLike, RandomState
from imgfeat.evaluation.comparison._candidates import find_candidates
from imgfeat.evaluation.comparison._compared import best_of, compared
from imgfeat.evaluation.comparison._comparison import (
    Comparison,
    ComparisonInterrupted,
)
from imgfeat.evaluation.comparison._folds import draw_folds, warn_of_repeats
from imgfeat.evaluation.comparison._fronts import Fronts
from imgfeat.evaluation.comparison._kept_folds import KeptFolds
from imgfeat.evaluation.comparison._learning_curve import find_learning_curve
from imgfeat.evaluation.comparison._metadata import (
    refuse_unwanted_weights,
    request_weights,
)
from imgfeat.evaluation.comparison._race import Race
from imgfeat.evaluation.comparison._rungs import run_rungs
from imgfeat.evaluation.comparison._scoring import find_scorers, usual_scoring
from imgfeat.sources._images import refuse_one_image

_UNITS = {None: 1, "s": 1, "min": 60, "h": 3600}


def compare(
    candidates: Mapping[str, BaseEstimator] | Sequence[str] | str,
    X: ImageBatch,
    y: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    cv: int | BaseCrossValidator | Iterable[Any] = 5,
    scoring: Sequence[str] | str | None = None,
    time_budget: float | str | None = None,
    cache: PathLike | bool = True,
    keep: PathLike | None = None,
    resume: bool = True,
    learning_curve: bool = False,
    batch_size: int = 256,
    random_state: RandomState = 0,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> Comparison:
    """Cross-validate every candidate on identical folds.

    Parameters
    ----------
    candidates : dict of {str: classifier} or list of str
        Pipelines, searches such as `GridSearchCV`, or any classifier that takes X; or
        names of recipes, which are searched over their own grids inside each fold.
    X : images
        Paths, arrays ... whatever the candidates take.
    y : array-like of shape (n_samples,), or (n_samples, n_classes)
        Labels, of at least two classes; or several an image: a matrix or table of 0
        and 1, or a list of names for each image.
    groups : array-like of shape (n_samples,), default=None
        Images that share one, such as photos of one scene, are never parted by a fold;
        nor by the searches of candidates that request groups, as recipes do.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the images, for the fits of recipes and of candidates that request
        them. Scores are not weighted.
    cv : int, splitter or iterable, default=5
        Folds, drawn once for all candidates. An int is stratified and shuffled by
        `random_state`, with `groups` too; of several labels as by `PlannedFolds`.
    scoring : str or sequence of str, optional
        Names of scikit-learn scorers. The first orders the table and decides. By
        default accuracy, and macro precision, recall and F1; of several labels an
        image macro and micro F1, average precision, and accuracy, which is the share
        of images with all labels right. A class that is never predicted has precision
        0.
    time_budget : float or str, optional
        Seconds, or text such as ``"5min"``, after which no fold begins, but for the
        very first. Candidates run on a part of the images then, the better half of
        them on more, and who is left on all; the others follow, best first, if there
        is time. See Notes.
    cache : path or bool, default=True
        Folder of the feature store, as the `location` of `CachedFeatures`; True is the
        default one. With False nothing is read or kept there.
    keep : path, optional
        Folder for what came of each candidate on each fold, at once.
    resume : bool, default=True
        Take from `keep` what is there of the same candidate, images, labels and folds.
    learning_curve : bool, default=False
        Fit the best candidate on parts of the images as well, to tell what more of them
        would bring; see `Comparison.learning_curve`.
    batch_size : int, default=256
        Images that are decoded and described at a time.
    random_state : int, RandomState instance or None, default=0
        Shuffles the folds, and seeds recipes given by name.
    n_jobs : int, optional
        Processes that take candidates and folds, in any backend of joblib.
    verbose : int, default=0
        Show a progress bar, and a line for each candidate that is over.

    Returns
    -------
    Comparison
        Its ``table`` has a row a candidate, best first; its ``verdict`` says which one
        to take.

    Raises
    ------
    ValueError
        If there is no candidate, one class only, a class with fewer images than
        folds, too few groups, no such scorer, or every candidate fails; if a training
        part has no image with a label, or without it. One that fails
        alone has NaN, and its reason in ``errors``; the others go on.
    ComparisonInterrupted
        At Ctrl-C, a KeyboardInterrupt that holds the comparison so far.

    Notes
    -----
    Steps that learn nothing (readers, HOG, embeddings) give the same features in every
    fold, so they run once for all images and all candidates that begin with the same
    ones, and are kept for later runs; steps that learn are fitted on the training part
    of each fold only. The times count each fold's share of the features, as if
    they had been computed for it alone; what an image takes is measured once a computer
    and kept with the features, until `clear_cache` removes it. A step whose
    parameters are searched, and all behind it, run as scikit-learn runs them.

    Groups and weights go where scikit-learn's metadata routing sends them: to what
    requests them, by ``set_fit_request`` or by default, in pipelines and searches too.

    A budget is spent by successive halving [1]_. All candidates run on a half, a
    quarter or less of the images, of 100 at least, with each class in its share and
    groups whole; the better half of them runs on twice as many, and so on. When the
    time that a part took tells that it is enough for all images, nobody is dropped any
    more. On all images the folds are run one by one, by the better half of those of the
    one before; if time is left at the end, the others follow, best first. The column
    ``n_images`` says on how many images a score is: those of the most come first, and
    the verdict is among them.

    Warns of image files that come twice and straddle folds.

    References
    ----------
    .. [1] K. Jamieson and A. Talwalkar, "Non-stochastic best arm identification and
       hyperparameter optimization", AISTATS 2016, https://arxiv.org/abs/1502.07943.
       Here rungs differ in images, and nobody is dropped while there is time.

    Examples
    --------
    >>> from imgfeat import compare, load_sample, make_recipe
    >>> digits = load_sample("digits")
    >>> X, y = digits.images[:300], digits.target[:300]
    >>> found = compare({"hog-lr": make_recipe("hog-lr", size=32)}, X, y, cv=3)
    >>> bool(found.table.loc["hog-lr", "mean_test_accuracy"] > 0.9)
    True
    """
    refuse_one_image(X, "compare")
    target = Target.of(y, "compare")
    y = target.values
    _check_target(target, len(X))
    metadata = {
        "groups": check_groups(groups, len(y), "compare"),
        "sample_weight": _weights(sample_weight, len(y)),
    }
    found = find_candidates(candidates, random_state)
    if sample_weight is not None and not isinstance(candidates, Mapping):
        for candidate in found:
            request_weights(candidate.rest)
    refuse_unwanted_weights(metadata, [candidate.rest for candidate in found])
    scorers = find_scorers(usual_scoring(y) if scoring is None else scoring, y)
    folds = draw_folds(cv, target, metadata["groups"], random_state)
    warn_of_repeats(X, folds)
    race = Race(
        found,
        y,
        folds,
        scorers,
        Fronts(
            X,
            batch_size=batch_size,
            location=cache,
            shared=[candidate.front for candidate in found],
            verbose=verbose,
        ),
        KeptFolds(keep, X, y, scorers, metadata),
        metadata=metadata,
        time_budget_s=None if time_budget is None else in_seconds(time_budget),
        n_jobs=n_jobs,
        resume=resume,
        verbose=verbose,
    )
    try:
        if time_budget is None:
            race.run()
        else:
            run_rungs(race)
        comparison = compared(race, target)
        _check_any_scored(comparison)
        if learning_curve:
            with noticing_interrupts() as interrupts:
                best = best_of(race, comparison)
                curve = find_learning_curve(race, best)
            interrupts.raise_again()
            comparison = replace(comparison, curve=curve)
    except KeyboardInterrupt as interrupt:
        found = compared(race, target)
        raise ComparisonInterrupted(found, str(interrupt)) from interrupt
    return comparison


def in_seconds(budget):
    """A time as a number of seconds: ``"5min"``, ``"90 s"``, ``"1.5h"`` or a number.

    Raises
    ------
    ValueError
        If it is none of these, or not positive.
    """
    given = re.fullmatch(r"\s*([\d.]+(?:e-?\d+)?)\s*(s|min|h)?\s*", str(budget))
    try:
        seconds = float(given[1]) * _UNITS[given[2]]
    except (TypeError, ValueError):
        seconds = 0.0
    if seconds <= 0:
        raise ValueError(
            "time_budget needs a positive number of seconds, or text such as '90s', "
            f"'5min' or '1h'. Got {budget!r}."
        )
    return seconds


def _check_target(target, n_images):
    shape = target.values.shape
    if len(target) != n_images or shape[1:] == (1,) or len(shape) > 2:
        raise ValueError(
            "compare needs one label an image, or a row of several. Got "
            f"{n_images} images and labels of shape {shape}."
        )
    if target.is_several:
        target.check_sides("compare")
        return
    classes = target.classes.tolist()
    if len(classes) < 2:
        what = f"one, {classes[0]!r}" if classes else "no image"
        raise ValueError(
            f"compare needs at least two classes. Got {what}; there is nothing to tell "
            "apart."
        )
    kind = type_of_target(target.values)
    if kind not in ("binary", "multiclass"):
        raise ValueError(
            "compare needs labels that are text or whole numbers, as arrays of these. "
            f"Got {classes[0]!r}, which scikit-learn takes for {kind}; write them as "
            "text, as np.asarray(y, dtype=str) does."
        )


def _weights(sample_weight, n_images):
    """An array of one an image, or None."""
    if sample_weight is None:
        return None
    if np.shape(sample_weight) != (n_images,):
        raise ValueError(
            "compare needs sample_weight of one value an image. Got shape "
            f"{np.shape(sample_weight)} for {n_images} images."
        )
    return check_sample_weight(
        sample_weight,
        np.empty((n_images, 1)),
        dtype=np.float64,
        ensure_non_negative=True,
    )


def _check_any_scored(comparison):
    if comparison.verdict is None:
        first = comparison.errors.iloc[0]
        raise ValueError(
            f"No candidate could be scored. {first['candidate']} failed on its first "
            f"fold: {first['reason']}"
        )

"""The main job: images and labels -> comparison, report and saved model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import BaseCrossValidator, train_test_split

from imgfeat._progress import track
from imgfeat._typing import ArrayLike, PathLike, RandomState
from imgfeat.deploy import save
from imgfeat.estimators import list_recipes, make_recipe
from imgfeat.estimators._recipes import without_search
from imgfeat.evaluation import compare, evaluate
from imgfeat.evaluation.report._html import write_report
from imgfeat.studies._train_recipe import check_enough

HELD_OUT = 0.2  # share of the images that no choice sees


@dataclass(frozen=True)
class Study:
    """What `run_study` found, and where it lies."""

    table: pd.DataFrame
    evaluations: Mapping
    best: str
    report: Path
    model: Path


def run_study(
    images: np.ndarray,
    labels: ArrayLike,
    *,
    out: PathLike,
    recipes: Sequence[str],
    held_out: np.ndarray | None = None,
    groups: ArrayLike | None = None,
    cv: int | BaseCrossValidator | None = None,
    size: int = 128,
    n_jobs: int | None = None,
    random_state: RandomState = 0,
    title: str = "imgfeat report",
    verbose: int = 0,
) -> Study:
    """Compare recipes, evaluate each on held-out images, save the best and a report.

    Parameters
    ----------
    images : ndarray of paths, or of arrays
    labels : array-like of str of shape (n_images,)
    out : str or Path
        Folder for ``report.html`` and ``model.imgfeat``; made if missing.
    recipes : list of str
    held_out : ndarray of bool of shape (n_images,), optional
        The images that are kept for the end. A stratified fifth if not given.
    groups : array-like of shape (n_images,), optional
        For a `cv` that keeps groups together.
    cv : int or splitter, optional
        5, or less if a class has fewer images.
    size : int
        Pixels, for the hand-made features.
    n_jobs : int, optional
        Threads.
    title : str
    verbose : int

    Returns
    -------
    Study
    """
    labels = np.asarray(labels)
    check_enough(labels)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    if held_out is None:
        held_out = _draw_held_out(labels, random_state)
    train, test = np.flatnonzero(~held_out), np.flatnonzero(held_out)
    # A fold takes one, the search in it another, the probabilities of an SVM the next.
    check_enough(labels[train], 4, "Training")
    if cv is None:
        cv = min(5, int(np.unique(labels[train], return_counts=True)[1].min()))
    candidates = {
        name: make_recipe(
            name, size=size, search=True, n_jobs=n_jobs, random_state=random_state
        )
        for name in recipes
    }
    table = compare(
        candidates,
        images[train],
        labels[train],
        groups=None if groups is None else np.asarray(groups)[train],
        cv=cv,
        random_state=random_state,
        verbose=verbose,
    )
    # Chosen before the held-out images are looked at.
    best = table.index[0]
    evaluations = {}
    for name in track(list(table.index), "fit on the training part", verbose):
        model = without_search(candidates[name].fit(images[train], labels[train]))
        evaluations[name] = evaluate(model, images[test], labels[test])
        if name == best:
            save(model, out / "model.imgfeat")
    write_report(
        out / "report.html",
        title=title,
        about=_about(labels, train, test, cv),
        table=table,
        evaluations=evaluations,
        images=images[test],
    )
    return Study(table, evaluations, best, out / "report.html", out / "model.imgfeat")


def quick_recipes() -> list[str]:
    """Names of the recipes that train no net, which are quick without a GPU."""
    table = list_recipes()
    return list(table.loc[~table["trains_net"], "recipe"])


def _draw_held_out(labels, random_state):
    rows = np.arange(len(labels))
    n_classes = len(np.unique(labels))
    # At least one image of every class on either side.
    n_test = max(n_classes, round(HELD_OUT * len(labels)))
    _, test = train_test_split(
        rows, test_size=n_test, stratify=labels, random_state=random_state
    )
    return np.isin(rows, test)


def _about(labels, train, test, cv):
    classes = np.unique(labels)
    folds = cv if isinstance(cv, int) else f"{cv.n_splits} ({type(cv).__name__})"
    shown = ", ".join(map(str, classes[:12])) + (" ..." if len(classes) > 12 else "")
    return {
        "Images": f"{len(labels):,}: {len(train):,} to train, {len(test):,} held out",
        "Classes": f"{len(classes)}: {shown}",
        "Folds": f"{folds}, on the training part",
    }

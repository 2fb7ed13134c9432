"""The main job: images and labels -> comparison, report and saved model."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import BaseCrossValidator, train_test_split

from imgfeat._progress import track
from imgfeat._typing import ArrayLike, PathLike, RandomState
from imgfeat.deploy import check_target, save
from imgfeat.estimators import list_recipes, make_recipe
from imgfeat.estimators._recipes import without_search
from imgfeat.evaluation import Comparison, compare, evaluate
from imgfeat.evaluation.audit._straddlers import note_straddlers
from imgfeat.evaluation.comparison._fronts import out_of_store, through_store
from imgfeat.evaluation.report._html import write_report
from imgfeat.studies._train_recipe import check_enough

_MODEL = "model.imgfeat"
HELD_OUT = 0.2  # share of the images that no choice sees
_QUICK = ("cnn-ridge", "cnn-lr", "hog-svm")
# Those behind one another share their features.
_CHEAPEST = [*_QUICK[:2], "cnn-svm", "hog-svm", "hog-lr", "lbp-svm"]


@dataclass(frozen=True)
class Study:
    """What `run_study` found, and where it lies."""

    comparison: Comparison
    evaluations: Mapping
    report: Path
    model: Path
    refitted: bool

    @property
    def table(self) -> pd.DataFrame:
        """Scores on the folds, a row a recipe, best first."""
        return self.comparison.table

    @property
    def best(self) -> str:
        """The recipe that was saved."""
        return self.comparison.best


def run_study(
    images: np.ndarray,
    labels: ArrayLike,
    *,
    out: PathLike,
    recipes: Sequence[str],
    held_out: np.ndarray | None = None,
    groups: ArrayLike | None = None,
    cv: int | BaseCrossValidator | None = None,
    time_budget: float | str | None = None,
    resume: bool = False,
    refit: bool = True,
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
    time_budget : float or str, optional
        As for `compare`. Only recipes that ran on all folds are fitted and reported.
    resume : bool
        Go on with what an earlier study of the same data left in `out`.
    refit : bool
        Save the best recipe fitted on all images, once the held-out ones have scored
        it; otherwise as it was scored.
    size : int
        Pixels, for the hand-made features.
    n_jobs : int, optional
        Threads.
    title : str
    verbose : int

    Returns
    -------
    Study

    Raises
    ------
    ComparisonInterrupted
        At Ctrl-C, with what there is; `resume` goes on.
    """
    labels = np.asarray(labels)
    check_enough(labels)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    check_target(out / _MODEL)
    if held_out is None:
        held_out = _draw_held_out(labels, random_state)
    note = note_straddlers(images, held_out, groups, n_jobs=n_jobs)
    if note is not None:
        warnings.warn(note, stacklevel=2)
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
    found = compare(
        candidates,
        images[train],
        labels[train],
        groups=None if groups is None else np.asarray(groups)[train],
        cv=cv,
        time_budget=time_budget,
        keep=out / "folds",
        resume=resume,
        random_state=random_state,
        verbose=verbose,
    )
    # Chosen before the held-out images are looked at.
    best = found.best
    n_folds = found.table["n_folds"]
    finished = list(n_folds.index[n_folds == n_folds.max()])
    evaluations = {}
    for name in track(finished, "fit on the training part", verbose):
        model = through_store(candidates[name]).fit(images[train], labels[train])
        evaluations[name] = evaluate(model, images[test], labels[test])
        if name == best:
            if refit:  # scored already; what it learns now can only help
                model = through_store(candidates[name]).fit(images, labels)
            save(without_search(out_of_store(model)), out / _MODEL)
    write_report(
        out / "report.html",
        title=title,
        about=_about(labels, train, test, cv, found, refit),
        table=found.table.loc[finished],
        evaluations=evaluations,
        images=images[test],
    )
    return Study(found, evaluations, out / "report.html", out / _MODEL, refit)


def quick_recipes(effort: str = "default") -> list[str]:
    """Names of recipes for a study, the cheapest first.

    Parameters
    ----------
    effort : {"quick", "default", "thorough"}
        Three that are often enough; all that train no net, which are quick without a
        GPU; those as well.
    """
    if effort == "quick":
        return list(_QUICK)
    table = list_recipes()
    names = list(table["recipe"][~table["trains_net"]])
    if effort == "thorough":
        names = list(table["recipe"])
    return sorted(names, key=lambda n: _CHEAPEST.index(n) if n in _CHEAPEST else 99)


def _draw_held_out(labels, random_state):
    rows = np.arange(len(labels))
    n_classes = len(np.unique(labels))
    # At least one image of every class on either side.
    n_test = max(n_classes, round(HELD_OUT * len(labels)))
    _, test = train_test_split(
        rows, test_size=n_test, stratify=labels, random_state=random_state
    )
    return np.isin(rows, test)


def _about(labels, train, test, cv, found, refit):
    classes = np.unique(labels)
    folds = cv if isinstance(cv, int) else f"{cv.n_splits} ({type(cv).__name__})"
    shown = ", ".join(map(str, classes[:12])) + (" ..." if len(classes) > 12 else "")
    saved = "fitted on all images, held-out ones too" if refit else "as scored here"
    return {
        "Verdict": " ".join(found.notes()),
        "Images": f"{len(labels):,}: {len(train):,} to train, {len(test):,} held out",
        "Classes": f"{len(classes)}: {shown}",
        "Folds": f"{folds}, on the training part",
        "Model": f"{found.best}, {saved}",
    }

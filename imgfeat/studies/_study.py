"""The main job: images and labels -> comparison, report and saved model."""

import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import BaseCrossValidator

from imgfeat._clear_labels import check_groups
from imgfeat._frames import make_series
from imgfeat._progress import track
from imgfeat._target import Target, is_several
from imgfeat._typing import ArrayLike, PathLike, RandomState
from imgfeat.deploy import check_target
from imgfeat.estimators import PlannedFolds, list_recipes, make_recipe
from imgfeat.estimators._recipes import without_search
from imgfeat.estimators._thresholded_labels import refuse_one_label, with_thresholds
from imgfeat.evaluation import (
    Comparison,
    ComparisonInterrupted,
    compare,
    evaluate,
)
from imgfeat.evaluation.audit._straddlers import note_straddlers
from imgfeat.evaluation.comparison._few_images import (
    FOR_FEW,
    have_few,
    note_few_images,
)
from imgfeat.evaluation.comparison._fold_answers import to_score
from imgfeat.evaluation.comparison._fronts import out_of_store, through_store
from imgfeat.evaluation.comparison._metadata import fit_with, take
from imgfeat.evaluation.comparison._scoring import (
    find_scorers,
    usual_scoring,
    with_usual,
)
from imgfeat.evaluation.report._unlike_scores import on_most_images
from imgfeat.studies._draw_held_out import check_enough_groups, draw_held_out
from imgfeat.studies._kept_model import KeptModel
from imgfeat.studies._model_facts import (
    data_facts,
    score_facts,
    thresholds_in_words,
)
from imgfeat.studies._report import (
    looks_at_mistakes,
    write_report,
    write_unfinished,
)
from imgfeat.studies._train_recipe import check_enough

_MODEL, _REPORT, _CURVE = "model.imgfeat", "report.html", "learning_curve.csv"
_QUICK = ("cnn-ridge", "cnn-lr", "hog-svm")
# Those behind one another share their features.
_CHEAPEST = [FOR_FEW, *_QUICK[:2], "cnn-svm", "hog-svm", "hog-lr", "lbp-svm"]


@dataclass(frozen=True)
class Study:
    """What `run_study` found, and where it lies.

    `held_out` has the score of each recipe, by `scoring`, on the held-out images.
    """

    comparison: Comparison
    evaluations: Mapping
    report: Path
    model: Path
    refitted: bool
    held_out: pd.Series
    scoring: str

    @property
    def table(self) -> pd.DataFrame:
        """Scores on the folds, a row a recipe, best first."""
        return self.comparison.table

    @property
    def best(self) -> str:
        """The recipe that was saved, or the vote of several."""
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
    scoring: str | None = None,
    time_budget: float | str | None = None,
    resume: bool = False,
    refit: bool = True,
    learning_curve: bool = False,
    tune_thresholds: bool = False,
    size: int = 128,
    n_jobs: int | None = None,
    random_state: RandomState = 0,
    title: str = "imgfeat report",
    about: Mapping[str, str] | None = None,
    verbose: int = 0,
) -> Study:
    """Compare recipes, evaluate each on held-out images, save the best and a report.

    Parameters
    ----------
    images : ndarray of paths, or of arrays
    labels : array-like of str of shape (n_images,)
        Several labels an image as for `compare`.
    out : str or Path
        Folder for ``report.html`` and ``model.imgfeat``; made if missing.
    recipes : list of str
    held_out : ndarray of bool of shape (n_images,), optional
        The images that are kept for the end. A stratified fifth if not given.
    groups : array-like of shape (n_images,), optional
        Images that share one are held out together, in folds and searches too.
    cv : int or splitter, optional
        5, or less if a class has fewer images, or groups.
    scoring : str, optional
        Name of the scikit-learn scorer that decides; accuracy, or of several labels an
        image macro F1.
    time_budget : float or str, optional
        As for `compare`. Only recipes that ran on all folds, of the most images, are
        fitted and reported.
    resume : bool
        Go on with what an earlier study of the same data left in `out`.
    refit : bool
        Save the best recipe fitted on all images, once the held-out ones have scored
        it; otherwise as it was scored.
    learning_curve : bool
        Tell what more images would bring; also in ``learning_curve.csv`` in `out`.
    tune_thresholds : bool
        Of several labels an image, give each from its threshold of highest F1, chosen
        out of fold: by what is scored on the held-out images, and saved. Scores on the
        folds are those of one half.
    size : int
        Pixels, for the hand-made features.
    n_jobs : int, optional
        Threads.
    title : str
    about : dict of {str: str}, optional
        Facts for the foot of the report, as the command.
    verbose : int

    Returns
    -------
    Study

    Raises
    ------
    ComparisonInterrupted
        At Ctrl-C, with what there is; `resume` goes on.
    StudyInterrupted
        At Ctrl-C after the comparison; the best model is kept if it was fitted by then.
    ValueError
        If images, groups or classes are too few, no scorer is called `scoring`, or
        thresholds are asked for where images have one label each.
    OSError
        If `out` cannot be written to.
    """
    start = time.perf_counter()
    target = Target.of(labels, "run_study")
    check_enough(target)
    if tune_thresholds:
        refuse_one_label(target, "tune_thresholds")
    if scoring is None:
        scoring = usual_scoring(target.values)[0]
    scorer = find_scorers(scoring, target.values)[scoring]
    folder = _make_folder(out)
    metadata = {"groups": check_groups(groups, len(target), "run_study")}
    if held_out is None:
        held_out = draw_held_out(target, groups, random_state)
    note = note_straddlers(images, held_out, groups, n_jobs=n_jobs)
    if note is not None:
        warnings.warn(note, stacklevel=2)
    train, test = np.flatnonzero(~held_out), np.flatnonzero(held_out)
    # A fold takes one, the search in it another, the probabilities of an SVM the next.
    to_train, to_test = target.take(train), target.take(test)
    check_enough(_of_its_own(to_train), 4, "Training")
    of_train = take(metadata, train)
    if cv is None:
        cv = _plan_folds(to_train, of_train["groups"])
    candidates = {
        name: make_recipe(
            name, size=size, search=True, n_jobs=n_jobs, random_state=random_state
        )
        for name in recipes
    }
    try:
        found = compare(
            candidates,
            images[train],
            to_train.to_fit(),
            groups=of_train["groups"],
            cv=cv,
            scoring=with_usual(scoring, target.values),
            time_budget=time_budget,
            keep=folder / "folds",
            resume=resume,
            learning_curve=learning_curve,
            random_state=random_state,
            verbose=verbose,
        )
    except ComparisonInterrupted as interrupt:
        page = folder / _REPORT
        write_unfinished(page, interrupt.comparison, title, about)
        raise
    if learning_curve:
        found.learning_curve.to_csv(folder / _CURVE, index=False)
    # Chosen before the held-out images are looked at.
    best = found.best
    if found.soft_vote is not None and best == found.soft_vote.name:
        candidates[best] = found.soft_vote.classifier
    n_folds = found.table["n_folds"][on_most_images(found.table)]
    finished = [
        name
        for name in n_folds.index[n_folds == n_folds.max()]
        if name in candidates  # a vote only if it is the best
    ]
    finished.sort(key=lambda name: name != best)
    if tune_thresholds:
        for name in finished:
            chosen = found.evaluate(name).thresholds()["threshold"]
            candidates[name] = with_thresholds(candidates[name], chosen.to_dict())
    evaluations, scores, looked_at, of_thresholds = {}, {}, {}, {}
    # The best one is first: its file is tried in a fresh process while the others are
    # evaluated, and is there also if one of them fails, or at Ctrl-C.
    with KeptModel(folder / _MODEL, found) as kept:
        for name in track(finished, "fit on the training part", verbose):
            model = through_store(candidates[name])
            fit_with(model, images[train], to_train.to_fit(), of_train)
            evaluations[name] = evaluate(model, images[test], to_test.to_fit())
            answering = _to_score(model, evaluations[name], to_test)
            score = partial(scorer, answering, images[test], to_test.values)
            scores[name] = _score(evaluations[name], scoring, score)
            plain = without_search(out_of_store(model))
            looked_at[name] = looks_at_mistakes(
                plain, evaluations[name], images, test, n_jobs=n_jobs
            )
            if name == best:
                if refit:  # scored already; what it learns now can only help
                    model = through_store(candidates[name])
                    fit_with(model, images, target.to_fit(), metadata)
                    plain = without_search(out_of_store(model))
                trained_on = target if refit else to_train
                known = {
                    "trained_on": data_facts(trained_on.to_fit()),
                    "held_out": score_facts(evaluations[name]) | {"refitted": refit},
                }
                kept.save(plain, known)
                of_thresholds = _facts_of_thresholds(plain) if tune_thresholds else {}
    seconds = time.perf_counter() - start
    write_report(
        folder / _REPORT,
        found,
        evaluations,
        images,
        train,
        test,
        looked_at=looked_at,
        title=title,
        facts=_facts(target, train, test, cv, found, refit) | of_thresholds,
        about={
            **(about or {}),
            "seed": str(random_state),
            "time taken": f"{seconds / 60:.1f} minutes, up to this report",
        },
    )
    return Study(
        found,
        evaluations,
        folder / _REPORT,
        folder / _MODEL,
        refit,
        make_series(scores),
        scoring,
    )


def quick_recipes(
    effort: str = "default", labels: ArrayLike | None = None
) -> list[str]:
    """Names of recipes for a study, the cheapest first.

    Parameters
    ----------
    effort : {"quick", "default", "thorough"}
        Three that are often enough; all that train no net, which are quick without a
        GPU; those as well.
    labels : array-like of shape (n_images,), optional
        Where most classes have at most six images, ``prototype`` comes in, which is
        made for that; it stays out otherwise, and where images have several labels.
    """
    has_few = labels is not None and not is_several(labels) and have_few(labels)
    few = [FOR_FEW] if has_few else []
    if effort == "quick":
        return few + list(_QUICK)
    table = list_recipes()
    table = table[(table["recipe"] != FOR_FEW) | bool(few)]
    names = list(table["recipe"][~table["trains_net"]])
    if effort == "thorough":
        names = list(table["recipe"])
    return sorted(names, key=lambda n: _CHEAPEST.index(n) if n in _CHEAPEST else 99)


def _make_folder(path):
    """A folder that can be written to, before any work is done for it."""
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise type(error)(
            f"Report and model need a folder that can be written to. Got {folder}: "
            f"{error.strerror}; name another."
        ) from error
    check_target(folder / _MODEL)
    for name in (_REPORT, _CURVE):
        if (folder / name).is_dir():
            raise IsADirectoryError(
                f"A study writes a file {name} to its folder. Got {folder}, where a "
                "folder is called so; rename that, or name another for the study."
            )
    return folder


def _to_score(model, evaluation, target):
    """What a scorer asks: of several labels, what the model has answered already."""
    if not target.is_several:
        return model
    outcome = evaluation._outcome
    decided = outcome.predicted.astype(np.int8)
    return to_score(model, decided, outcome.proba, target.values)


def _score(evaluation, scoring, score):
    """The score on held-out images, or NaN and a warning that says why."""
    if scoring == "accuracy":
        return evaluation.metrics["accuracy"]
    try:
        return score()
    except (ValueError, AttributeError) as error:
        warnings.warn(
            f"{scoring} cannot be had on the held-out images: {error}", stacklevel=3
        )
        return np.nan


def _of_its_own(target):
    """A part of the images with the classes that it has."""
    return target if target.is_several else Target.of(target.values, "run_study")


def _plan_folds(target, groups):
    """How many folds classes and groups allow."""
    if target.is_several:
        return PlannedFolds(5).get_n_splits(y=target.to_fit(), groups=groups)
    labels = target.values
    n_images = int(np.unique(labels, return_counts=True)[1].min())
    if groups is None:
        return min(5, n_images)
    return min(5, n_images, check_enough_groups(labels, groups, 3, "Training"))


def _facts(target, train, test, cv, found, refit):
    classes = target.classes
    folds = cv if isinstance(cv, int) else f"{cv.n_splits} ({type(cv).__name__})"
    shown = ", ".join(map(str, classes[:12])) + (" ..." if len(classes) > 12 else "")
    saved = "fitted on all images, held-out ones too" if refit else "as scored here"
    few = note_few_images(target.take(train).to_fit(), found.table.index, cv)
    return {
        "Images": f"{len(target):,}: {len(train):,} to train, {len(test):,} held out",
        "Classes": f"{len(classes):,}: {shown}",
        "Folds": f"{folds}, on the training part",
        "Model": f"{found.best}, {saved}",
        **({} if few is None else {"Few images": few}),
    }


def _facts_of_thresholds(model):
    return {"Thresholds": f"{thresholds_in_words(model)}; of highest F1 out of fold"}

"""What `compare` gives: scores, a verdict, and how they are shown."""

from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd

from imgfeat._files import write_atomic
from imgfeat._typing import Axes, PathLike
from imgfeat.evaluation.comparison._learning_curve import LearningCurve
from imgfeat.evaluation.comparison._plots import (
    draw_learning_curve,
    draw_pareto,
    draw_scores,
)
from imgfeat.evaluation.comparison._soft_vote import SoftVote, find_soft_vote
from imgfeat.evaluation.comparison._verdict import Verdict, judge


@dataclass(frozen=True, repr=False)
class Comparison:
    """Candidates on the same folds.

    Attributes
    ----------
    table : DataFrame
        A row a candidate, best first, with columns named as in ``cv_results_``:
        ``mean_test_accuracy``, ``std_test_accuracy`` ..., ``mean_fit_time`` (seconds a
        fold, features included), ``predict_images_per_s`` and ``n_folds``, those with
        the first score. NaN where it failed on all folds.
    cv_results_ : DataFrame
        A row a candidate, with the score of each fold: ``split0_test_accuracy`` ...
    verdict : Verdict or None
        Which candidate to take; None if none was scored.
    probabilities : dict of str to ndarray of shape (n_samples, n_classes)
        Of images by models that had not seen them; NaN for those in no fold. Only of
        candidates that have probabilities, and ran on all folds.
    errors : DataFrame with columns ``candidate``, ``fold``, ``reason``
        Folds on which a candidate, or a scorer of it, failed.
    unfinished : list of str
        Candidates that did not run on all folds, for lack of time.
    soft_vote : SoftVote or None
        A vote of the best few that does better than one alone; the tables have a row of
        it, though it is never the best.
    curve : LearningCurve or None
        Of the best candidate, if it was asked for.
    """

    table: pd.DataFrame
    cv_results_: pd.DataFrame
    verdict: Verdict | None
    probabilities: dict
    errors: pd.DataFrame
    unfinished: list
    soft_vote: SoftVote | None = None
    curve: LearningCurve | None = None

    @property
    def best(self) -> str:
        """Name of the candidate to take."""
        if self.verdict is None:
            raise ValueError("No candidate was scored on any fold, so none is best.")
        return self.verdict.best

    @property
    def learning_curve(self) -> pd.DataFrame:
        """Scores of the best candidate by the number of images it learns from.

        Returns
        -------
        DataFrame
            A row a number of images, the mean over the folds: ``n_train``,
            ``mean_test_accuracy`` (or of the first score), ``std_test_accuracy``, and
            each fold's as ``split0_test_accuracy`` ...

        Raises
        ------
        ValueError
            If ``compare`` was not asked for it.
        """
        return self._curve().table

    def plot_learning_curve(self, ax=None) -> Axes:
        """Draw scores against the number of images, and what more would bring.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        Axes
        """
        return draw_learning_curve(self._curve(), ax)

    def _curve(self):
        if self.curve is None:
            raise ValueError(
                "This comparison has no learning curve; ask for one by "
                "compare(..., learning_curve=True)."
            )
        return self.curve

    def plot(self, ax=None) -> Axes:
        """Draw each candidate's scores on the folds, best first.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        Axes
        """
        return draw_scores(self.table, self.cv_results_, ax)

    def plot_pareto(self, ax=None) -> Axes:
        """Draw scores against the time that an image takes.

        A line joins those that none is both better and faster than.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        Axes
        """
        return draw_pareto(self.table, ax)

    def save_html(self, path: PathLike) -> None:
        """Write verdict and table to a page of their own.

        Parameters
        ----------
        path : path
        """
        page = (
            '<!doctype html><html lang="en"><meta charset="utf-8">'
            "<title>Comparison</title>"
            '<body style="font: 16px/1.5 system-ui, sans-serif; margin: 2rem">'
            f"<h1>Comparison</h1>{self._repr_html_()}</body></html>"
        )
        write_atomic(path, page.encode())

    def __str__(self):
        with pd.option_context("display.width", None, "display.max_columns", None):
            return "\n".join([_shown(self.table).to_string(), "", *self.notes()])

    __repr__ = __str__

    def _repr_html_(self):
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes())
        return notes + _shown(self.table).to_html(border=0)

    def notes(self) -> list[str]:
        """The verdict and what went wrong, in sentences."""
        notes = [] if self.verdict is None else [str(self.verdict)]
        if self.soft_vote is not None:
            notes.append(str(self.soft_vote))
        if self.curve is not None:
            notes.append(str(self.curve))
        if self.unfinished:
            names = ", ".join(self.unfinished)
            notes.append(f"There was no time for all folds of {names}.")
            if self.table["n_folds"].sum() == 1:
                notes.append(
                    "The time was too little for more than one fold of one candidate; "
                    "give it more, or fewer images."
                )
        for name, errors in self.errors.groupby("candidate", sort=False):
            reason = errors["reason"].iloc[0]
            notes.append(f"{name} failed on {len(errors)} of the folds: {reason}")
        return notes


class ComparisonInterrupted(KeyboardInterrupt):
    """Ctrl-C in `compare`.

    Attributes
    ----------
    comparison : Comparison
        What was over by then.
    """

    def __init__(self, comparison, why=""):
        text = f"The comparison was interrupted; what was over is kept. {why}"
        super().__init__(text.rstrip())
        self.comparison = comparison


def compared(race, n_classes):
    """The Comparison that a Race has come to, over or not.

    Parameters
    ----------
    race : Race
    n_classes : int

    Returns
    -------
    Comparison
    """
    names = list(race.scorers)
    rows, splits, errors, unfinished = {}, {}, [], []
    for candidate in race.candidates:
        results = race.results[candidate.name]
        rows[candidate.name] = _row(race, candidate, results)
        splits[candidate.name] = {
            f"split{result.fold}_test_{name}": result.scores.get(name, np.nan)
            for result in results
            for name in names
        }
        errors += [[r.name, r.fold, r.error] for r in results if r.error is not None]
        if len(results) < len(race.folds):
            unfinished.append(candidate.name)
    can_vote = {
        name: shares
        for name, shares in _shares(race).items()
        if all(result.error is None for result in race.results[name])
    }
    vote = find_soft_vote(can_vote, race.y, race.folds, race.scorers)
    columns = [
        f"split{fold}_test_{name}" for name in names for fold in range(len(race.folds))
    ]
    splits = pd.DataFrame.from_dict(splits, orient="index")
    splits = splits.reindex(index=list(rows), columns=columns)  # some ran no fold
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("candidate")
    verdict = _judge(race, splits, table, names[0])
    if vote is not None:
        table.loc[vote.name] = _row_of_vote(vote, table)
        splits.loc[vote.name] = vote.scores.to_numpy().T.ravel()
    table = table.sort_values(
        f"mean_test_{names[0]}", ascending=False, kind="stable", na_position="last"
    )
    return Comparison(
        table=table.astype({"n_folds": int}),
        cv_results_=splits.loc[table.index].rename_axis("candidate"),
        verdict=verdict,
        probabilities=_out_of_fold(race, n_classes),
        errors=pd.DataFrame(errors, columns=["candidate", "fold", "reason"]),
        unfinished=unfinished,
        soft_vote=vote,
    )


def _row_of_vote(vote, table):
    """Its scores, and the times of all members one after the other, at most."""
    members = table.loc[list(vote.members)]
    row = {}
    for name, values in vote.scores.items():
        row[f"mean_test_{name}"] = values.mean()
        row[f"std_test_{name}"] = values.std(ddof=0)
    row["mean_fit_time"] = members["mean_fit_time"].sum()
    row["predict_images_per_s"] = 1 / (1 / members["predict_images_per_s"]).sum()
    row["n_folds"] = len(vote.scores)
    return row


def _row(race, candidate, results):
    scored = [result for result in results if result.scores]
    row = {}
    for name in race.scorers:
        values = np.array([result.scores[name] for result in scored])
        values = values[np.isfinite(values)]
        row[f"mean_test_{name}"] = values.mean() if len(values) else np.nan
        row[f"std_test_{name}"] = values.std() if len(values) else np.nan
    row["mean_fit_time"] = row["predict_images_per_s"] = np.nan
    if scored:
        front_s = race.seconds_of_front(candidate)
        fit_s = [r.fit_s + front_s * len(race.folds[r.fold][0]) for r in scored]
        row["mean_fit_time"] = np.mean(fit_s)
        predict_s = np.median([result.predict_s for result in scored])
        row["predict_images_per_s"] = 1 / (predict_s + front_s)
    first = next(iter(race.scorers))
    row["n_folds"] = sum(np.isfinite(result.scores[first]) for result in scored)
    return row


def _judge(race, splits, table, score):
    scores = splits[[name for name in splits if name.endswith(f"_test_{score}")]]
    return judge(
        scores,
        n_train=np.mean([len(train) for train, _ in race.folds]),
        n_test=np.mean([len(test) for _, test in race.folds]),
        seconds=1 / table["predict_images_per_s"],
        by=score,
    )


def _shares(race):
    """Probabilities on each fold, of those that have them on all."""
    found = {}
    for name, results in race.results.items():
        shares = [result.probabilities for result in results]
        if len(results) == len(race.folds) and all(s is not None for s in shares):
            found[name] = shares
    return found


def _out_of_fold(race, n_classes):
    found = {}
    for name, shares in _shares(race).items():
        whole = np.full((len(race.y), n_classes), np.nan, dtype=np.float32)
        for (_, test), share in zip(race.folds, shares, strict=True):
            whole[test] = share
        found[name] = whole
    return found


def _shown(table):
    """The columns that a reader compares, rounded."""
    means = [name for name in table if name.startswith("mean_test_")]
    shown = pd.DataFrame(index=table.index)
    for name in means:
        short = name.removeprefix("mean_test_")
        spread = table[name.replace("mean", "std", 1)]
        shown[short] = [
            f"{m:.3f} ± {s:.3f}" for m, s in zip(table[name], spread, strict=True)
        ]
    shown["fit, s"] = table["mean_fit_time"].round(2)
    shown["images/s"] = table["predict_images_per_s"].round(0)
    return shown

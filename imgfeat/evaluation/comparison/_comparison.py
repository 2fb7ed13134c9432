"""What `compare` gives: scores, a verdict, and how they are shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd

from imgfeat._typing import Axes, ImageBatch, PathLike
from imgfeat.evaluation.comparison._plots import draw_pareto, draw_scores
from imgfeat.evaluation.comparison._shared_mistakes import (
    all_wrong,
    evaluate_out_of_fold,
)
from imgfeat.evaluation.comparison._verdict import Verdict, judge
from imgfeat.evaluation.metrics._evaluate import name_images
from imgfeat.evaluation.metrics._evaluation import Evaluation
from imgfeat.evaluation.report._comparison_page import render_comparison


@dataclass(frozen=True, repr=False)
class Comparison:
    """Candidates on the same folds.

    Attributes
    ----------
    table : DataFrame
        A row a candidate, best first, with columns named as in ``cv_results_``:
        ``mean_test_accuracy``, ``std_test_accuracy`` ..., ``mean_fit_time`` (seconds a
        fold, features included), ``predict_images_per_s`` and ``n_folds``. NaN where
        it failed on all folds.
    cv_results_ : DataFrame
        A row a candidate, with the score of each fold: ``split0_test_accuracy`` ...
    verdict : Verdict or None
        Which candidate to take; None if none was scored.
    probabilities : dict of str to ndarray of shape (n_samples, n_classes)
        Of images by models that had not seen them; NaN for those in no fold. Only of
        candidates that have probabilities, and ran on all folds.
    errors : DataFrame with columns ``candidate``, ``fold``, ``reason``
        Folds on which a candidate failed.
    unfinished : list of str
        Candidates that did not run on all folds, for lack of time.
    """

    table: pd.DataFrame
    cv_results_: pd.DataFrame
    verdict: Verdict | None
    probabilities: dict
    errors: pd.DataFrame
    unfinished: list
    _images: ImageBatch
    _labels: np.ndarray

    @property
    def best(self) -> str:
        """Name of the candidate to take."""
        if self.verdict is None:
            raise ValueError("No candidate was scored on any fold, so none is best.")
        return self.verdict.best

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

    def evaluate(self, candidate: str) -> Evaluation:
        """Evaluate what a candidate says of images that it had not seen.

        Parameters
        ----------
        candidate : str
            One of ``probabilities``.

        Returns
        -------
        Evaluation
            Its prediction is the class of the highest probability, by the model of the
            one fold that tests the image.
        """
        if candidate not in self.probabilities:
            raise ValueError(
                "evaluate needs a candidate that has probabilities and ran on all "
                f"folds. Got {candidate!r}; those are {list(self.probabilities)}."
            )
        found = self.probabilities[candidate]
        return evaluate_out_of_fold(found, self._images, self._labels)[0]

    def shared_mistakes(self) -> pd.DataFrame:
        """List images that every candidate with probabilities gets wrong.

        No model has seen what it is asked here, so a wrong label is often among the
        first.

        Returns
        -------
        DataFrame
            The surest first: ``image`` (path, or row number), ``true``, ``predicted``
            (what most say), ``probability`` (mean of what each gives to its own
            prediction), ``n_agree`` of ``n_models``. The index is the row in X.
        """
        found = all_wrong(self.probabilities.values(), self._labels)
        names = np.asarray(name_images(self._images, len(self._labels)), dtype=object)
        found.insert(0, "image", names[found.index])
        return found

    def save_html(
        self,
        path: PathLike,
        *,
        title: str = "Comparison",
        about: Mapping[str, str] | None = None,
        n_pictures: int = 24,
    ) -> None:
        """Write all of it to one HTML file that needs no network.

        The verdict, the table, accuracy against speed, the images that every candidate
        gets wrong, and a section for each candidate that has probabilities.

        Parameters
        ----------
        path : str or Path
            Replaced at once, when the new file is complete.
        title : str
        about : dict of {str: str}, optional
            Facts for the foot of the page, beside date, versions and machine.
        n_pictures : int, default=24
            Mistakes of a candidate shown with their picture, those of highest loss
            first, and twice as many of all candidates. The page has fewer where it
            would grow too large, and says so.
        """
        found = {
            name: evaluate_out_of_fold(
                self.probabilities[name], self._images, self._labels
            )
            for name in self.table.index
            if name in self.probabilities
        }
        render_comparison(
            path,
            comparison=self,
            evaluations={name: evaluation for name, (evaluation, _) in found.items()},
            rows=next((rows for _, rows in found.values()), None),
            evaluated_on=("out of fold", "images of folds it had not seen"),
            shared=self.shared_mistakes(),
            images=self._images,
            title=title,
            facts={},
            about=about,
            n_pictures=n_pictures,
        )

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
        if self.unfinished:
            names = ", ".join(self.unfinished)
            notes.append(f"There was no time for all folds of {names}.")
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
    columns = [
        f"split{fold}_test_{name}" for name in names for fold in range(len(race.folds))
    ]
    splits = pd.DataFrame.from_dict(splits, orient="index")
    splits = splits.reindex(index=list(rows), columns=columns)  # some ran no fold
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("candidate")
    table = table.sort_values(
        f"mean_test_{names[0]}", ascending=False, kind="stable", na_position="last"
    )
    return Comparison(
        table=table,
        cv_results_=splits.loc[table.index].rename_axis("candidate"),
        verdict=_judge(race, splits, table, names[0]),
        probabilities=_out_of_fold(race, n_classes),
        errors=pd.DataFrame(errors, columns=["candidate", "fold", "reason"]),
        unfinished=unfinished,
        _images=race.fronts.X,
        _labels=race.y,
    )


def _row(race, candidate, results):
    scored = [result for result in results if result.error is None]
    row = {}
    for name in race.scorers:
        values = np.array([result.scores[name] for result in scored])
        row[f"mean_test_{name}"] = values.mean() if len(values) else np.nan
        row[f"std_test_{name}"] = values.std() if len(values) else np.nan
    row["mean_fit_time"] = row["predict_images_per_s"] = np.nan
    if scored:
        front_s = race.seconds_of_front(candidate)
        fit_s = [r.fit_s + front_s * len(race.folds[r.fold][0]) for r in scored]
        row["mean_fit_time"] = np.mean(fit_s)
        predict_s = np.median([result.predict_s for result in scored])
        row["predict_images_per_s"] = 1 / (predict_s + front_s)
    row["n_folds"] = len(scored)
    return row


def _judge(race, splits, table, score):
    scores = splits[[name for name in splits if name.endswith(f"_test_{score}")]]
    return judge(
        scores,
        n_train=np.mean([len(train) for train, _ in race.folds]),
        n_test=np.mean([len(test) for _, test in race.folds]),
        seconds=1 / table["predict_images_per_s"],
    )


def _out_of_fold(race, n_classes):
    found = {}
    for name, results in race.results.items():
        shares = [result.probabilities for result in results]
        if len(results) < len(race.folds) or any(share is None for share in shares):
            continue
        whole = np.full((len(race.y), n_classes), np.nan, dtype=np.float32)
        for result, share in zip(results, shares, strict=True):
            whole[race.folds[result.fold][1]] = share
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

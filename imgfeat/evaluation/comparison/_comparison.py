"""What `compare` gives: scores, a verdict, and how they are shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd

from imgfeat._frames import make_frame, make_series
from imgfeat._target import Target
from imgfeat._typing import Axes, ImageBatch, PathLike
from imgfeat.evaluation.comparison._few_images import note_few_images
from imgfeat.evaluation.comparison._fold_answers import evaluate_out_of_fold
from imgfeat.evaluation.comparison._learning_curve import LearningCurve
from imgfeat.evaluation.comparison._plots import (
    draw_learning_curve,
    draw_pareto,
    draw_scores,
)
from imgfeat.evaluation.comparison._shared_mistakes import (
    all_wrong,
    all_wrong_of_several,
)
from imgfeat.evaluation.comparison._soft_vote import SoftVote, without_vote
from imgfeat.evaluation.comparison._verdict import Verdict
from imgfeat.evaluation.metrics._evaluate import name_images
from imgfeat.evaluation.metrics._evaluation import Evaluation
from imgfeat.evaluation.report._comparison_page import render_comparison
from imgfeat.evaluation.report._unlike_scores import are_unlike


@dataclass(frozen=True, repr=False)
class Comparison:
    """Candidates on the same folds.

    Attributes
    ----------
    table : DataFrame
        A row a candidate, best first, with columns named as in ``cv_results_``:
        ``mean_test_accuracy``, ``std_test_accuracy`` ..., ``mean_fit_time`` (seconds a
        fold, features included), ``predict_images_per_s``, ``n_folds``, those with
        the first score, and ``n_images``, of which these folds are: less than all for
        candidates that a budget stopped before, which come behind. NaN where it failed
        on all folds.
    cv_results_ : DataFrame
        A row a candidate, with the score of each fold: ``split0_test_accuracy`` ...,
        of as many images as the table says.
    verdict : Verdict or None
        Which candidate to take, of those on the most images; None if none was scored.
    errors : DataFrame with columns ``candidate``, ``fold``, ``reason``
        Folds on which a candidate, or a scorer of it, failed.
    unfinished : list of str
        Candidates that did not run on all folds of all images, for lack of time.
    soft_vote : SoftVote or None
        A vote of the best few that does better than one alone; the tables have a row of
        it. Slower than its members, it is the best only where none of them is tied with
        it.
    curve : LearningCurve or None
        Of the best candidate, if it was asked for.
    """

    table: pd.DataFrame
    cv_results_: pd.DataFrame
    verdict: Verdict | None
    errors: pd.DataFrame
    unfinished: list
    _images: ImageBatch
    _target: Target
    _answers: dict  # FoldAnswers, of all that have probabilities
    soft_vote: SoftVote | None = None
    curve: LearningCurve | None = None

    @property
    def probabilities(self) -> dict:
        """Of images by models that had not seen them, of shape (n_images, n_classes).

        NaN for those in no fold. Only of candidates that have probabilities, and ran on
        all folds, and of their vote, by name.
        """
        return {name: one.probabilities for name, one in self._answers.items()}

    @property
    def best(self) -> str:
        """Name of the candidate to take, or of the vote: see `soft_vote`."""
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

    def evaluate(self, candidate: str) -> Evaluation:
        """Evaluate what a candidate says of images that it had not seen.

        Parameters
        ----------
        candidate : str
            One of ``probabilities``.

        Returns
        -------
        Evaluation, or MultiLabelEvaluation of several labels an image
            Its prediction is that of the model of the one fold that tests the image,
            with thresholds of its own where it has some.
        """
        if candidate not in self._answers:
            raise ValueError(
                "evaluate needs a candidate that has probabilities and ran on all "
                f"folds. Got {candidate!r}; those are {list(self._answers)}."
            )
        found = self._answers[candidate]
        return evaluate_out_of_fold(found, self._images, self._target)[0]

    def shared_mistakes(self) -> pd.DataFrame:
        """List images that every candidate with probabilities gets wrong.

        No model has seen what it is asked here, so a wrong label is often among the
        first.

        Returns
        -------
        DataFrame
            The surest first: ``image`` (path, or row number), ``true``, ``predicted``
            (what most say), ``probability`` (mean of what each gives to its own
            prediction), ``n_agree`` of ``n_models``. The index is the row in X. Of
            several labels, an image that no candidate has all labels right of;
            `predicted` are those that most say, and `probability` is NaN.
        """
        alone = without_vote(self._answers, self.soft_vote)
        if self._target.is_several:
            found = all_wrong_of_several(alone.values(), self._target)
        else:
            found = all_wrong(alone.values(), self._target)
        names = np.asarray(name_images(self._images, len(self._target)), dtype=object)
        images = make_series(names[found.index], index=found.index)
        found.insert(0, "image", images)
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
            name: evaluate_out_of_fold(self._answers[name], self._images, self._target)
            for name in self.table.index
            if name in self._answers
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
        n_folds = self.table["n_folds"].max()
        few = note_few_images(self._target.to_fit(), self.table.index, n_folds)
        if few is not None:
            notes.append(few)
        if self.soft_vote is not None:
            notes.append(str(self.soft_vote))
        if self.curve is not None:
            notes.append(str(self.curve))
        if self.unfinished:
            names = ", ".join(self.unfinished)
            notes.append(f"There was no time for all folds of {names}.")
            notes += self._on_fewer_images()
            if self.table["n_folds"].sum() == 1:
                notes.append(
                    "The time was too little for more than one fold of one candidate; "
                    "give it more, or fewer images."
                )
        for name, errors in self.errors.groupby("candidate", sort=False):
            reason = errors["reason"].iloc[0]
            notes.append(f"{name} failed on {len(errors)} of the folds: {reason}")
        return notes

    def _on_fewer_images(self):
        """Whose scores are of how many images, less than all."""
        n_all, on = len(self._target), self.table["n_images"]
        fewer = on[(on > 0) & (on < n_all)]
        return [
            f"On {n:,} of {n_all:,} images only: {', '.join(some.index)}."
            for n, some in fewer.groupby(fewer, sort=False)
        ]


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


def _shown(table):
    """The columns that a reader compares, rounded."""
    means = [name for name in table if name.startswith("mean_test_")]
    shown = make_frame(index=table.index)
    for name in means:
        short = name.removeprefix("mean_test_")
        spread = table[name.replace("mean", "std", 1)]
        shown[short] = [
            f"{m:.3f} ± {s:.3f}" for m, s in zip(table[name], spread, strict=True)
        ]
    shown["fit, s"] = table["mean_fit_time"].round(2)
    shown["images/s"] = table["predict_images_per_s"].round(0)
    if are_unlike(table):
        shown["of images"] = table["n_images"]
    return shown

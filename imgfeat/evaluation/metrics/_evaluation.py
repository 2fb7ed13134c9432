"""What an evaluation found: tables, plots, and a page to look at."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from imgfeat._typing import ArrayLike, Axes, ImageBatch, PathLike
from imgfeat.evaluation.metrics import _evaluation_plots as plots
from imgfeat.evaluation.metrics._bootstrap import bootstrap_intervals
from imgfeat.evaluation.metrics._calibration import coverage_table, reliability_table
from imgfeat.evaluation.metrics._confusions import confused_pairs, worst_mistakes
from imgfeat.evaluation.metrics._interval import wilson_interval
from imgfeat.evaluation.metrics._lengths import check_length, check_n_rows
from imgfeat.evaluation.metrics._scores import (
    count_scores,
    image_scores,
    ranking_means,
    ranking_of_classes,
)
from imgfeat.evaluation.metrics._sensitivity import sensitivity_at
from imgfeat.evaluation.metrics._thresholds import threshold_table
from imgfeat.evaluation.report._evaluation_page import render_evaluation, summary_html


@dataclass(frozen=True, repr=False, eq=False)
class Evaluation:
    """What `evaluate` found.

    Attributes
    ----------
    metrics : Series
        ``accuracy``, ``balanced_accuracy``, ``precision``, ``recall`` and ``f1`` with
        ``_macro`` and ``_weighted``, ``cohen_kappa``, ``matthews``, ``log_loss``
        (nats), ``brier`` (0..1 for two classes, else 0..2), ``calibration_error``
        (bins of equal mass), ``top_5_accuracy`` (only with more classes), ``roc_auc``
        and ``average_precision`` (a class against the rest, mean over the classes that
        are there), ``n_images``. NaN where it cannot be known: without probabilities,
        say, or with one class.
    per_class : DataFrame
        A row a class: ``precision``, ``recall``, ``f1``, ``n_images``.
    confusion : DataFrame
        Counts; a row a true class, a column a predicted one.
    predictions : DataFrame
        A row an image, in the order of X: ``image`` (path, or row number), ``true``,
        ``predicted``, ``probability`` of the predicted class (NaN without).
    mistakes : DataFrame
        The wrong rows of ``predictions``, the surest first; the index is the row in X.
    per_group : DataFrame or None
        A row a group, the worst first, if groups were given: ``n_images``,
        ``accuracy`` with its interval, ``balanced_accuracy``, ``f1_macro``.
    unmatched : DataFrame
        A row a class that only the model or only the images have: ``in``
        ("model", "images"), ``n_images`` of it, ``n_predicted`` as it.
    ranked_by : {"probabilities", "decision values", "nothing"}
        What ``roc_auc``, ``average_precision``, top-k and coverage rest on.

    Notes
    -----
    An image of a class that the model has never seen counts as a mistake; its
    probability of the true class is 0, which the log loss bounds as scikit-learn does.
    What an `OpenSet` calls unknown is right where it is labelled so. Without such
    images it is no class that the ``_macro`` means are over.
    """

    metrics: pd.Series
    per_class: pd.DataFrame
    confusion: pd.DataFrame
    predictions: pd.DataFrame
    mistakes: pd.DataFrame
    per_group: pd.DataFrame | None
    unmatched: pd.DataFrame
    ranked_by: str
    _outcome: Any  # Outcome; of several labels MultiLabelOutcome
    _images: ImageBatch
    _draws: Mapping = field(default_factory=dict)
    _seconds: float | None = None  # that the model took

    is_multi_label = False

    def __repr__(self):
        return (
            f"Evaluation of {self.metrics['n_images']:.0f} images: accuracy "
            f"{self.metrics['accuracy']:.3f}, {len(self.mistakes)} mistakes"
        )

    def _repr_html_(self):
        return summary_html(self)

    @cached_property
    def metrics_table(self) -> pd.DataFrame:
        """Metrics with bootstrap intervals, drawn when they are first asked for.

        A row a metric: ``value``, ``low``, ``high``, ``n_resamples``. Images are drawn
        with replacement, as often as there are images; the ends are percentiles. A
        metric without a mistake to draw has an interval of no width, which says more
        than is known; so that of the accuracy is Wilson's, and has no draws. The
        calibration error of few images is too high, as are both ends. Means over many
        classes of few images come out lower, or higher, in all draws: such an interval
        is moved, the middle of the draws to the value.
        """
        scores = self._outcome.scores
        draws = {key: self._draws[key] for key in self._draws if key != "top_k"}
        drawn = bootstrap_intervals(
            self._score,
            None if scores is None else self._rank,
            self.metrics,
            n_images=len(self._outcome.true),
            n_ranked=1 if scores is None else scores.shape[1],
            **draws,
        )
        names = [name for name in self.metrics.index if name != "n_images"]
        values = self.metrics[names].rename("value")
        table = values.to_frame().join(drawn)
        ends = [*self.accuracy_interval, 0]
        table.loc["accuracy", ["low", "high", "n_resamples"]] = ends
        table["n_resamples"] = table["n_resamples"].fillna(0).astype(int)
        return table.rename_axis("metric")

    def _score(self, weights):
        """Metrics without a ranking, of images that count as often as that."""
        of_images = image_scores(self._outcome, weights, self._draws["top_k"])
        return count_scores(self._outcome, weights) | of_images

    def _rank(self, weights):
        """Metrics of a ranking."""
        return ranking_means(ranking_of_classes(self._outcome, weights))

    @property
    def accuracy_interval(self) -> tuple[float, float]:
        """Ends of Wilson's interval of the accuracy, of the level given (0.95)."""
        n_images = self.metrics["n_images"]
        hits = self.metrics["accuracy"] * n_images
        low, high = wilson_interval(hits, n_images, self._draws["level"])
        return float(low), float(high)

    @property
    def confusion_shares(self) -> pd.DataFrame:
        """`confusion` as shares of each true class; zeros for a class with no image."""
        return self.confusion.div(self.confusion.sum(axis=1).clip(lower=1), axis=0)

    def most_confused(self, min_count: int = 1) -> pd.DataFrame:
        """List pairs of classes, the most frequent mistake first.

        Parameters
        ----------
        min_count : int, default=1
            Leave out what happened less often.

        Returns
        -------
        DataFrame
            ``true``, ``predicted``, ``n_images``, ``share`` of the true class.
        """
        return confused_pairs(self.confusion, min_count)

    def top_mistakes(self, n: int = 20) -> pd.DataFrame:
        """List the mistakes with the highest loss; label errors are often among them.

        Parameters
        ----------
        n : int, default=20

        Returns
        -------
        DataFrame
            ``image``, ``true``, ``predicted``, ``probability`` of the predicted class,
            ``loss`` (nats; NaN without probabilities, then the surest come first). The
            index is the row in X.
        """
        check_n_rows("top_mistakes", n)
        return worst_mistakes(self.predictions, self._outcome, n)

    def reliability(self, n_bins: int = 10) -> pd.DataFrame:
        """Compare probabilities of predictions with how often they are right.

        Parameters
        ----------
        n_bins : int, default=10
            Bins with as many images each; equal probabilities stay together.

        Returns
        -------
        DataFrame
            A row a bin: ``probability``, ``accuracy`` with ``low`` and ``high``
            (Wilson, 95 %), ``n_images``.
        """
        if self._outcome.proba is None:
            raise ValueError(
                "reliability needs probabilities. Got an estimator without "
                "predict_proba; wrap it in CalibratedClassifierCV."
            )
        confidence = self._outcome.confidence
        return reliability_table(confidence, self._outcome.right, n_bins)

    def coverage(self) -> pd.DataFrame:
        """Tell the accuracy if only the surest predictions are given.

        Returns
        -------
        DataFrame
            ``coverage`` (share of images answered), ``accuracy`` among them,
            ``threshold`` (the lowest probability, or decision value, answered).
        """
        self._scores_for("coverage")  # or raise
        return coverage_table(self._outcome.confidence, self._outcome.right)

    def thresholds(self) -> pd.DataFrame:
        """Tell what other thresholds than one half would do, of two classes.

        To choose one, use images that the reported scores do not rest on, or
        scikit-learn's ``TunedThresholdClassifierCV`` around the model before it is
        fitted, which takes the threshold from folds of the training images.

        Returns
        -------
        DataFrame
            A row a ``threshold`` for the second class's score, falling: ``precision``,
            ``recall``, ``f1``, ``false_alarms``, ``balanced_accuracy``.
        """
        return threshold_table(*self._second_class("thresholds"))

    def sensitivity_at(
        self, specificity: float = 0.9, *, groups: ArrayLike | None = None
    ) -> pd.Series:
        """Tell how much of the second of two classes is found, at a specificity.

        Parameters
        ----------
        specificity : float, default=0.9
            Share of the first class that is to be left alone, at least; 0..1.
        groups : array-like of shape (n_images,), optional
            Whose images are right or wrong together: patients, scenes. They are drawn
            with replacement, each with all of its images, for the interval; without,
            images are.

        Returns
        -------
        Series
            ``sensitivity`` (the recall of the second class) with the ends ``low`` and
            ``high`` of its bootstrap interval, which is as wide as nothing where all
            are found; the ``specificity`` that is reached; and the ``threshold`` of
            the second class's score, from which on an image is found. NaN where a
            class has no image.

        Raises
        ------
        ValueError
            If there are more classes than two, or no scores; if `specificity` is not
            between 0 and 1, or groups are not one an image.

        Notes
        -----
        The threshold is one of the very images, so that it suits them a little too
        well. The one to use comes from others, as `thresholds` says.
        """
        if not 0 <= specificity <= 1:
            raise ValueError(
                f"sensitivity_at needs a specificity from 0 to 1. Got {specificity}."
            )
        scores, positive = self._second_class("sensitivity_at")
        if groups is not None:
            check_length("sensitivity_at", "group", groups, len(positive))
        draws = {name: value for name, value in self._draws.items() if name != "top_k"}
        return sensitivity_at(specificity, scores, positive, groups, **draws)

    def plot_confusion(self, ax: Axes | None = None) -> Axes:
        """Draw the confusion matrix as shares of the true classes.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        Axes
        """
        return plots.draw_confusion(self.confusion, ax)

    def plot_reliability(self, ax: Axes | None = None) -> Axes:
        """Draw how often predictions are right against their probability.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        Axes
        """
        return plots.draw_reliability(self.reliability(), ax)

    def plot_coverage(self, ax: Axes | None = None) -> Axes:
        """Draw accuracy against the share of images that are answered.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        Axes
        """
        return plots.draw_coverage(self.coverage(), ax)

    def save_html(
        self,
        path: PathLike,
        *,
        title: str = "Evaluation",
        about: Mapping[str, str] | None = None,
        n_pictures: int = 100,
    ) -> None:
        """Write all of it to one HTML file that needs no network and no scripts.

        Parameters
        ----------
        path : str or Path
            Replaced at once, when the new file is complete.
        title : str
        about : dict of {str: str}, optional
            Facts for the foot of the page, beside date, versions and machine.
        n_pictures : int, default=100
            Mistakes shown with their picture, those of highest loss first. A picture
            that is gone or damaged leaves an empty frame.
        """
        render_evaluation(
            self, path, self._images, title=title, about=about, n_pictures=n_pictures
        )

    def _second_class(self, what):
        """Scores of the second of two classes, and which images are of it."""
        scores = self._scores_for(what)
        # An OpenSet of two classes has a third name, for what is of none.
        n_classes = max(scores.shape[1], self._outcome.true.max() + 1)
        if n_classes != 2:
            raise ValueError(
                f"{what} needs two classes. Got {n_classes}; look at coverage() "
                "instead."
            )
        return scores[:, 1], self._outcome.true == 1

    def _scores_for(self, what):
        if self._outcome.scores is None:
            raise ValueError(
                f"{what} needs probabilities, or a decision value a class. Got an "
                "estimator with neither."
            )
        return self._outcome.scores

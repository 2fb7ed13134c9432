"""What an evaluation of several labels an image found."""

from dataclasses import dataclass
from typing import NoReturn

import numpy as np
import pandas as pd

from imgfeat._frames import make_frame, make_index
from imgfeat._typing import Axes, Figure
from imgfeat.estimators._label_thresholds import HALF, best_thresholds
from imgfeat.evaluation.metrics import _evaluation_plots as plots
from imgfeat.evaluation.metrics._evaluation import Evaluation
from imgfeat.evaluation.metrics._lengths import check_n_rows
from imgfeat.evaluation.metrics._multi_label_scores import (
    label_scores,
    ranking_of_labels,
)
from imgfeat.evaluation.metrics._scores import ranking_means, share_of
from imgfeat.evaluation.metrics._thresholds import threshold_table


@dataclass(frozen=True, repr=False, eq=False)
class MultiLabelEvaluation(Evaluation):
    """What `evaluate` found of a model that gives an image several labels.

    Attributes
    ----------
    metrics : Series
        ``accuracy`` (share of images with all labels right), ``hamming_loss`` (share
        of labels that are wrong), ``precision``, ``recall`` and ``f1`` with ``_micro``
        and ``_macro``, ``f1_weighted``, ``f1_samples``, ``jaccard_macro``,
        ``jaccard_samples``, ``log_loss`` (nats) and ``brier`` (means over labels),
        ``roc_auc`` and ``average_precision`` (means over the labels that some images
        have and some lack), ``n_images``. NaN where it cannot be known.
    per_class : DataFrame
        A row a label: ``precision``, ``recall``, ``f1``, ``roc_auc``,
        ``average_precision``, ``log_loss``, ``brier``, ``n_images`` that have it.
    confusion : DataFrame
        A row a label, images: ``found``, ``false_alarms``, ``missed``,
        ``rightly_without``.
    predictions : DataFrame
        A row an image, in the order of X: ``image`` (path, or row number), ``true``
        and ``predicted`` (tuples of labels), ``n_wrong`` (labels), ``loss`` (nats,
        mean over the labels; NaN without probabilities).
    mistakes : DataFrame
        The rows with a wrong label, those of highest loss first; the index is the row
        in X.
    per_group : DataFrame or None
        A row a group, that of lowest ``f1_micro`` first, if groups were given.
    unmatched : DataFrame
        Has no rows: labels that the model does not know are refused.
    ranked_by : {"probabilities", "decision values", "nothing"}
        What ``roc_auc`` and ``average_precision`` rest on.

    See Also
    --------
    Evaluation : Of one label an image.

    Notes
    -----
    ``_macro`` means are over the labels that an image has or is given, as with
    ``zero_division=nan`` of scikit-learn's metrics. In ``_samples`` means an image that
    has no label, and is given none, counts as 1. There is no kappa, no top-k, no pair
    of confused classes and no coverage: these ask for one label an image.
    """

    is_multi_label = True

    def __repr__(self):
        return (
            f"MultiLabelEvaluation of {self.metrics['n_images']:.0f} images: F1 "
            f"{self.metrics['f1_macro']:.3f} (mean of {len(self.per_class)} labels), "
            f"{len(self.mistakes)} images with a wrong label"
        )

    def _score(self, weights):
        return label_scores(self._outcome, weights)

    def _rank(self, weights):
        return ranking_means(ranking_of_labels(self._outcome, weights))

    def top_mistakes(self, n: int = 20) -> pd.DataFrame:
        """List the images with wrong labels of the highest loss.

        Parameters
        ----------
        n : int, default=20

        Returns
        -------
        DataFrame
            Rows of `mistakes`; without probabilities, those with the most wrong labels.
        """
        check_n_rows("top_mistakes", n)
        return self.mistakes.head(n)

    def thresholds(self) -> pd.DataFrame:
        """Choose for each label the threshold of highest F1 on these images.

        Choose them on images that the reported scores do not rest on: out of fold, by
        ``compare(...).evaluate(name)``, or on a part that is held out for it.

        Returns
        -------
        DataFrame
            A row a label: ``threshold`` (images above it have the label),
            ``precision``, ``recall`` and ``f1`` there, and ``f1_at_half``; the last is
            NaN for decision values. All are NaN of a label that no image has.
        """
        scores, true = self._scores(), self._outcome.true
        chosen = best_thresholds(scores, true)
        with_these = _at(scores, true, chosen)
        half = np.full(
            len(chosen), HALF if self.ranked_by == "probabilities" else np.nan
        )
        return make_frame(
            {"threshold": chosen}
            | with_these
            | {"f1_at_half": _at(scores, true, half)["f1"]},
            index=make_index(self._outcome.names, name="class"),
        )

    def threshold_curve(self, label: object) -> pd.DataFrame:
        """Tell what every threshold of one label would do.

        Parameters
        ----------
        label : object
            One of the index of ``per_class``.

        Returns
        -------
        DataFrame
            A row a ``threshold``, falling: ``precision``, ``recall``, ``f1``,
            ``false_alarms``, ``balanced_accuracy``; as ``thresholds`` of `Evaluation`.
        """
        names = self._outcome.names.tolist()
        if label not in names:
            raise ValueError(
                f"threshold_curve needs one of the labels {names}. Got {label!r}."
            )
        place = names.index(label)
        return threshold_table(self._scores()[:, place], self._outcome.true[:, place])

    def plot_each_label(self) -> Figure:
        """Draw a matrix of two by two for each label.

        Returns
        -------
        Figure
        """
        return plots.draw_each_label(self.confusion)

    @property
    def confusion_shares(self) -> pd.DataFrame:
        """`confusion` as shares of the images that have the label, or have it not."""
        has_it = self.confusion["found"] + self.confusion["missed"]
        has_not = self.confusion["false_alarms"] + self.confusion["rightly_without"]
        of = {
            "found": has_it,
            "missed": has_it,
            "false_alarms": has_not,
            "rightly_without": has_not,
        }
        return self.confusion / make_frame(of).clip(lower=1)

    def most_confused(self, min_count: int = 1) -> pd.DataFrame:
        """Refuse: which of several labels stands for which other, nobody knows."""
        _refuse("most_confused", "confusion has the mistakes of each label")

    def reliability(self, n_bins: int = 10) -> pd.DataFrame:
        """Refuse: a row has a probability for each label, and none of its own."""
        _refuse("reliability", "per_class has log loss and Brier score of each label")

    def coverage(self) -> pd.DataFrame:
        """Refuse, as `reliability`."""
        _refuse("coverage", "threshold_curve has the shares found of each label")

    def plot_confusion(self, ax: Axes | None = None) -> Axes:
        """Refuse: there is no one matrix."""
        _refuse("plot_confusion", "plot_each_label draws a matrix for each label")

    def _scores(self):
        if self._outcome.scores is None:
            raise ValueError(
                "Thresholds need probabilities, or a decision value a label. Got an "
                "estimator with neither."
            )
        return self._outcome.scores


def _refuse(what: str, instead: str) -> NoReturn:
    raise ValueError(f"{what} needs one label an image. Got several; {instead}.")


def _at(scores, true, thresholds):
    """Precision, recall and F1 of each label at its threshold; NaN where it is NaN."""
    above = scores > thresholds
    found, n_above, n_true = (above & true).sum(axis=0), above.sum(axis=0), true.sum(0)
    is_known = ~np.isnan(thresholds) & (n_true > 0)
    measured = {
        "precision": share_of(found, n_above),
        "recall": share_of(found, n_true),
        "f1": share_of(2 * found, n_above + n_true),
    }
    return {name: np.where(is_known, of, np.nan) for name, of in measured.items()}

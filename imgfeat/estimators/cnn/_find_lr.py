"""The learning-rate range test: which rates a net can bear."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from imgfeat._frames import make_frame
from imgfeat._typing import ArrayLike, Axes, ImageBatch
from imgfeat.estimators.cnn import _training
from imgfeat.estimators.cnn._classifier import CNNClassifier

# The loss is smoothed over about ten steps, and the test ends when it has grown so far.
_SMOOTHING = 0.9
_GROWN = 4.0


@dataclass(frozen=True)
class LearningRates:
    """What a range test found.

    Parameters
    ----------
    lr : float
        Suggested: a tenth of the rate with the lowest loss, where the loss still falls.
    table : DataFrame with columns ``lr``, ``loss`` and ``smooth_loss``
        A row a step.
    """

    lr: float
    table: pd.DataFrame

    def plot(self, ax=None) -> Axes:
        """Draw the loss against the rate, and the suggestion.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        Axes
        """
        import matplotlib.pyplot as plt  # only who draws needs it

        if ax is None:
            _, ax = plt.subplots(layout="constrained")
        ax.plot(self.table["lr"], self.table["loss"], color="0.8", label="of a step")
        ax.plot(self.table["lr"], self.table["smooth_loss"], label="smoothed")
        ax.axvline(self.lr, color="C1", label=f"suggested: {self.lr:.2g}")
        ax.set(xscale="log", xlabel="learning rate", ylabel="cross-entropy")
        ax.legend()
        return ax


def find_lr(
    classifier: CNNClassifier,
    X: ImageBatch,
    y: ArrayLike,
    *,
    low: float = 1e-5,
    high: float = 1.0,
    n_steps: int = 100,
) -> LearningRates:
    """Try ever higher learning rates, a training step each.

    Parameters
    ----------
    classifier : CNNClassifier
        Not changed; a copy of it is trained.
    X, y : images and labels, as for its `fit`
    low, high : float
        Rates of the first and the last step; in between they grow by the same factor.
    n_steps : int, default=100

    Returns
    -------
    LearningRates
        Its ``lr`` goes into ``CNNClassifier(lr=...)``, its ``plot()`` shows why.

    Notes
    -----
    The test of Smith [1]_. The loss falls while rates are right, and rises when they
    are too high; the test ends where it is four times its lowest. What is suggested is
    a tenth of the rate with the lowest smoothed loss, which is on the safe side.

    References
    ----------
    .. [1] L. Smith, "Cyclical learning rates for training neural networks", WACV 2017,
       :doi:`10.1109/WACV.2017.58`.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from imgfeat.estimators import CNNClassifier, find_lr
    >>> digits = load_digits()
    >>> cnn = CNNClassifier("simple_cnn", random_state=0, n_jobs=1)
    >>> found = find_lr(cnn, digits.images / 16, digits.target, n_steps=40)
    >>> bool(1e-4 < found.lr < 0.3)
    True
    """
    if not 0 < low < high:
        raise ValueError(f"find_lr needs 0 < low < high. Got {low!r} and {high!r}.")
    if n_steps < 10:
        raise ValueError(f"find_lr needs at least 10 steps. Got n_steps={n_steps}.")
    rates = np.geomspace(low, high, n_steps)
    losses, smooth, mean = [], [], 0.0
    for loss in _training.try_rates(classifier, X, y, rates):
        losses.append(loss)
        mean = _SMOOTHING * mean + (1 - _SMOOTHING) * loss
        smooth.append(mean / (1 - _SMOOTHING ** len(losses)))
        if not np.isfinite(loss) or smooth[-1] > _GROWN * min(smooth):
            break
    table = make_frame(
        {"lr": rates[: len(losses)], "loss": losses, "smooth_loss": smooth}
    )
    lowest = table.loc[table["smooth_loss"].idxmin(), "lr"]
    return LearningRates(float(lowest) / 10, table)

"""Pictures of a comparison."""

import numpy as np

from imgfeat.evaluation.report._unlike_scores import are_unlike, on_most_images


def draw_scores(table, splits, ax=None):
    """Draw the score of each fold as a dot and the mean as a line, best on top.

    Parameters
    ----------
    table, splits : DataFrame
        As in `Comparison`.
    ax : Axes, optional
    """
    score = _first_score(table)
    columns = [name for name in splits if name.endswith(f"_test_{score}")]
    ax = _axes(7, 0.4 * len(table) + 1) if ax is None else ax
    places = np.arange(len(table))[::-1]
    for place, name in zip(places, table.index, strict=True):
        values = splits.loc[name, columns].to_numpy(dtype=float)
        ax.plot(values, np.full(len(values), place), "o", color="tab:blue", alpha=0.4)
        ax.plot(table.loc[name, f"mean_test_{score}"], place, "|", color="k", ms=18)
    ax.set_yticks(places, _names(table))
    ax.set_ylim(-0.6, len(table) - 0.4)
    ax.set_xlabel(f"{score.replace('_', ' ')}: folds (dots) and their mean")
    ax.grid(axis="x", alpha=0.3)
    return ax


def draw_pareto(table, ax=None):
    """Draw mean scores against milliseconds an image, with the frontier.

    Parameters
    ----------
    table : DataFrame
        As in `Comparison`.
    ax : Axes, optional
    """
    score = _first_score(table)
    ax = _axes(7, 4.5) if ax is None else ax
    table = table.dropna(subset=[f"mean_test_{score}"])
    table = table[on_most_images(table)]
    milliseconds = 1e3 / table["predict_images_per_s"]
    values = table[f"mean_test_{score}"]
    order = milliseconds.sort_values().index
    is_best = values[order] >= values[order].cummax()
    front = order[is_best.to_numpy()]
    ax.plot(milliseconds[front], values[front], color="tab:blue", alpha=0.5)
    ax.scatter(milliseconds, values, color=["k"], zorder=3)
    ax.set_xscale("log")
    for name, height in _apart(values).items():
        ax.annotate(
            name,
            (milliseconds[name], values[name]),
            xytext=(8, height),
            textcoords="offset points",
            va="center",
        )
    ax.margins(x=0.25, y=0.15)
    ax.set_xlabel("milliseconds an image")
    ax.set_ylabel(f"mean {score.replace('_', ' ')}")
    ax.grid(alpha=0.3)
    return ax


def draw_learning_curve(curve, ax=None):
    """Draw the folds as dots, their means, and the power law up to twice the images.

    Parameters
    ----------
    curve : LearningCurve
    ax : Axes, optional
    """
    from matplotlib.ticker import NullLocator  # only who draws needs it

    score = curve.score
    ax = _axes(7, 4.5) if ax is None else ax
    n_train = curve.table["n_train"].to_numpy()
    for name in curve.table.filter(regex="^split"):
        ax.plot(n_train, curve.table[name], "o", color="tab:blue", alpha=0.25)
    ax.plot(n_train, curve.table[f"mean_test_{score}"], "o", color="k", zorder=3)
    if curve.law is not None:
        n_last = n_train[-1]
        seen = np.geomspace(n_train[0], n_last)
        more = np.geomspace(n_last, 2 * n_last)
        ax.plot(seen, curve.at(seen), color="k")
        ax.plot(more, curve.at(more), "--", color="k")
        now = curve.at(n_last)
        ax.vlines(2 * n_last, now + curve.low, now + curve.high, color="k", lw=3)
    ax.set_xscale("log")
    ticks = [*n_train, *2 * n_train[-1:]]  # there may be none
    ax.set_xticks(ticks, [f"{n:,.0f}" for n in ticks])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel("images to learn from (dashed: more than there are)")
    ax.set_ylabel(f"{curve.candidate}: {score.replace('_', ' ')}")
    ax.grid(alpha=0.3)
    return ax


def _axes(width, height):
    import matplotlib.pyplot as plt  # only who draws needs it

    return plt.subplots(figsize=(width, height), layout="constrained")[1]


def _apart(values):
    """Heights of names beside points, in points, so that near ones do not overlap."""
    spread = max(float(values.max() - values.min()), 1e-9)
    heights, last = {}, -np.inf
    for name, value in values.sort_values().items():
        place = float(value - values.min()) / spread * 220  # points of a usual figure
        shifted = max(place, last + 12)
        heights[name], last = shifted - place, shifted
    return heights


def _names(table):
    """Those of candidates, and of how many images, where these are not the same."""
    if not are_unlike(table):
        return list(table.index)
    return [f"{name}\n{n:,} images" for name, n in table["n_images"].items()]


def _first_score(table):
    return table.columns[0].removeprefix("mean_test_")

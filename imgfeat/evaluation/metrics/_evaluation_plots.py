"""An evaluation, drawn."""

from imgfeat._frames import make_frame

_AT = "true_accepts@"


def draw_confusion(confusion, ax=None):
    """Draw shares of the true classes; numbers in the cells where they can be read."""
    ax = _axes(ax)
    counts = confusion.to_numpy()
    shares = counts / counts.sum(axis=1, keepdims=True).clip(min=1)
    ax.imshow(shares, vmin=0, vmax=1, cmap="Blues")
    ax.set(xlabel="predicted", ylabel="true")
    if len(counts) <= 40:
        ticks = range(len(counts))
        ax.set_xticks(ticks, list(map(_plain, confusion.columns)), rotation=90)
        ax.set_yticks(ticks, list(map(_plain, confusion.index)))
    if len(counts) <= 15:
        for row, column in zip(*counts.nonzero(), strict=True):
            color = "white" if shares[row, column] > 0.5 else "black"
            style = {"ha": "center", "va": "center", "color": color}
            ax.text(column, row, counts[row, column], **style)
    return ax


def draw_each_label(confusion):
    """Draw for each label who has it and who is said to, in shares of either row.

    Parameters
    ----------
    confusion : DataFrame
        As of a `MultiLabelEvaluation`.

    Returns
    -------
    Figure
    """
    import matplotlib.pyplot as plt  # only who draws needs it

    n_columns = min(4, len(confusion))
    n_rows = -(-len(confusion) // n_columns)
    size = 2.4 * n_columns, 2.4 * n_rows
    figure, axes = plt.subplots(
        n_rows, n_columns, figsize=size, squeeze=False, layout="constrained"
    )
    for ax, (name, row) in zip(axes.flat, confusion.iterrows(), strict=False):
        cells = make_frame(
            [
                [row["found"], row["missed"]],
                [row["false_alarms"], row["rightly_without"]],
            ],
            index=["has it", "has not"],
            columns=["said", "not said"],
        )
        draw_confusion(cells, ax).set(title=_plain(name), xlabel="", ylabel="")
        ax.tick_params(axis="x", rotation=0)
    for ax in axes.flat[len(confusion) :]:
        ax.set_axis_off()
    return figure


def draw_reliability(table, ax=None):
    """Draw accuracy against probability, with Wilson intervals."""
    ax = _axes(ax)
    ax.plot([0, 1], [0, 1], color="0.8", zorder=0, label="as promised")
    # A share of nothing or all lies at the very end of its interval, but for rounding.
    ends = [table["accuracy"] - table["low"], table["high"] - table["accuracy"]]
    ends = [end.clip(lower=0) for end in ends]
    x, y = table["probability"], table["accuracy"]
    ax.errorbar(x, y, yerr=ends, marker="o", capsize=2, label="measured")
    limits = {"xlim": (0, 1), "ylim": (0, 1)}
    ax.set(xlabel="probability of the prediction", ylabel="share right", **limits)
    ax.legend()
    return ax


def draw_coverage(table, ax=None):
    """Draw accuracy against the share of images that are answered, the surest first."""
    ax = _axes(ax)
    ax.plot(table["coverage"], table["accuracy"])
    ax.set(xlabel="share of the images answered", ylabel="share right", xlim=(0, 1))
    return ax


def draw_pairs(evaluation, ax=None):
    """Draw the share of the same that pass against that of the different."""
    ax = _axes(ax)
    least = 1 / evaluation.n_different
    x = evaluation.curve["false_accepts"].clip(lower=least)
    ax.plot(x, evaluation.curve["true_accepts"], label="all thresholds")
    at = evaluation.table[evaluation.table.index.str.startswith(_AT)].dropna()
    if len(at):
        rates = at.index.str.removeprefix(_AT).astype(float)
        ends = [at["value"] - at["low"], at["high"] - at["value"]]
        style = {"fmt": "o", "capsize": 3, "label": "interval over people"}
        ax.errorbar(rates, at["value"], [end.clip(lower=0) for end in ends], **style)
    own = evaluation.table["value"]
    ax.plot(
        max(own["false_accepts_at_threshold"], least),
        own["true_accepts_at_threshold"],
        "x",
        color="black",
        label="its threshold",
    )
    ax.set(xscale="log", xlim=(0.9 * least, 1.05), ylim=(0, 1.02))
    ax.set(xlabel="false accepts, of the different", ylabel="true accepts")
    ax.legend(loc="upper left")
    return ax


def _axes(ax):
    import matplotlib.pyplot as plt  # only who draws needs it

    if ax is None:
        _, ax = plt.subplots(layout="constrained")
    return ax


def _plain(name):
    """A name with no signs of mathematics in it, as matplotlib would take them."""
    return str(name).replace("$", r"\$")

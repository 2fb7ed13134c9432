"""The course of a training, drawn."""


def draw_history(history, ax=None):
    """Draw losses against epochs, and the best epoch where one was watched for.

    Parameters
    ----------
    history : DataFrame
        ``history_`` of a CNNClassifier.
    ax : matplotlib Axes, optional

    Returns
    -------
    Axes
    """
    import matplotlib.pyplot as plt  # only who draws needs it

    if ax is None:
        _, ax = plt.subplots(layout="constrained")
    ax.plot(history["epoch"], history["train_loss"], label="training loss")
    if "valid_loss" in history:
        ax.plot(history["epoch"], history["valid_loss"], label="validation loss")
        best = history.loc[history["valid_loss"].idxmin(), "epoch"]
        ax.axvline(best, color="0.8", zorder=0, label="best epoch")
    ax.set(xlabel="epoch", ylabel="cross-entropy", ylim=(0, None))
    ax.legend()
    return ax

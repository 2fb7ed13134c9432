"""Which scores of a comparison are alike: those on the same number of images."""


def are_unlike(table):
    """Whether some candidates are scored on fewer images than others.

    Parameters
    ----------
    table : DataFrame
        As in `Comparison`; it has 0 images where a candidate has no score.
    """
    n_images = table["n_images"]
    return n_images[n_images > 0].nunique() > 1


def on_most_images(table):
    """Whether each candidate is among those that can be ranked, as a Series."""
    return table["n_images"] == table["n_images"].max()

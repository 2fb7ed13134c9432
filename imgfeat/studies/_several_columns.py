"""Several labels an image, of a table, on their way to whatever takes labels."""

from imgfeat._frames import make_frame
from imgfeat._target import Target


def as_given(labels, label_columns):
    """Labels as a table had them: in columns, or as they are.

    So a label that these images have not is told from one that nobody looked for.

    Parameters
    ----------
    labels : ndarray of shape (n_images,), or None
        Of several labels an image, tuples of names.
    label_columns : tuple of str, or None
        Of a table that says of each of these whether an image has it.

    Returns
    -------
    ndarray of shape (n_images,), DataFrame of shape (n_images, n_classes), or None
    """
    if labels is None or label_columns is None:
        return labels
    values = Target.of(list(labels), "The table", label_columns).values
    return make_frame(values, columns=list(label_columns))


def refuse_of_folder(source, label_columns, label_separator):
    """Raise if several labels an image are asked for, of a folder."""
    if label_columns or label_separator:
        raise ValueError(
            "Several labels an image need a CSV file, with a column for each, or "
            f"with their names in one. Got the folder {source}."
        )

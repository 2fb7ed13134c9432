"""The label of windows without an object, and those of what is in boxes."""

import numpy as np

from imgfeat.estimators._wrapping import check_labels


def choose_background(given, labels, *, has_y):
    """The label that is given, or one that no object has.

    Parameters
    ----------
    given : str, int or None
    labels : list
        Of the objects.
    has_y : bool
        Whether somebody gave them; else the background is 0.

    Returns
    -------
    str or int

    Raises
    ------
    ValueError
        If labels of objects are numbers and that of the background is text, or the
        other way round.
    """
    is_text = any(isinstance(label, str) for label in labels)
    if given is None:
        if not has_y:
            return 0
        return "background" if is_text else min([0, *labels]) - 1
    given = given.item() if hasattr(given, "item") else given
    if labels and isinstance(given, str) != is_text:
        kinds = ("text", "numbers") if is_text else ("numbers", "text")
        raise ValueError(
            f"background must be of the kind of the labels, which are {kinds[0]}. Got "
            f"{given!r}; give {kinds[0]}."
        )
    return given


def as_labels(given, n_boxes, who):
    """Labels of the boxes of an image, as a list; 1 each if none are given.

    Raises
    ------
    ValueError
        If there is not one for each box.
    """
    if given is None:
        return [1] * n_boxes
    labels = np.asarray(given).tolist() if np.ndim(given) else [given]
    if len(labels) != n_boxes:
        raise ValueError(
            f"y needs a label for each box. Got {len(labels)} labels and {n_boxes} "
            f"boxes for {who}."
        )
    return labels


def labels_of_crops(y, n_crops):
    """Labels of crops, as a list; 1 each if none are given."""
    if y is None:
        return [1] * n_crops
    return np.asarray(check_labels(y, n_crops, "SlidingWindowDetector")).tolist()


def refuse_no_objects(labels, background):
    """Raise unless there is a label of an object."""
    if all(label == background for label in labels):
        raise ValueError(
            f"SlidingWindowDetector needs objects to learn from. Got {len(labels)} "
            "crops and boxes, none of them with another label than that of the "
            f"background, {background!r}."
        )


def refuse_no_background(classes, background):
    """Raise unless a pipeline knows the background, and an object."""
    classes = np.asarray(classes).tolist()
    if background not in classes or len(classes) < 2:
        raise ValueError(
            "SlidingWindowDetector needs a pipeline with a class of windows that show "
            f"no object, {background!r}, and another. Got classes {classes}; say which "
            "it is: background=."
        )


def refuse_other_classes(of_verifier, of_pipeline):
    """Raise unless a verifier has the classes of the pipeline, in their order."""
    found, needed = (np.asarray(one).tolist() for one in (of_verifier, of_pipeline))
    if found != needed:
        raise ValueError(
            "SlidingWindowDetector needs a verifier with the classes of its pipeline, "
            f"{needed}. Got {found}; fit it on the same labels, or leave it unfitted."
        )

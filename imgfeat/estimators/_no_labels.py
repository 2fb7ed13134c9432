"""What says something else of images than a label, where a label is wanted."""

from imgfeat._target import what_decides


class NoLabelsError(TypeError, ValueError):
    """A model of another kind than is asked; commands say so in a line, as of a value.

    A user of a command has named a file, which may hold any model.
    """


def refuse_no_labels(model):
    """Raise for a model that finds boxes in images, compares them, or only transforms.

    Raises
    ------
    NoLabelsError
    """
    last = what_decides(model)
    if hasattr(last, "score_windows"):
        raise NoLabelsError(
            f"{type(last).__name__} finds boxes, and has no label for an image; "
            "call its predict(images), of a saved file load(path).predict(images)."
        )
    if hasattr(last, "identify"):
        raise NoLabelsError(
            f"{type(last).__name__} compares images, and has no label for one; call "
            "its predict(pairs), of a saved file load(path).predict(pairs)."
        )
    if not hasattr(model, "predict"):
        raise NoLabelsError(
            f"Labels need a classifier. Got {type(model).__name__}, which has no "
            "predict."
        )

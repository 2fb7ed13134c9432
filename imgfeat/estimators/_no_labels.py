"""What says something else of images than a label, where a label is wanted."""

from imgfeat._nesting import last_step


def refuse_no_labels(model):
    """Raise a TypeError for a model that finds boxes in images, or compares them."""
    last = last_step(model)
    if hasattr(last, "score_windows"):
        raise TypeError(
            f"{type(last).__name__} finds boxes, and has no label for an image; "
            "call its predict(images), of a saved file load(path).predict(images)."
        )
    if hasattr(last, "identify"):
        raise TypeError(
            f"{type(last).__name__} compares images, and has no label for one; call "
            "its predict(pairs), of a saved file load(path).predict(pairs)."
        )

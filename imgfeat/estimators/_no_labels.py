"""Detectors, where a label an image is wanted."""

from imgfeat._nesting import last_step


def refuse_detector(model):
    """Raise a TypeError for a model that finds boxes in images."""
    detector = last_step(model)
    if hasattr(detector, "score_windows"):
        raise TypeError(
            f"{type(detector).__name__} finds boxes, and has no label for an image; "
            "call its predict(images), of a saved file load(path).predict(images)."
        )

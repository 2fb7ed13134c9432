"""Whether a model may say that it does not know."""

from imgfeat._target import what_decides


def is_open(model):
    """Whether the classifier at the end of `model` is an `OpenSet`, or like one."""
    return hasattr(what_decides(model), "predict_open")

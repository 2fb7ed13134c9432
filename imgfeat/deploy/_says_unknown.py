"""Whether a model may say that it does not know."""

from imgfeat._nesting import last_step


def is_open(model):
    """Whether the classifier at the end of `model` is an `OpenSet`, or like one."""
    return hasattr(last_step(model), "predict_open")

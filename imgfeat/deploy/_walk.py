"""Look into a fitted pipeline: every object that a saved file would hold, by name."""

import numpy as np
from sklearn.base import BaseEstimator

NET = "imgfeat.features._embedding.CNNEmbedding"
# Lists of (name, estimator, ...): an item is named by its name alone.
_NAMED = {"steps", "transformer_list", "transformers", "estimators"}


def walk(pipeline):
    """Yield ``(name, object)`` for `pipeline` and everything in it, each object once.

    Estimators give what they would save (``__getstate__``), so what they leave out
    does not count. Names read like parameters: ``"scaler"``, ``"cnn__backbone"``.
    """
    seen = {}
    waiting = [("", pipeline)]
    while waiting:
        name, item = waiting.pop()
        if id(item) in seen:
            continue
        seen[id(item)] = item  # held, so that no later object gets its id
        yield name, item
        waiting.extend(reversed(list(_children(name, item))))


def type_name(item):
    """``"module.Class"`` of an object; of a class or function, its own name."""
    if not (isinstance(item, type) or hasattr(item, "__name__")):
        item = type(item)
    return f"{getattr(item, '__module__', None)}.{item.__name__}"


def holds_nets(pipeline):
    """Whether `pipeline` runs a pretrained net; does not import torch to see it."""
    return any(type_name(type(item)) == NET for _, item in walk(pipeline))


def _children(name, item):
    if isinstance(item, BaseEstimator):
        for key, value in item.__getstate__().items():
            yield _join(name, None if key in _NAMED else key), value
    elif isinstance(item, dict):
        for key, value in item.items():
            yield _join(name, str(key)), value
    elif isinstance(item, list | tuple):
        for index, value in enumerate(item):
            match value:
                case (str(own_name), inner, *others):
                    yield _join(name, own_name), inner
                    yield _join(name, f"{own_name}__{index}"), others
                case _:
                    yield _join(name, str(index)), value
    elif isinstance(item, np.ndarray) and item.dtype == object:
        for index, value in enumerate(item.flat):
            yield _join(name, str(index)), value


def _join(name, key):
    return "__".join(filter(None, (name, key)))

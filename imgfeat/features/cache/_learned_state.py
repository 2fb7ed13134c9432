"""What a step has learned, as the bytes of plain arrays, and a step again from them."""

import io
import json
from numbers import Integral, Real

import numpy as np
from sklearn.base import clone
from sklearn.decomposition import PCA

# What may stand in an attribute of what is learned, beside arrays and numbers.
_INNER = {"PCA": PCA}


def state_of(step):
    """Write what a fitted step has learned.

    Parameters
    ----------
    step : fitted estimator

    Returns
    -------
    ndarray of uint8, or None
        None if there is more in it than arrays, numbers, text and a `PCA`.
    """
    arrays = {}
    try:
        facts = _describe(step, arrays, "")
        content = io.BytesIO()
        np.savez(content, facts=np.array(json.dumps(facts)), **arrays)
    except TypeError:
        return None
    return np.frombuffer(content.getvalue(), dtype=np.uint8)


def with_state(step, state):
    """Give a copy of a step what another one like it has learned.

    Parameters
    ----------
    step : estimator
    state : ndarray of uint8
        By `state_of`. Nothing in it is executed.

    Returns
    -------
    fitted estimator
    """
    with np.load(io.BytesIO(state.tobytes()), allow_pickle=False) as arrays:
        facts = json.loads(str(arrays["facts"]))
        return _restore(clone(step), facts, arrays)


def _describe(step, arrays, prefix):
    """Fitted attributes as values for JSON; arrays go aside, by name."""
    params = step.get_params(deep=False)
    return {
        name: _fact(value, arrays, prefix + name)
        for name, value in vars(step).items()
        if name not in params
    }


def _fact(value, arrays, name):
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        arrays[name] = value
        return {"array": name}
    for inner, kind in _INNER.items():
        if type(value) is kind:
            params = value.get_params(deep=False)
            fitted = _describe(value, arrays, f"{name}.")
            return {"inner": inner, "params": params, "fitted": fitted}
    if isinstance(value, tuple):
        return {"tuple": [_fact(item, arrays, name) for item in value]}
    if value is None or isinstance(value, bool | str):
        return {"value": value}
    if isinstance(value, Integral):
        return {"value": int(value)}
    if isinstance(value, Real):
        return {"value": float(value)}
    raise TypeError(f"{name} is more than values: {type(value).__name__}.")


def _restore(step, facts, arrays):
    for name, fact in facts.items():
        setattr(step, name, _value(fact, arrays))
    return step


def _value(fact, arrays):
    if "array" in fact:
        return arrays[fact["array"]]
    if "tuple" in fact:
        return tuple(_value(item, arrays) for item in fact["tuple"])
    if "inner" in fact:
        inner = _INNER[fact["inner"]](**fact["params"])
        return _restore(inner, fact["fitted"], arrays)
    return fact["value"]

"""What is nested in an estimator, told once for all who look inside.

Pipelines, unions, column transformers, searches, calibration, voting, stacking,
multi-output, frozen and bagged estimators, ours, and whatever else keeps estimators in
attributes, lists or dicts.
"""

from copy import copy

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline

from imgfeat._public_names import public_name
from imgfeat._sklearn import BaseSearchCV
from imgfeat._traits import traits_of

NO_STEP = "passthrough", "drop", None

# Lists of (name, estimator, ...): an item is named by its name alone.
_NAMED = {"steps", "transformer_list", "transformers", "estimators"}
# Where other containers keep what sees X itself; the fitted before the unfitted.
_INNER = (
    *("best_estimator_", "pipeline_", "calibrated_classifiers_", "estimators_"),
    *("estimator_", "estimator", "pipeline", "transformer", "estimators"),
    *("features_", "features"),
)


def walk(thing):
    """Yield ``(name, object)`` for an estimator and everything in it, each object once.

    Estimators give what they would save (``__getstate__``), so what they leave out
    does not count. Names read like parameters: ``"scaler"``, ``"cnn__backbone"``.
    """
    seen = {}
    waiting = [("", thing)]
    while waiting:
        name, item = waiting.pop()
        if id(item) in seen:
            continue
        seen[id(item)] = item  # held, so that no later object gets its id
        yield name, item
        waiting.extend(reversed(list(_children(name, item))))


def replace_nested(thing, replace):
    """Return `thing` with each estimator in it replaced by what ``replace`` returns.

    What does not change is shared with `thing`; what does is copied, so that `thing`
    stays as it is. Nets are not looked into.

    Parameters
    ----------
    thing : estimator
    replace : callable
        From an estimator to another, or the same.
    """
    return _replaced(thing, replace, {})


def branches(estimator):
    """``[(name, part), ...]`` of a pipeline, union or column transformer, else None."""
    if isinstance(estimator, Pipeline):
        return estimator.steps
    if isinstance(estimator, FeatureUnion):
        return estimator.transformer_list
    if isinstance(estimator, ColumnTransformer):
        parts = getattr(estimator, "transformers_", estimator.transformers)
        return [(name, part) for name, part, _ in parts]
    return None


def first_steps(estimator, *, into_columns=True):
    """The estimators that see X itself.

    Parameters
    ----------
    estimator : estimator, "passthrough", "drop" or None
    into_columns : bool, default=True
        Look into a `ColumnTransformer`, whose parts see some columns of X.

    Returns
    -------
    list of estimator
    """
    if isinstance(estimator, str | None):
        return []
    if isinstance(estimator, ColumnTransformer) and not into_columns:
        return [estimator]
    parts = branches(estimator)
    if parts is None:
        parts = inner_parts(estimator)
    parts = [part for _, part in parts if not isinstance(part, str | None)]
    if isinstance(estimator, Pipeline):
        parts = parts[:1]
    elif not parts:
        return [estimator]
    return [
        step for part in parts for step in first_steps(part, into_columns=into_columns)
    ]


def path_to(estimator, kind):
    """The first step of a kind, and the transformers that X passes before it.

    Parameters
    ----------
    estimator : estimator, "passthrough", "drop" or None
    kind : type, or tuple of types

    Returns
    -------
    (list of estimator, estimator) or None
        None where there is none of this kind.
    """
    if isinstance(estimator, kind):
        return [], estimator
    if isinstance(estimator, str | None):
        return None
    parts = branches(estimator) or inner_parts(estimator)
    for place, (_, part) in enumerate(parts):
        if found := path_to(part, kind):
            before = parts[:place] if isinstance(estimator, Pipeline) else []
            before = [step for _, step in before if step not in NO_STEP]
            return [*before, *found[0]], found[1]
    return None


def last_step(estimator):
    """What gives the output of an estimator: the end of a pipeline, or itself."""
    while isinstance(estimator, Pipeline):
        estimator = estimator.steps[-1][1]
    return estimator


def fit_param_of_last(estimator, name):
    """What a parameter of ``fit`` is called on its way to the last step.

    As in ``"classifier__sample_weight"``.
    """
    if isinstance(estimator, BaseSearchCV):
        return fit_param_of_last(estimator.estimator, name)
    if isinstance(estimator, Pipeline):
        step, last = estimator.steps[-1]
        return f"{step}__{fit_param_of_last(last, name)}"
    return name


def holds_nets(estimator):
    """Whether a net runs anywhere in it; does not import torch to see it."""
    return any(traits_of(item).holds_net for _, item in walk(estimator))


def type_name(item):
    """``"module.Class"`` of an object; of a class or function, its own name."""
    if isinstance(item, type):
        return public_name(item)
    if hasattr(item, "__name__"):
        return f"{getattr(item, '__module__', None)}.{item.__name__}"
    return public_name(type(item))


def inner_parts(estimator):
    """The parts of other containers that see X, with names that say nothing."""
    own = getattr(estimator, "__dict__", {})
    for attribute in _INNER:
        found = own.get(attribute)
        if not isinstance(found, list | tuple | np.ndarray):
            found = [found]
        found = [part[1] if isinstance(part, tuple) else part for part in found]
        found = [part for part in found if _is_open(part)]
        if found:
            return [("", part) for part in found]
    return []


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
    elif _is_open(item):
        for key, value in vars(item).items():
            yield _join(name, key), value


def _is_open(item):
    """Whether an object may keep estimators in its attributes.

    scikit-learn has such that are no estimators: calibrated classifiers and scorers.
    """
    if isinstance(item, BaseEstimator):
        return True
    is_sklearns = type(item).__module__.startswith("sklearn.")
    return is_sklearns and hasattr(item, "__dict__") and not isinstance(item, dict)


def _replaced(thing, replace, done):
    if id(thing) in done:
        return done[id(thing)][1]
    done[id(thing)] = thing, thing  # what refers back to itself ends here
    result = replace(thing) if isinstance(thing, BaseEstimator) else thing
    if result is not thing:
        result = _replaced(result, replace, done)
    elif isinstance(thing, dict):
        result = _rebuilt(thing, thing, replace, done)
    elif isinstance(thing, list | tuple):
        items = [_replaced(item, replace, done) for item in thing]
        if any(new is not old for new, old in zip(items, thing, strict=True)):
            result = type(thing)(items)
    elif isinstance(thing, np.ndarray) and thing.dtype == object:
        result = _rebuilt_array(thing, replace, done)
    elif _is_open(thing) and not traits_of(thing).holds_net:
        result = _rebuilt(thing, vars(thing), replace, done)
    done[id(thing)] = thing, result
    return result


def _rebuilt(thing, entries, replace, done):
    """A dict, or an object by its attributes, with its entries replaced."""
    changed = {}
    for key, value in entries.items():
        new = _replaced(value, replace, done)
        if new is not value:
            changed[key] = new
    if not changed:
        return thing
    result = copy(thing)
    (result if isinstance(result, dict) else vars(result)).update(changed)
    return result


def _rebuilt_array(array, replace, done):
    items = [_replaced(item, replace, done) for item in array.flat]
    if all(new is old for new, old in zip(items, array.flat, strict=True)):
        return array
    result = array.copy()
    for index, item in enumerate(items):
        result.flat[index] = item
    return result


def _join(name, key):
    return "__".join(filter(None, (name, key)))

"""What a saved file says about itself, for people and for error messages."""

import math
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

import imgfeat
from imgfeat._nesting import type_name, walk
from imgfeat._target import classes_of, gives_several, plain_labels, what_decides
from imgfeat.deploy._golden import tolerance_of
from imgfeat.deploy._says_unknown import is_open
from imgfeat.estimators import LabelThresholds

# How 8-bit images are resized: exactly. Before it was said, sums were rounded.
RESIZE = "exact"

# Those that may change what a pipeline predicts.
LIBRARIES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "skops",
    "pillow",
    "opencv-python",
    "numba",
    "torch",
    "torchvision",
    "timm",
    "onnxruntime",
    "openvino",
)


def describe(pipeline):
    """Return what is said of `pipeline`: versions, labels, how images are read."""
    return {
        "versions": library_versions(),
        "classes": _classes(pipeline),
        "steps": dict(_steps(pipeline)),
        "says_unknown": is_open(pipeline),
        "several_labels": gives_several(pipeline),
        "thresholds": _thresholds(pipeline),
        "reading": _told_once(reading_of(pipeline)),
        "inference": _inference(pipeline),
        "golden_tolerance": tolerance_of(pipeline),
        "resize": RESIZE,
    }


def library_versions():
    versions = {"python": platform.python_version(), "imgfeat": imgfeat.__version__}
    for name in LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue  # not installed, so not used
    return versions


def compare_versions(saved):
    """Say in a sentence which versions changed since a file was saved."""
    here = library_versions()
    if not isinstance(saved, dict):
        saved = {}
    changed = [
        f"{name} {saved.get(name, 'absent')!s:.20} (here {here.get(name, 'absent')})"
        for name in ("python", "imgfeat", *LIBRARIES)
        if saved.get(name) != here.get(name)
    ]
    if not changed:
        return "No library version differs from the saved ones."
    return f"It was saved with {', '.join(changed)}; install these, or save it again."


def _classes(pipeline):
    """Labels as JSON has them, or None for what is no classifier."""
    if getattr(pipeline, "classes_", None) is None:
        return None
    return plain_labels(classes_of(pipeline))


def _thresholds(pipeline):
    """Pairs of a label and its threshold, or None of what has none of its own."""
    last = what_decides(pipeline)
    if not isinstance(last, LabelThresholds):
        return None
    found = zip(plain_labels(classes_of(last)), last.thresholds_, strict=True)
    return [[label, float(value)] for label, value in found]


def plain_facts(facts):
    """Facts that a caller adds, as JSON has them.

    Raises
    ------
    TypeError
        If they are no dict.
    """
    if not isinstance(facts, Mapping):
        raise TypeError(f"facts must be a dict. Got {type(facts).__name__}.")
    return {
        str(key): plain_facts(value) if isinstance(value, Mapping) else _json(value)
        for key, value in facts.items()
    }


def _steps(pipeline):
    """Names of steps, and what they are: the parameters that are not the default."""
    steps = pipeline.steps if isinstance(pipeline, Pipeline) else [("", pipeline)]
    for name, step in steps:
        yield name, " ".join(repr(step).split())


def reading_of(pipeline):
    """The parameters of everything that sees images, by name of the step."""
    return {
        name: {key: _json(value) for key, value in item.get_params(deep=False).items()}
        for name, item in walk(pipeline)
        if type_name(item).startswith("imgfeat.") and isinstance(item, BaseEstimator)
    }


def _told_once(reading):
    """Without the fitted copy of what stands there unfitted, as of a vote's members.

    Names of fitted parts have an underscore at their end: ``estimators___0__hog``.
    """
    given = {name: item for name, item in reading.items() if not _is_fitted(name)}
    return {
        name: item
        for name, item in reading.items()
        if name in given or item not in given.values()
    }


def _is_fitted(name):
    return "___" in f"{name}__"


def _inference(pipeline):
    """How nets ran when what follows them was fitted, by name of the step."""
    return {
        name: {
            key: _json(item.inference_info_[key])
            for key in ("engine", "device", "precision")
        }
        for name, item in walk(pipeline)
        if hasattr(item, "inference_info_")
    }


def _json(value):
    value = value.tolist() if hasattr(value, "tolist") else value
    match value:
        case None | bool() | int() | str():
            return value
        case float() if math.isfinite(value):
            return value
        case list() | tuple():
            return [_json(item) for item in value]
    return repr(value)

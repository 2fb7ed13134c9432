"""The names of our classes in saved files, which last longer than where modules stand.

A file says ``imgfeat.features.HOG``, whatever module of that room has the class. Files
of format 1 said the module, and some parameters had other names: they are read by what
stands below, which never changes.
"""

import inspect

from sklearn.base import BaseEstimator

from imgfeat._nesting import walk
from imgfeat._public_names import public_name

_NAMES = """
    estimators.AugmentedClassifier
    estimators.CNNClassifier
    estimators.LabelThresholds
    estimators.LabelVote
    estimators.LinearProbe
    estimators.OpenSet
    estimators.PairVerifier
    estimators.PlannedFolds
    estimators.PrototypeClassifier
    estimators.RidgeProbe
    estimators.RowSpace
    estimators.SlidingWindowDetector
    estimators.ZeroShotClassifier
    features.BagOfVisualWords
    features.CNNEmbedding
    features.ColorHistogram
    features.DenseSIFT
    features.FisherVector
    features.GLCM
    features.HOG
    features.LBP
    features.ORB
    features.PatchDictionary
    features.SIFT
    features.VLAD
    preprocess.CenterCrop
    preprocess.Equalize
    preprocess.Grayscale
    preprocess.Policy
    preprocess.Resize
    sources.ImageReader
"""
PUBLIC = frozenset(f"imgfeat.{name}" for name in _NAMES.split())

# Where these classes stood when format 1 was written.
_MODULES_1 = {
    "imgfeat.estimators": ("_augmented", "_finetune", "_probe"),
    "imgfeat.features": (
        *("_bovw", "_color", "_cooccurrence", "_dense_sift", "_embedding", "_fisher"),
        *("_hog", "_patches", "_sift", "_texture", "_vlad"),
    ),
    "imgfeat.preprocess": ("_augment", "_color", "_geometry"),
    "imgfeat.sources": ("_reader",),
}
_PLACES_1 = {
    f"{room}.{module}": room
    for room, modules in _MODULES_1.items()
    for module in modules
}
# Attributes that have another name since: by class, from old to new.
_ENCODER_1 = {"norm": "normalize"}
_RENAMED_1 = {
    "imgfeat.estimators.AugmentedClassifier": {
        "n_views": "n_augmented",
        "tta": "n_views",
    },
    "imgfeat.features.BagOfVisualWords": _ENCODER_1,
    "imgfeat.features.FisherVector": _ENCODER_1,
    "imgfeat.features.PatchDictionary": {
        "pool_grid": "grid",
        "n_iter": "max_iter",
        "n_patches": "max_patches",
    },
    "imgfeat.features.VLAD": _ENCODER_1,
}


def publish(schema):
    """Let a schema of skops name our classes as they are known outside, in place."""
    for node in nodes(schema):
        module = node.get("__module__")
        if isinstance(module, str) and module.startswith("imgfeat."):
            node["__module__"] = ".".join(module.split(".")[:2])


def migrate(schema):
    """Bring a schema of format 1 to what `publish` makes today, in place."""
    for node in nodes(schema):
        room = _PLACES_1.get(node.get("__module__"))
        if room is None:
            continue
        node["__module__"] = room
        _rename(node, _RENAMED_1.get(f"{room}.{node.get('__class__')}", {}))


def nodes(schema):
    """Yield every dict of a schema, the outermost first."""
    waiting = [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def add_defaults(pipeline):
    """Give estimators of an older file the parameters that came since, by default."""
    for _, item in walk(pipeline):
        if isinstance(item, BaseEstimator) and public_name(type(item)) in PUBLIC:
            for name, parameter in inspect.signature(type(item)).parameters.items():
                vars(item).setdefault(name, parameter.default)


def _rename(node, names):
    state = node["content"]["content"]
    node["content"]["content"] = {names.get(k, k): value for k, value in state.items()}

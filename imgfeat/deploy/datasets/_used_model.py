"""The model of a dataset: what it is known by, and how another process gets it."""

import hashlib
import json
import os

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from imgfeat._home import expanded
from imgfeat._stateless import is_stateless
from imgfeat.deploy._bundle import dump_nets, load
from imgfeat.deploy._manifest import RESIZE, reading_of
from imgfeat.deploy._model import dump_model
from imgfeat.deploy._uncached import without_caches
from imgfeat.estimators._front_of import front_of
from imgfeat.features.cache._keys import transformer_key
from imgfeat.nets.catalog._tensors import hash_file

_SUFFIX = ".imgfeat"
# They change how fast images are read, not what is read.
_SPEED = {"n_jobs", "verbose", "batch_size"}


class UsedModel:
    """A model, and its hashes. Where it comes from a file, a pickle holds the name.

    Parameters
    ----------
    estimator : fitted estimator
    path : str, optional
        Of the saved file that it comes from.

    Attributes
    ----------
    digest : str
        Another for another model.
    reading : str
        A digest of how images are read, which is part of that.
    """

    def __init__(self, estimator, path=None):
        self.path = path
        self.digest = _digest(estimator) if path is None else hash_file(path)
        self.reading = _reading_digest(estimator)
        self._estimator = estimator

    def __getstate__(self):
        # What a saved file has of weights is not in a pickle of its model.
        left_out = {} if self.path is None else {"_estimator": None}
        return self.__dict__ | left_out

    @property
    def estimator(self):
        """The model itself, loaded if it is not in this process."""
        if self._estimator is None:
            self._estimator = load(self.path)
        return self._estimator


def used_classifier(model):
    """The `UsedModel` of a saved file, or a fitted classifier of images."""
    return _used_estimator(model) if _is_estimator(model) else _used_file(model)


def used_front(model):
    """The `UsedModel` of a file, an estimator, or a net's name, that makes features.

    Raises
    ------
    TypeError
        If it makes none.
    """
    if _is_estimator(model):
        used = _used_estimator(model)
    elif _is_file(model):
        used = _used_file(model)
    else:
        used = _used_estimator(_net(model))
    if front_of(used.estimator) is None:
        raise TypeError(
            "Vectors need a model that makes features of images: a pipeline with a "
            "transformer in front of its classifier, or a transformer. Got "
            f"{type(used.estimator).__name__}."
        )
    return used


def _used_estimator(estimator):
    check_is_fitted(estimator)
    return UsedModel(estimator)


def _used_file(model):
    path = os.path.abspath(expanded(model))
    return UsedModel(load(path), path)


def _is_estimator(model):
    if isinstance(model, str | os.PathLike):
        return False
    if isinstance(model, BaseEstimator):
        return True
    raise TypeError(
        "A dataset needs a fitted estimator, or the name of a saved file. Got "
        f"{getattr(model, '__name__', type(model).__name__)}."
    )


def _is_file(model):
    """Whether a name is that of a saved file, not of a net."""
    if isinstance(model, os.PathLike) or model.endswith(_SUFFIX):
        return True
    return os.path.isfile(expanded(model))


def _net(name):
    from imgfeat.features import CNNEmbedding  # only here, as it imports torch

    # Finds the weights, or says what is missing; no image is read.
    return CNNEmbedding(name).fit(["an image"])


def _digest(estimator):
    if is_stateless(estimator):
        try:
            return transformer_key(estimator)[0]
        except TypeError as error:
            raise TypeError(
                "A dataset must tell its model from others, to go on with the same. "
                f"Got {type(estimator).__name__}, which cannot be told ({error}); save "
                "it with imgfeat.save, or give its steps plain values for parameters."
            ) from error
    estimator = without_caches(estimator)
    digest = hashlib.sha256(dump_model(estimator))
    names, _ = dump_nets(estimator)
    digest.update(json.dumps(names, sort_keys=True).encode())
    return digest.hexdigest()


def _reading_digest(estimator):
    steps = {
        name: {key: value for key, value in params.items() if key not in _SPEED}
        for name, params in reading_of(estimator).items()
    }
    text = json.dumps({"steps": steps, "resize": RESIZE}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()

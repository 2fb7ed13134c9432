"""What a value is, told in what JSON can hold: equal for equal values, else different.

It is the same in every process, so nothing in it follows the seed of hashes, addresses
in memory, or what happens to be imported.
"""

import dataclasses
import functools
import json
import logging
import os
import re
import types
from collections.abc import Mapping
from contextlib import contextmanager
from enum import Enum

import numpy as np
from sklearn.pipeline import Pipeline

from imgfeat._public_names import public_name
from imgfeat._traits import traits_of
from imgfeat.features.cache._code_identity import (
    LRU_CACHE,
    class_facts,
    descriptor_facts,
    function_facts,
    installed_version,
    packaged,
    version_of,
)
from imgfeat.features.cache._net_identity import (
    is_net,
    is_tensor,
    net_facts,
    tensor_facts,
)
from imgfeat.sources._source import hash_array, hash_parts, source_of

# Parameters that change how fast features are there, not what they are.
_IGNORED = {"n_jobs", "verbose", "batch_size", "memory"}
# What computes with a net beside it; another version may give other numbers.
_NET_LIBRARIES = ("torch", "torchvision", "timm", "onnxruntime", "openvino")
_DESCRIPTORS = (property, staticmethod, classmethod, functools.cached_property)


class Identities:
    """Describes values, and the functions and classes that they are made of.

    Functions, classes and nets are numbered as they are met, as pickle does: the
    second time a number stands for one, so that those which refer to each other end.
    """

    def __init__(self, seen=None):
        self._seen = dict(seen or {})  # by id: a number, and the value to keep it alive
        self._within = []  # containers that are being described
        self._in_code = 0

    def describe(self, value, owner):
        """Turn a value into what JSON can hold; `owner` is what messages call it.

        Raises
        ------
        TypeError
            If it cannot be told from others.
        """
        if isinstance(value, Enum):
            name = f"{public_name(type(value))}.{value.name}"
            return {"enum": name, "value": self.describe(value.value, owner)}
        if isinstance(value, np.generic) and value.dtype.kind in "biufcSU":
            value = value.item()
        if id(value) in self._within:
            return {"within": self._within.index(id(value))}
        for kinds, tell in self._BY_KIND:
            if isinstance(value, kinds):
                return tell(self, value, owner)
        if is_tensor(value):
            return tensor_facts(value)
        if is_net(value):
            return self._once(value, lambda: net_facts(value, owner, self.describe))
        if hasattr(value, "get_params"):
            return self._estimator(value, owner)
        if hasattr(value, "get_n_splits"):  # folds, which are known by their parameters
            folds = self.describe(vars(value), owner)
            return self._class(type(value), owner) | {"folds": folds}
        if callable(value) and (found := packaged(value)):
            return found
        if dataclasses.is_dataclass(value):
            return self._dataclass(value, owner)
        if hasattr(value, "py_func"):  # compiled by numba
            parts = [value.py_func, getattr(value, "targetoptions", None)]
            return {"compiled": self.describe(parts, owner)}
        if self._in_code and hasattr(type(value), "__get__"):
            return descriptor_facts(value, self.describe)
        raise _untellable(value, owner)

    def _plain(self, value, owner):
        return value

    def _number(self, value, owner):
        return {type(value).__name__: repr(value)}  # JSON has no NaN, and text is text

    def _class(self, kind, owner):
        if version_of(kind.__module__):
            return class_facts(kind, self._in_code_of)
        again = self._once(kind, lambda: class_facts(kind, self._in_code_of))
        return {"class": public_name(kind), **again}

    def _function(self, function, owner):
        if found := packaged(function):
            return found
        return self._once(function, lambda: function_facts(function, self._in_code_of))

    def _partial(self, value, owner):
        parts = [value.func, value.args, value.keywords]
        return {"partial": self.describe(parts, owner)}

    def _method(self, value, owner):
        return {"method": self.describe([value.__func__, value.__self__], owner)}

    def _kept(self, value, owner):
        return {"kept": self.describe(value.__wrapped__, owner)}

    def _sequence(self, value, owner):
        with self._inside(value):
            return [self.describe(v, f"{owner}[{i}]") for i, v in enumerate(value)]

    def _mapping(self, value, owner):
        with self._inside(value):
            pairs = [[self.describe(key, owner), key] for key in value]
            pairs.sort(key=_as_text)
            return {
                "mapping": [
                    [about, self.describe(value[key], f"{owner}[{key!r}]")]
                    for about, key in pairs
                ]
            }

    def _set(self, value, owner):
        # Each by itself, for their order follows the seed of hashes.
        found = []
        for item in value:
            alone = Identities(self._seen)
            alone._in_code = self._in_code
            found.append(alone.describe(item, owner))
        return {"set": sorted(found, key=json.dumps)}

    def _array(self, value, owner):
        if value.dtype.hasobject:
            raise _untellable(value, owner)
        plain = np.asarray(value)
        if plain.dtype.kind in "mM":
            plain = plain.view(np.int64)
        found = {"array": hash_array(plain).hex(), "dtype": str(value.dtype)}
        if isinstance(value, np.ma.MaskedArray):
            found["mask"] = hash_array(np.ma.getmaskarray(value)).hex()
            found["fill"] = repr(value.fill_value)
        elif type(value) not in (np.ndarray, np.memmap):
            found["kind"] = public_name(type(value))
        return found

    def _bytes(self, value, owner):
        return {"bytes": hash_parts(b"bytes", value).hex()}

    def _dtype(self, value, owner):
        return {"dtype": repr(value)}

    def _path(self, value, owner):
        """A file is known as those of images are, and others by where they would be."""
        path = os.path.realpath(value)
        if os.path.isdir(path):
            raise _untellable(value, owner)
        identity = source_of(value).identity()
        return {"path": path, "file": identity and identity.hex()}

    def _pattern(self, value, owner):
        return {"pattern": self.describe([value.pattern, value.flags], owner)}

    def _logger(self, value, owner):
        return {"logger": value.name}

    def _namespace(self, value, owner):
        return {"namespace": self.describe(vars(value), owner)}

    def _named(self, value, owner):
        return {public_name(type(value)): repr(value)}

    def _descriptor(self, value, owner):
        return descriptor_facts(value, self.describe)

    _BY_KIND = (
        ((type(None), bool, int, str), _plain),
        ((float, complex), _number),
        (type, _class),
        ((list, tuple), _sequence),
        ((set, frozenset), _set),
        (Mapping, _mapping),
        (np.ndarray, _array),
        (bytes, _bytes),
        (os.PathLike, _path),
        (np.dtype, _dtype),
        (re.Pattern, _pattern),
        ((type(...), range, slice, types.GenericAlias), _named),
        (logging.Logger, _logger),
        (types.SimpleNamespace, _namespace),
        (functools.partial, _partial),
        (types.FunctionType, _function),
        (types.MethodType, _method),
        (LRU_CACHE, _kept),
        (_DESCRIPTORS, _descriptor),
    )

    def _estimator(self, estimator, owner):
        parameters = estimator.get_params(deep=False)
        if not self._in_code:
            if same := getattr(estimator, "_gives_rows_of", None):
                return self.describe(parameters[same], f"{owner}.{same}")
            if type(estimator) is Pipeline:
                parameters["steps"] = [step for _, step in estimator.steps]
        ignored = set(_IGNORED)
        if hasattr(estimator, "predict"):  # batches that are learned from are more
            ignored.remove("batch_size")
        found = {
            **self._class(type(estimator), owner),
            "parameters": {
                name: self.describe(value, f"{owner}.{name}")
                for name, value in sorted(parameters.items())
                if name not in ignored
            },
        }
        # As a parameter it is cloned; what code holds works as it is, fitted or not.
        if self._in_code:
            state = {k: v for k, v in vars(estimator).items() if k not in parameters}
            found["state"] = self.describe(state, owner)
        if traits_of(estimator).holds_net:
            found["libraries"] = versions(_NET_LIBRARIES)
        if hasattr(estimator, "_cache_facts"):
            facts = estimator._cache_facts()
            found |= {
                name: self.describe(fact, f"{owner}.{name}") if callable(fact) else fact
                for name, fact in facts.items()
            }
        return found

    def _dataclass(self, value, owner):
        names = {field.name for field in dataclasses.fields(value)}
        names |= getattr(value, "__dict__", {}).keys()
        state = {name: getattr(value, name) for name in sorted(names)}
        return {
            "dataclass": self._class(type(value), owner),
            "fields": self.describe(state, owner),
        }

    def _in_code_of(self, value, owner):
        self._in_code += 1
        try:
            return self.describe(value, owner)
        finally:
            self._in_code -= 1

    def _once(self, value, facts):
        """Describe what may refer to itself."""
        if id(value) in self._seen:
            return {"again": self._seen[id(value)][0]}
        self._seen[id(value)] = len(self._seen), value
        return facts()

    @contextmanager
    def _inside(self, container):
        self._within.append(id(container))
        try:
            yield
        finally:
            self._within.pop()


def versions(libraries):
    """The versions of installed distributions, None where there is none."""
    return {name: installed_version(name) for name in libraries}


def _as_text(pair):
    return json.dumps(pair[0], sort_keys=True)


def _untellable(value, owner):
    return TypeError(
        "CachedFeatures must tell transformers apart by their parameters. Got "
        f"{owner} of type {public_name(type(value))}, which is more than its value; "
        "use numbers, text, arrays, functions or estimators, or go without the cache."
    )

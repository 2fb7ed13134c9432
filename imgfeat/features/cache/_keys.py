"""What a row of features depends on, as a key: the image, and the transformer."""

import functools
import hashlib
import inspect
import json
import os
import sys
import types
from collections.abc import Mapping
from enum import Enum

import numpy as np

import imgfeat
from imgfeat._public_names import public_name
from imgfeat.sources._source import hash_array, hash_parts

# Parameters that change how fast features are there, not what they are.
_IGNORED = {"n_jobs", "verbose", "batch_size", "memory"}
# Batches that are learned from are more than that.
_IGNORED_OF_LEARNERS = _IGNORED - {"batch_size"}


def row_keys(sources):
    """Return a key for each image, equal for equal images.

    Parameters
    ----------
    sources : sequence of Source
        A file is known by where it is, which one it is there, its size and the times
        of its last change, and is not read. All else is known by its content.

    Returns
    -------
    keys : ndarray of shape (n_sources, 2), uint64
    known : ndarray of shape (n_sources,), bool
        False where there is no telling, such as a missing file; its key is 0.
    """
    # A search comes here for every fit, so what is done for each file counts.
    # Folders are looked up once, and not remembered: their links may change.
    resolve = functools.cache(os.path.realpath)
    identities = [source.identity(resolve) for source in sources]
    known = np.array([identity is not None for identity in identities], dtype=bool)
    content = b"".join(identity or bytes(16) for identity in identities)
    return np.frombuffer(content, dtype=np.uint64).reshape(-1, 2), known


def transformer_key(transformer):
    """Return a key for what `transformer` computes, and what it was made from.

    Parameters
    ----------
    transformer : estimator
        What it, or a step of it, depends on beside its parameters it says in a method
        ``_cache_facts``, by a dict ready for JSON.

    Returns
    -------
    key : str
        32 hexadecimal digits.
    description : dict
        Classes, versions, parameters and hashes of weights, ready for JSON.

    Raises
    ------
    TypeError
        If a parameter is of a kind that cannot be told from others.
    """
    description = {
        "imgfeat": imgfeat.__version__,
        "transformer": _describe(transformer, "transformer"),
    }
    text = json.dumps(description, sort_keys=True)
    return hash_parts(b"transformer", text.encode()).hex(), description


def describe_value(value, owner):
    """Turn a parameter into what JSON can hold, equal for equal values.

    Parameters
    ----------
    value : object
    owner : str
        What messages call it.

    Raises
    ------
    TypeError
        If it is more than its value.
    """
    return _describe(value, owner)


def _describe(value, owner):
    """Turn a parameter into what JSON can hold; `owner` is what messages call it."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return repr(value)  # JSON has no NaN
    if isinstance(value, type):
        return _describe_class(value)
    if hasattr(value, "get_params"):
        return _describe_estimator(value, owner)
    if hasattr(value, "get_n_splits"):  # folds, which are known by their parameters
        return _describe_class(type(value)) | {"folds": _describe(vars(value), owner)}
    if isinstance(value, list | tuple):
        return [_describe(item, f"{owner}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, Mapping):
        pairs = [[repr(k), _describe(v, f"{owner}[{k!r}]")] for k, v in value.items()]
        return {"mapping": sorted(pairs, key=lambda pair: pair[0])}
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return {"array": hash_array(value).hex()}
    if isinstance(value, bytes):
        return {"bytes": hash_parts(b"bytes", value).hex()}
    if isinstance(value, os.PathLike):
        return {"path": os.fspath(value)}
    if isinstance(value, np.dtype):
        return {"dtype": value.str}
    if isinstance(value, Enum):
        return {"enum": f"{public_name(type(value))}.{value.name}"}
    if callable(value) and (found := _describe_callable(value, owner)):
        return found
    if _is_net(value):
        return _describe_net(value)
    raise TypeError(
        "CachedFeatures must tell transformers apart by their parameters. Got "
        f"{owner} of type {public_name(type(value))}, which is more than its value; "
        "use numbers, text, arrays, functions or estimators, or go without the cache."
    )


def _describe_class(kind):
    if version := _version(kind.__module__):
        return {"class": public_name(kind), "version": version}
    # Someone's own class, edited as they go: its code is its version.
    digest = hashlib.blake2b(digest_size=16, person=b"class")
    for base in kind.__mro__:
        if base is object or _version(base.__module__):
            continue
        for name, member in vars(base).items():
            function = inspect.unwrap(getattr(member, "__func__", member))
            function = getattr(function, "fget", function)
            if isinstance(function, types.FunctionType):
                digest.update(name.encode())
                for part in _code_parts(function.__code__):
                    digest.update(part)
    return {"class": public_name(kind), "code": digest.hexdigest()}


def _describe_estimator(estimator, owner):
    ignored = _IGNORED_OF_LEARNERS if hasattr(estimator, "predict") else _IGNORED
    parameters = {
        name: _describe(value, f"{owner}.{name}")
        for name, value in sorted(estimator.get_params(deep=False).items())
        if name not in ignored
    }
    found = {**_describe_class(type(estimator)), "parameters": parameters}
    if hasattr(estimator, "_cache_facts"):
        facts = estimator._cache_facts()
        found |= {
            name: _describe(fact, f"{owner}.{name}") if callable(fact) else fact
            for name, fact in facts.items()
        }
    return found


def _describe_callable(function, owner):
    if isinstance(function, functools.partial):
        parts = [function.func, function.args, function.keywords]
        return {"partial": _describe(parts, owner)}
    if isinstance(function, types.FunctionType):
        # A function's name says nothing of an edit, or of which lambda it is.
        cells = [cell.cell_contents for cell in function.__closure__ or ()]
        extras = [function.__defaults__, function.__kwdefaults__, cells]
        return {
            "function": public_name(function),
            "code": hash_parts(b"code", *_code_parts(function.__code__)).hex(),
            "extras": _describe(extras, owner),
        }
    # A package's own, such as np.clip: known by its name, as classes are.
    module = getattr(function, "__module__", None) or "numpy"  # of old ufuncs
    name = getattr(function, "__name__", "")
    if getattr(sys.modules.get(module), name, None) is function:
        return {"function": f"{module}.{name}", "version": _version(module)}
    return None


def _code_parts(code):
    yield code.co_code
    yield repr((code.co_names, code.co_varnames)).encode()
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _code_parts(constant)
        else:
            yield repr(constant).encode()


def _is_net(value):
    # Who holds a net has imported torch already; nobody else should wait for it.
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.nn.Module)


def _describe_net(net):
    torch = sys.modules["torch"]
    digest = hashlib.blake2b(digest_size=16, person=b"net")
    for name, tensor in net.state_dict().items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        plain = tensor.detach().cpu().contiguous().flatten().view(torch.uint8)
        digest.update(plain.numpy())
    return {
        **_describe_class(type(net)),
        "layers": repr(net),
        "weights": digest.hexdigest(),
    }


def _version(module_name):
    """The version of the package that something is from, if it tells."""
    package = sys.modules.get(module_name.partition(".")[0])
    version = getattr(package, "__version__", None)
    return version if isinstance(version, str) else None

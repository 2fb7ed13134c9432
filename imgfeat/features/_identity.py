"""What a row of features depends on, as a key: the image, and the transformer."""

import functools
import hashlib
import inspect
import io
import json
import os
import stat
import sys
import types
from collections.abc import Mapping
from enum import Enum

import numpy as np
from PIL import Image

import imgfeat
from imgfeat._public_names import public_name
from imgfeat.sources._decode import ImageDecodeError, decode_image

# Parameters that change how fast features are there, not what they are.
_IGNORED = {"n_jobs", "verbose", "batch_size", "memory"}


def row_keys(items):
    """Return a key for each image, equal for equal images.

    Parameters
    ----------
    items : sequence
        A path is known by where it is, its size and the time of its last change, and
        is not read. All else is known by its content.

    Returns
    -------
    keys : ndarray of shape (n_items, 2), uint64
    known : ndarray of shape (n_items,), bool
        False where there is no telling, such as a missing file; its key is 0.
    """
    # A search comes here for every fit, so what is done for each path counts.
    folder = _working_folder()
    digests = [
        _path_digest(item, folder) if is_path(item) else _row_digest(item)
        for item in items
    ]
    known = np.array([digest is not None for digest in digests], dtype=bool)
    content = b"".join(digest or bytes(16) for digest in digests)
    return np.frombuffer(content, dtype=np.uint64).reshape(-1, 2), known


def is_path(item):
    """Whether an image is given as a file's path."""
    return isinstance(item, str) or isinstance(item, os.PathLike)  # noqa: SIM101


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
    return _hash(b"transformer", text.encode()).hex(), description


def _hash(kind, *parts):
    digest = hashlib.blake2b(digest_size=16, person=kind)
    for part in parts:
        digest.update(part)
    return digest.digest()


def _row_digest(item):
    if isinstance(item, np.ndarray):
        return _array_digest(item)
    if isinstance(item, bytes | bytearray | memoryview):
        return _hash(b"bytes", item)
    if isinstance(item, Image.Image):
        # Its pixels as every transformer gets them; float32 tells all depths apart.
        try:
            return _array_digest(decode_image(item, dtype="float32"), kind=b"pil")
        except ImageDecodeError:
            return None  # the transformer will say what is wrong with it
    if isinstance(item, io.IOBase) and item.seekable():
        item.seek(0)
        content = item.read()
        return _hash(b"bytes", content) if isinstance(content, bytes) else None
    return None


def _working_folder():
    try:
        return os.getcwd()
    except OSError:  # removed meanwhile; full paths are known without it
        return ""


def _path_digest(path, folder):
    try:
        state = os.stat(path)
    except (OSError, ValueError):  # missing, or no path at all: not ours to say
        return None
    if not stat.S_ISREG(state.st_mode):
        return None
    return _file_digest(path, folder, state.st_size, state.st_mtime_ns)


@functools.lru_cache(maxsize=2**17)
def _file_digest(path, folder, size, mtime_ns):
    place = os.fsencode(os.path.normpath(os.path.join(folder, path)))
    return _hash(b"path", place, b"\0%d %d" % (size, mtime_ns))


def _array_digest(array, kind=b"array"):
    if array.dtype.hasobject:
        return None
    array = np.ascontiguousarray(array)
    facts = f"{array.dtype.str} {array.shape}".encode()
    content = memoryview(array).cast("B") if array.size else b""
    return _hash(kind, facts, content)


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
    if isinstance(value, list | tuple):
        return [_describe(item, f"{owner}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, Mapping):
        pairs = [[repr(k), _describe(v, f"{owner}[{k!r}]")] for k, v in value.items()]
        return {"mapping": sorted(pairs, key=lambda pair: pair[0])}
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return {"array": _array_digest(value).hex()}
    if isinstance(value, bytes):
        return {"bytes": _hash(b"bytes", value).hex()}
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
    parameters = {
        name: _describe(value, f"{owner}.{name}")
        for name, value in sorted(estimator.get_params(deep=False).items())
        if name not in _IGNORED
    }
    found = {**_describe_class(type(estimator)), "parameters": parameters}
    if hasattr(estimator, "_cache_facts"):
        found |= estimator._cache_facts()
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
            "code": _hash(b"code", *_code_parts(function.__code__)).hex(),
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

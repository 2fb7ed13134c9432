"""Exported nets on disk: whole and unchanged, or not there."""

import hashlib

import torch

from imgfeat import __version__
from imgfeat._files import replacing, sweep
from imgfeat._home import NoHomeError, home
from imgfeat._once import warn_once
from imgfeat._progress import announce
from imgfeat.nets.inference import _export
from imgfeat.nets.inference._onnx_session import import_runtime

_DIGEST_BYTES = hashlib.sha256().digest_size


def find_or_export(make_embedder, name, key, verbose=False):
    """Return the exported net that is kept under `key`, or export and keep it.

    Parameters
    ----------
    make_embedder : callable
        Returns the Embedder.
    name, key
        As for `find_or_make`.
    verbose : bool or int, default=False
        Say so before the net is exported, which takes long.

    Raises
    ------
    ExportError
        If the net cannot be exported, or gives other outputs then.
    """

    def export():
        announce(
            f"Preparing {name}: up to half a minute, once on this machine.", verbose
        )
        return _export.export(make_embedder())

    return find_or_make(name, key, export)


def find_or_make(name, key, make):
    """Return the bytes that are kept under `key`, or make and keep them.

    Parameters
    ----------
    name : str
        Of the net, for people who look into the folder.
    key : object
        Its repr says all that the result depends on, besides the versions of imgfeat,
        torch and ONNX Runtime. None keeps nothing.
    make : callable
        Returns bytes.
    """
    if key is None:
        return make()
    try:
        path = cache_path(name, key, import_runtime().__version__)
    except NoHomeError as error:
        _note_not_kept(str(error))
        return make()
    model = _read(path)
    if model is None:
        model = make()
        _write(path, model)
    return model


def cache_path(name, key, runtime_version):
    """Return where a net is kept."""
    versions = __version__, torch.__version__, runtime_version
    digest = hashlib.sha256(repr((key, versions)).encode()).hexdigest()
    return home() / "onnx" / f"{name.replace('/', '-')}-{digest[:16]}.onnx-cache"


def _read(path):
    """Return the model, or None if there is none or its bytes have changed."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    model, digest = content[:-_DIGEST_BYTES], content[-_DIGEST_BYTES:]
    return model if hashlib.sha256(model).digest() == digest else None


def _write(path, model):
    """Keep the model with its hash behind it: all of it, or nothing.

    Where the folder cannot be written, the next process makes it again.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path)
        # Whoever reads it checks its hash.
        with replacing(path, durable=False) as file:
            file.write(model)
            file.write(hashlib.sha256(model).digest())
    except OSError as error:
        reason = f"{path.parent}: {error.strerror or error}."
        _note_not_kept(f"{reason} Make room, or set IMGFEAT_HOME to another folder.")


def _note_not_kept(reason):
    warn_once(
        _note_not_kept,
        "The exported net is not kept, and the next process exports it again, "
        f"which may take half a minute. {reason}",
        RuntimeWarning,
    )

"""The ONNX Runtime engine: a net is exported once, checked, and kept on disk."""

import hashlib
import io
import os
import tempfile
import threading
import warnings
from contextlib import contextmanager, redirect_stdout, suppress

import numpy as np
import torch

from imgfeat import __version__
from imgfeat._home import home
from imgfeat._optional import import_optional

# Outputs of the exported net may differ from torch's by this much of the largest.
_TOLERANCE = 1e-4
_DIGEST_BYTES = hashlib.sha256().digest_size


class OnnxEngine:
    """Runs an exported Embedder on the CPU.

    Parameters
    ----------
    make_embedder : callable
        Returns the Embedder; called when it must be exported.
    name : str
        Of the net, for people who look into the cache folder.
    size : tuple of (int, int)
        Height and width of its images in pixels.
    cache_key : object, optional
        Its repr says all that the result depends on. None keeps nothing on disk.
    """

    def __init__(self, make_embedder, name, size, cache_key=None):
        self._runtime = import_optional(
            "onnxruntime", extra="onnx", purpose="engine='onnx'"
        )
        self._sessions = {}
        self._lock = threading.Lock()
        self._model = self._find_or_export(make_embedder, name, size, cache_key)

    @contextmanager
    def running(self, n_intra):
        """Yield the function from uint8 images to vectors, `n_intra` threads inside."""
        session = self._session(n_intra)
        yield lambda images: session.run(None, {"images": images})[0]

    def _session(self, n_threads):
        with self._lock:
            if n_threads not in self._sessions:
                self._sessions[n_threads] = self._open(self._model, n_threads)
            return self._sessions[n_threads]

    def _open(self, model, n_threads):
        options = self._runtime.SessionOptions()
        options.intra_op_num_threads = n_threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors only
        return self._runtime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )

    def _find_or_export(self, make_embedder, name, size, cache_key):
        if cache_key is None:
            return self._checked_export(make_embedder(), size)
        path = _cache_path(name, cache_key, self._runtime.__version__)
        model = _read(path)
        if model is None:
            model = self._checked_export(make_embedder(), size)
            _write(path, model)
        return model

    def _checked_export(self, embedder, size):
        model = _export(embedder, size)
        noise = np.random.default_rng(0).integers(0, 256, (2, *size, 3), dtype=np.uint8)
        with torch.inference_mode():
            expected = embedder(torch.from_numpy(noise)).numpy()
        got = self._open(model, 1).run(None, {"images": noise})[0]
        error = np.abs(got - expected).max() / max(np.abs(expected).max(), 1e-30)
        if not error <= _TOLERANCE:
            raise RuntimeError(
                f"The exported net must give torch's outputs within {_TOLERANCE:g} of "
                f"the largest. Got {error:.2g}; use engine='torch'."
            )
        return model


def _export(embedder, size):
    import_optional("onnxscript", extra="onnx", purpose="engine='onnx'")
    images = torch.zeros((2, *size, 3), dtype=torch.uint8)
    # What the exporter has to say is for those who develop it.
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            program = torch.onnx.export(
                embedder,
                (images,),
                dynamo=True,
                input_names=["images"],
                output_names=["features"],
                dynamic_shapes=({0: torch.export.Dim("n_images")},),
                verbose=False,
            )
        except torch.onnx.errors.OnnxExporterError as error:
            raise RuntimeError(
                "engine='onnx' needs a net that torch can export. Got: "
                f"{str(error).splitlines()[0]} Use engine='torch'."
            ) from error
    return program.model_proto.SerializeToString()


def _cache_path(name, cache_key, runtime_version):
    versions = __version__, torch.__version__, runtime_version
    key = hashlib.sha256(repr((cache_key, versions)).encode()).hexdigest()
    return home() / "onnx" / f"{name}-{key[:16]}.onnx-cache"


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

    Where the folder cannot be written, the next process exports again.
    """
    part = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            part = file.name
            file.write(model)
            file.write(hashlib.sha256(model).digest())
        os.replace(part, path)
    except OSError:
        if part is not None:
            with suppress(OSError):
                os.unlink(part)

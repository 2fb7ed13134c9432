"""The ONNX Runtime engine: on the CPU, also in 8 bits, or on CUDA."""

import threading
from contextlib import contextmanager

import numpy as np

from imgfeat.nets.inference import _quantize
from imgfeat.nets.inference._fixed_batches import Batches
from imgfeat.nets.inference._model_cache import find_or_export, find_or_make
from imgfeat.nets.inference._onnx_session import open_session


class OnnxEngine:
    """Runs an exported Embedder.

    Parameters
    ----------
    make_embedder : callable
        Returns the Embedder; called when it must be exported.
    name : str
        Of the net, for people who look into the cache folder.
    preprocessing : Preprocessing
        Of the net; photographs are brought to it when 8 bits are wanted.
    cache_key : object, optional
        Its repr says all that the exported net depends on. None keeps nothing on disk.
    device : str, default="cpu"
    precision : {"float32", "int8"}, default="float32"
    batch_size : int, optional
        Of all batches on CUDA; the last one is filled up.
    verbose : bool or int, default=False
        Say so before the net is exported, which takes long.

    Raises
    ------
    ExportError
        If the net cannot be exported, or gives other outputs then.
    RuntimeError
        If it cannot be quantized, or loses too much by it.
    """

    def __init__(
        self,
        make_embedder,
        name,
        preprocessing,
        cache_key=None,
        *,
        device="cpu",
        precision="float32",
        batch_size=None,
        verbose=False,
    ):
        def make_exact():
            return find_or_export(make_embedder, name, cache_key, verbose)

        if precision == "int8":
            is_kept = cache_key is not None
            key = (cache_key, "int8", _quantize.VERSION) if is_kept else None
            self._model = find_or_make(
                name, key, lambda: _quantize.quantize(make_exact(), preprocessing)
            )
        else:
            self._model = make_exact()
        self._device = device
        self._sessions = {}
        self._lock = threading.Lock()
        # CUDA searches its kernels anew for every shape, and takes batches in turn.
        self._batches = Batches(None if device == "cpu" else batch_size)
        self._turn = threading.Lock()
        self._info = {"engine": "onnx", "device": device, "precision": precision}
        if precision == "int8":
            self._info["agreement"] = _quantize.read_agreement(self._session(1))

    @property
    def info(self):
        """What runs. ``agreement`` is a mean cosine with float32."""
        return dict(self._info)

    @contextmanager
    def running(self, n_intra, n_workers=1):
        """Yield the function from uint8 images to vectors, `n_intra` threads inside.

        However many threads call it.
        """
        if self._device == "cpu":
            session = self._session(n_intra)
            yield lambda images: session.run(None, {"images": images})[0]
        else:
            session = self._session(1)

            def launch(images, n_rows):
                padded = np.zeros((n_rows, *images.shape[1:]), dtype=np.uint8)
                padded[: len(images)] = images
                with self._turn:
                    return session.run(None, {"images": padded})[0][: len(images)]

            yield lambda images: self._batches.run(images, launch)

    def _session(self, n_threads):
        with self._lock:
            if n_threads not in self._sessions:
                self._sessions[n_threads] = open_session(
                    self._model, n_threads=n_threads, device=self._device
                )
            return self._sessions[n_threads]

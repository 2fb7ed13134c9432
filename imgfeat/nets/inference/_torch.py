"""The torch engine: eval, inference mode, channels last, compiled or not."""

import threading
import warnings
from contextlib import contextmanager, nullcontext
from functools import partial

import numpy as np
import torch

from imgfeat.nets._torch_settings import torch_threads
from imgfeat.nets.inference._fixed_batches import Batches
from imgfeat.nets.inference._pipe import Direct, Pipe
from imgfeat.nets.inference._precision import DTYPES, CheckedPrecision
from imgfeat.nets.inference._streams import CudaLayer, HostLayer


class TorchEngine:
    """Runs an Embedder on a device.

    Parameters
    ----------
    embedder : Embedder
    device : str, default="cpu"
    precision : {"float32", "float16", "bfloat16"}, default="float32"
        The lower ones are autocast, after a check on the first batch.
    check : {"bound", "cosine", None}, default="bound"
        See `CheckedPrecision`.
    batch_size : int, optional
        Of all batches on CUDA and of compiled nets; the last one is filled up.
    compile : bool, default=False
        Let torch compile the net, at the first use.
    layer : CudaLayer or HostLayer, optional
        Runs batches through a `Pipe` on it. By default on CUDA only.
    """

    def __init__(
        self,
        embedder,
        device="cpu",
        precision="float32",
        *,
        check="bound",
        batch_size=None,
        compile=False,
        layer=None,
    ):
        self.device = torch.device(device)
        self.embedder = embedder.to(self.device, memory_format=torch.channels_last)
        if layer is None and self.device.type == "cuda":
            layer = CudaLayer(self.device)
        self._layer = layer or HostLayer()
        self._image_shape = *embedder.image_size, 3
        if layer is None:
            self._pipe = Direct(self.device)
        else:
            self._pipe = Pipe(layer, (batch_size, *self._image_shape))
        has_one_shape = compile or layer is not None
        self._batches = Batches(batch_size if has_one_shape else None, self._layer.free)
        self._precision = CheckedPrecision(precision, check)
        self._compile = compile
        self._compiled = {}  # by precision
        self._compiling = threading.Lock()

    @property
    def info(self):
        """What runs, as far as it is known by now."""
        info = {
            "engine": "torch",
            "device": str(self.device),
            "compile": self._compile,
            **self._precision.info,
        }
        if self._batches.is_smaller:
            info["batch_size"] = self._batches.size
        return info

    @contextmanager
    def running(self, n_intra, n_workers=1):
        """Yield the function from uint8 images to vectors, `n_intra` threads inside.

        However many threads call it.
        """
        with torch_threads(n_intra), self._layer.settings():
            if self._compile:
                self._compile_once(self._precision.used)
            yield self._run

    def _run(self, images):
        def forward(precision):
            return self._batches.run(images, partial(self._launch, precision))

        return self._precision.run(images, forward)

    def _launch(self, precision, images, n_rows):
        return self._pipe.run(images, n_rows, partial(self._forward, precision))

    def _forward(self, precision, images):
        if precision == "float32":
            lower = nullcontext()
        else:
            lower = torch.autocast(self.device.type, dtype=DTYPES[precision])
        net = self._compiled.get(precision, self.embedder)
        with lower:
            return net(images).float()

    def _compile_once(self, precision):
        """Compile before threads run: two that compile at once would do it twice."""
        with self._compiling:
            if precision in self._compiled or not self._compile:
                return
            blank = np.zeros((1, *self._image_shape), dtype=np.uint8)
            launch = partial(self._launch, precision)
            try:
                # What compilers have to say is for those who develop them.
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    self._compiled[precision] = torch.compile(
                        self.embedder, dynamic=False
                    )
                    # What the first run learns of a net can ask for another compile.
                    for _ in range(2):
                        self._batches.run(blank, launch, quiet=True)
            except torch.OutOfMemoryError:
                raise
            except RuntimeError as error:
                self._compile, self._compiled = False, {}
                reason = (str(error).splitlines() or [type(error).__name__])[0]
                warnings.warn(
                    "compile=True needs a net that torch can compile, and a C++ "
                    f"compiler or, on CUDA, Triton. Got: {reason} The net runs as it "
                    "is; set compile=False.",
                    RuntimeWarning,
                    stacklevel=4,
                )

"""The OpenVINO engine: on the CPU, in float32 or bfloat16."""

import threading
import warnings
from collections import OrderedDict
from contextlib import contextmanager

from imgfeat.nets.inference._model_cache import find_or_export
from imgfeat.nets.inference._openvino_net import OpenVinoNet, computes_in_bfloat16
from imgfeat.nets.inference._precision import CheckedPrecision

# Compiled nets, each with its weights: for many images and for few, or the lower
# precision and the exact one while they are compared.
_KEEP = 2


class OpenVinoEngine:
    """Runs an exported Embedder.

    Parameters
    ----------
    make_embedder : callable
        Returns the Embedder; called when it must be exported.
    name : str
        Of the net, for people who look into the cache folder.
    cache_key : object, optional
        Its repr says all that the exported net depends on. None keeps nothing on disk.
    precision : {"float32", "bfloat16"}, default="float32"
        The lower one after a check on the first batch.
    check : {"bound", "cosine", None}, default="bound"
        See `CheckedPrecision`.
    verbose : bool or int, default=False
        Say so before the net is exported, which takes long.

    Raises
    ------
    ExportError
        If the net cannot be exported, or gives other outputs then.
    """

    def __init__(
        self,
        make_embedder,
        name,
        cache_key=None,
        *,
        precision="float32",
        check="bound",
        verbose=False,
    ):
        if precision == "bfloat16" and not computes_in_bfloat16():
            warnings.warn(
                "precision='bfloat16' with engine='openvino' needs a CPU that has "
                "instructions for it. This one has none, so the net runs in float32; "
                "set precision='float32'.",
                RuntimeWarning,
                stacklevel=2,
            )
            precision = "float32"
        self._model = find_or_export(make_embedder, name, cache_key, verbose)
        self._precision = CheckedPrecision(precision, check)
        self._nets = OrderedDict()
        self._lock = threading.Lock()

    @property
    def info(self):
        """What runs, as far as it is known by now."""
        info = {"engine": "openvino", "device": "cpu"}
        return info | self._precision.info

    @contextmanager
    def running(self, n_intra, n_workers=1):
        """Yield the function from uint8 images to vectors.

        Parameters
        ----------
        n_intra : int
            Threads within one run.
        n_workers : int, default=1
            Threads that call the function at the same time.
        """

        def run(images):
            def forward(precision):
                return self._net(precision, n_intra, n_workers)(images)

            return self._precision.run(images, forward)

        yield run

    def _net(self, *key):
        with self._lock:
            if key not in self._nets:
                self._nets[key] = OpenVinoNet(self._model, *key)
                if len(self._nets) > _KEEP:
                    self._nets.popitem(last=False)
            self._nets.move_to_end(key)
            return self._nets[key]

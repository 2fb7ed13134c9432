"""The torch engine: eval, inference mode, channels last, its threads put back."""

import threading
from contextlib import contextmanager, nullcontext

import numpy as np
import torch


class TorchEngine:
    """Runs an Embedder on a device, in eval and inference mode."""

    def __init__(self, embedder, device, dtype):
        self.device = torch.device(device)
        self.dtype = dtype
        self.embedder = embedder.to(self.device, memory_format=torch.channels_last)
        # One batch at a time on a device; on a CPU every thread has its own.
        on_cpu = self.device.type == "cpu"
        self._turn = nullcontext() if on_cpu else threading.Lock()

    @contextmanager
    def running(self, n_intra):
        """Yield the function from uint8 images to vectors, `n_intra` threads inside."""
        with torch_threads(n_intra):
            yield self._run

    def _run(self, images):
        images = torch.from_numpy(images)
        if self.device.type == "cuda":
            images = images.pin_memory()
        with self._turn, torch.inference_mode():
            return self._forward(images.to(self.device, non_blocking=True))

    def _forward(self, images):
        with torch.autocast(
            self.device.type, dtype=self.dtype, enabled=self.dtype != torch.float32
        ):
            features = self.embedder(images)
        features = features.float()
        if self.dtype == torch.float16 and not features.isfinite().all():
            features = self.embedder(images).float()  # beyond float16's 65504
        return np.ascontiguousarray(features.cpu().numpy())


_threads_lock = threading.Lock()
_threads_depth = 0
_threads_before = None


@contextmanager
def torch_threads(n_threads):
    """Give torch `n_threads`, and put back what it had when the last of us is done."""
    global _threads_depth, _threads_before  # noqa: PLW0603
    with _threads_lock:
        if _threads_depth == 0:
            _threads_before = torch.get_num_threads()
        _threads_depth += 1
        torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        with _threads_lock:
            _threads_depth -= 1
            if _threads_depth == 0:
                torch.set_num_threads(_threads_before)

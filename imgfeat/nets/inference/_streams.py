"""Memory, streams and events of a device: of CUDA, and the same methods on the CPU.

All that is asynchronous goes through here, so that the rest runs, and is tested, where
there is no CUDA.
"""

from contextlib import nullcontext

import torch

from imgfeat.nets._torch_settings import fast_exact_cudnn


class HostLayer:
    """The CPU: everything is done at once, so there is nothing to wait for."""

    device = torch.device("cpu")

    def pinned(self, shape, dtype):
        """Return memory of the host that the device reads and writes by itself."""
        return torch.empty(shape, dtype=dtype)

    def on_device(self, shape, dtype):
        """Return memory of the device."""
        return torch.empty(shape, dtype=dtype)

    def copying(self):
        """Do what is inside a ``with`` block beside the net, not after it."""
        return nullcontext()

    def mark(self):
        """Return an event: everything that was asked for so far."""
        return

    def follow(self, event):
        """Let what is asked for from now on start after `event`."""

    def wait(self, event):
        """Hold this thread until `event` is done."""

    def free(self):
        """Give unused memory back."""

    def settings(self):
        """Torch's settings while nets run, as a ``with`` block."""
        return nullcontext()


class CudaLayer:
    """A CUDA device; copies to it have a stream of their own.

    Parameters
    ----------
    device : str or torch.device
    """

    def __init__(self, device):
        self.device = torch.device(device)
        self._copies = torch.cuda.Stream(self.device)

    def pinned(self, shape, dtype):
        """See `HostLayer`."""
        return torch.empty(shape, dtype=dtype, pin_memory=True)

    def on_device(self, shape, dtype):
        """See `HostLayer`."""
        return torch.empty(shape, dtype=dtype, device=self.device)

    def copying(self):
        """See `HostLayer`."""
        return torch.cuda.stream(self._copies)

    def mark(self):
        """See `HostLayer`."""
        # Blocking: who waits leaves the core to the threads that decode.
        event = torch.cuda.Event(blocking=True)
        event.record(torch.cuda.current_stream(self.device))
        return event

    def follow(self, event):
        """See `HostLayer`."""
        torch.cuda.current_stream(self.device).wait_event(event)

    def wait(self, event):
        """See `HostLayer`."""
        event.synchronize()

    def free(self):
        """See `HostLayer`."""
        torch.cuda.empty_cache()

    def settings(self):
        """See `HostLayer`."""
        return fast_exact_cudnn

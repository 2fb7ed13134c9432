"""The processes that train one net: this one, or all that accelerate started."""

import os
import warnings
import zlib

import numpy as np
import torch
from torch.nn.parallel import DistributedDataParallel

from imgfeat._devices import find_device

# What CNNClassifier's device is called when `accelerate launch` decides.
ACCELERATE = "accelerate"


def find_team(device):
    """Return the team of this process.

    Parameters
    ----------
    device : str
        ``"accelerate"``, or as for `find_device`.

    Returns
    -------
    Alone or Launched

    Raises
    ------
    ImportError
        If accelerate is asked for and not installed.
    """
    return Launched() if device == ACCELERATE else Alone(find_device(device))


def find_own_device(device):
    """The device of this process by itself, where nobody else takes part."""
    if device != ACCELERATE:
        return find_device(device)
    try:
        from accelerate import PartialState
    except ImportError:  # a net that was trained elsewhere
        return find_device("auto")
    return str(PartialState().device)


class Alone:
    """A process that trains by itself.

    Parameters
    ----------
    device : str
        As torch writes it.

    Attributes
    ----------
    size, rank : int
        Processes of the team, and the number of this one.
    is_main : bool
        Whether this one writes and prints for all.
    """

    size, rank, is_main = 1, 0, True

    def __init__(self, device):
        self.device = device

    def agree(self, value):
        """What the main process holds."""
        return value

    def gather(self, array):
        """The arrays of all processes, one after the other."""
        return array

    def mean(self, value, weight):
        """The weighted mean over all processes."""
        return value

    def check_same(self, array):
        """Raise in all processes if they hold different arrays."""

    def share_buffers(self, module):
        """Take over the main process's buffers: statistics of batch norms."""

    def share_gradients(self, module):
        """The module, so run that gradients are averaged over all processes."""
        return module

    def wait(self):
        """Go on when all processes are here."""


class Launched:
    """The processes of ``accelerate launch``, each with a device of its own."""

    def __init__(self):
        try:
            from accelerate import Accelerator
        except ImportError as error:
            raise ImportError(
                "device='accelerate' needs the package accelerate. Got none; install "
                "it with: pip install imgfeat[distributed]"
            ) from error
        # On a CPU, accelerate takes the others into account only if it is told to.
        is_on_cpu = not torch.accelerator.is_available()
        self.accelerator = Accelerator(cpu=is_on_cpu)
        self.device = str(self.accelerator.device)
        self.size = self.accelerator.num_processes
        self.rank = self.accelerator.process_index
        self.is_main = self.accelerator.is_main_process
        # accelerate tells a process where the others meet, and starts them with MPI.
        told_of_others = {"ACCELERATE_USE_CPU", "MASTER_ADDR"} <= os.environ.keys()
        if self.size == 1 and told_of_others and "WORLD_SIZE" not in os.environ:
            warnings.warn(
                "accelerate launch --cpu starts one process, however many it is asked "
                "for, which trains alone. For several on this machine's cores give "
                "--multi_gpu in place of --cpu; no GPU is needed for it.",
                stacklevel=2,
            )

    def agree(self, value):
        from accelerate.utils import broadcast_object_list

        return broadcast_object_list([value])[0]

    def gather(self, array):
        from accelerate.utils import gather_object

        return np.concatenate(gather_object([array]))

    def mean(self, value, weight):
        mine = torch.tensor([value * weight, weight], device=self.device)
        total, n = self.accelerator.reduce(mine, "sum").tolist()
        return total / n

    def check_same(self, array):
        from accelerate.utils import gather_object

        held = gather_object([(len(array), zlib.crc32(np.ascontiguousarray(array)))])
        if len(set(held)) > 1:
            lengths = ", ".join(str(length) for length, _ in held)
            raise ValueError(
                "All processes that train one net need the same labels, in the same "
                f"order. Got {lengths} of them, and not the same ones; give all of "
                "them to each process, which takes its own share."
            )

    def share_buffers(self, module):
        from accelerate.utils import broadcast

        for buffer in module.buffers():
            buffer.copy_(broadcast(buffer.clone()))

    def share_gradients(self, module):
        # accelerate would add the launcher's settings of precision and of steps that
        # add up gradients; here those of CNNClassifier hold.
        return module if self.size == 1 else DistributedDataParallel(module)

    def wait(self):
        self.accelerator.wait_for_everyone()

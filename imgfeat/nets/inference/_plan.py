"""What is to run a net, and how: what "auto" leaves open is chosen here."""

from contextlib import contextmanager
from dataclasses import dataclass

from imgfeat._devices import find_device
from imgfeat._progress import announce
from imgfeat.nets.inference._onnx_session import (
    has_extra,
    require_extra,
    runs_on_cuda,
)

PRECISIONS = "float32", "float16", "bfloat16", "int8"

# On a CPU a few images fill the cores' caches; more of them at once run slower.
_CPU_PIECE = 4


_WITHOUT_EXTRA = (
    "Nets run in torch, as ONNX Runtime is not installed; with it they are about four "
    "times as fast on a CPU: pip install 'imgfeat[onnx]'"
)


@dataclass(frozen=True)
class Plan:
    """What runs a net, and how.

    Parameters
    ----------
    engine : {"torch", "onnx"}
    device : str
        As torch writes it.
    precision : {"float32", "float16", "bfloat16", "int8"}
    threads : int
        Most threads that are busy at once, decoding and net together.
    batch_size : int
        Most images in one run of the net.
    compile : bool, default=False
        Let torch compile the net.
    fallback : {"torch", None}, default=None
        The engine that takes over if the net cannot be exported for the first.
    """

    engine: str
    device: str
    precision: str
    threads: int
    batch_size: int
    compile: bool = False
    fallback: str | None = None

    @property
    def has_fixed_batches(self):
        """Whether every run of the net is filled up to `batch_size` images."""
        return self.compile or self.device.startswith("cuda")

    def split(self, n_rows):
        """How to share `n_rows` images out.

        On a CPU several threads each take images from file to vector, which needs no
        waiting for one another. Too few images for that are run by all threads
        together. A compiled net is one for a fixed number of threads, which is 1.

        Returns
        -------
        n_workers : int
            Threads that each run the net.
        n_intra : int
            Threads within each run of the net.
        pieces : list of slice
        """
        if self.device != "cpu":
            # Decoding wants all threads; the device takes one batch at a time.
            n_workers, n_intra = self.threads, self.threads
        elif n_rows >= 2 * self.threads or self.compile:
            n_workers, n_intra = self.threads, 1
        else:
            n_workers, n_intra = 1, self.threads
        step = min(self.batch_size, -(-n_rows // n_workers))
        if self.has_fixed_batches:
            # Small pieces share out decoding, but all are filled up.
            step = max(step, -(-self.batch_size // 4))
        starts = range(0, n_rows, step)
        pieces = [slice(start, min(start + step, n_rows)) for start in starts]
        return min(n_workers, len(pieces)), n_intra, pieces


def plan_inference(
    *,
    engine: str,
    device: str,
    precision: str,
    threads: int,
    batch_size: int,
    own_module: bool = False,
    compile: bool = False,
) -> Plan:
    """Choose what "auto" leaves open, and refuse what cannot be had.

    Parameters
    ----------
    engine : {"auto", "torch", "onnx"}
        "auto" is ONNX Runtime on a CPU when it is installed, else torch. A module of
        the user's own runs in torch, for it may change or not be exportable. "auto"
        with ``compile=True`` is torch, and with ``precision="int8"`` ONNX Runtime.
    device : str
        "auto" is CUDA where there is a device, else the CPU; for ONNX Runtime, CUDA
        where it was built for that, else the CPU.
    precision : {"auto", "float32", "float16", "bfloat16", "int8"}
        "auto" is float16 autocast on CUDA in torch, float32 elsewhere. "int8" is static
        quantization, on a CPU.
    threads, batch_size : int
    own_module : bool, default=False
    compile : bool, default=False

    Returns
    -------
    Plan

    Raises
    ------
    ValueError
        If the device does not exist, or the choices exclude one another.
    RuntimeError
        If CUDA is asked for in a process that was forked from one that used it.
    ModuleNotFoundError
        If ONNX Runtime is asked for and not installed.
    """
    fallback = None
    wants_int8 = precision == "int8"
    if wants_int8:
        _check_int8(engine, device, compile)
        engine, device = "onnx", "cpu"
    if engine == "onnx":
        require_extra("precision='int8'" if wants_int8 else "engine='onnx'")
    # ONNX Runtime is asked for by name, so its device is the one that it has.
    if engine == "onnx" and device == "auto" and not runs_on_cuda():
        device = "cpu"
    with explained_fork(device):
        device = find_device(device)
    if engine == "auto":
        wanted = device == "cpu" and precision in ("auto", "float32") and not compile
        engine = "torch"
        if wanted and not own_module:
            if has_extra():
                engine, fallback = "onnx", "torch"
            else:
                announce(_WITHOUT_EXTRA, once=True)
    if precision == "auto":
        is_half = engine == "torch" and device.startswith("cuda")
        precision = "float16" if is_half else "float32"
    if engine == "onnx":
        _check_onnx(device, precision, compile)
    if device == "cpu":
        batch_size = min(batch_size, _CPU_PIECE)
    return Plan(engine, device, precision, threads, batch_size, compile, fallback)


def _check_int8(engine, device, compile):
    if engine == "torch" or compile or device not in ("auto", "cpu"):
        raise ValueError(
            "precision='int8' runs with engine='onnx' on device='cpu', not compiled. "
            f"Got engine={engine!r}, device={device!r} and compile={compile}; use "
            "engine='onnx' and device='cpu', or another precision."
        )


def _check_onnx(device, precision, compile):
    is_known = device == "cpu" or device.startswith("cuda")
    if not is_known or precision not in ("float32", "int8"):
        raise ValueError(
            "engine='onnx' runs on device='cpu' or 'cuda' with precision='float32', "
            f"and on the CPU with 'int8'. Got device={device!r} and "
            f"precision={precision!r}; use engine='torch'."
        )
    if compile:
        raise ValueError(
            "compile=True is for torch. Got engine='onnx', which compiles by itself; "
            "use engine='torch', or compile=False."
        )
    if device != "cpu" and not runs_on_cuda():
        raise ValueError(
            f"engine='onnx' on device={device!r} needs ONNX Runtime for CUDA. Got one "
            "for the CPU; run: pip install onnxruntime-gpu, or use engine='torch'."
        )


@contextmanager
def explained_fork(device):
    """Say what to do where a forked process asks for CUDA."""
    try:
        yield
    except (RuntimeError, ValueError) as error:
        if "forked subprocess" not in f"{error} {error.__cause__}":
            raise
        raise RuntimeError(
            f"device={device!r} needs a process that was started afresh. Got one that "
            "was forked after CUDA had been used; use joblib's 'loky' backend or "
            "multiprocessing's 'spawn' method, or device='cpu' here."
        ) from error

"""What is to run a net, and how: what "auto" leaves open is chosen here."""

from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

from imgfeat._devices import find_device
from imgfeat._progress import announce
from imgfeat.nets.inference._engines import ENGINES
from imgfeat.nets.inference._ways import as_fitted, list_choices

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
    engine : str
        Its name in `ENGINES`.
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
    choices : tuple of (engine, precision), default=()
        What may be faster than that, which is the first of them; see `settle`.
    check : {"bound", "cosine", None}, default="bound"
        What the first batch in half precision has to pass; see `CheckedPrecision`.
    """

    engine: str
    device: str
    precision: str
    threads: int
    batch_size: int
    compile: bool = False
    fallback: str | None = None
    choices: tuple[tuple[str, str], ...] = ()
    check: str | None = "bound"

    def choose(self, engine, precision, **changes):
        """Return the plan with one of its choices, and none left."""
        is_open = {precision for _, precision in self.choices} > {precision}
        if precision != "float32" and is_open:
            changes = {"check": "cosine"} | changes
        fallback = self.fallback if ENGINES[engine].reads_export else None
        return replace(
            self,
            engine=engine,
            precision=precision,
            fallback=fallback,
            choices=(),
            **changes,
        )

    def info(self):
        """What is to run, as a dict for people."""
        facts = asdict(self)
        del facts["choices"], facts["check"]
        return facts

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
    fitted: dict[str, Any] | None = None,
) -> Plan:
    """Choose what "auto" leaves open, and refuse what cannot be had.

    Parameters
    ----------
    engine : {"auto", "torch", "onnx", "openvino"}
        "auto" on a CPU is what is the fastest of those that are installed, which
        `settle` finds out: until then ONNX Runtime, or torch without it. A module of
        the user's own runs in torch, for it may change or not be exportable. "auto"
        with ``compile=True`` is torch, and with ``precision="int8"`` ONNX Runtime.
    device : str
        "auto" is CUDA where there is a device, else the CPU; for an engine that is
        asked for, CUDA where it was built for that, else the CPU.
    precision : {"auto", "float32", "float16", "bfloat16", "int8"}
        "auto" is float16 autocast on CUDA in torch, elsewhere float32; on a CPU that
        computes in bfloat16, also that one is open, for `settle`. "int8" is static
        quantization, on a CPU.
    threads, batch_size : int
    own_module : bool, default=False
    compile : bool, default=False
    fitted : dict, optional
        ``engine`` and ``precision`` that a model was fitted with, which "auto" is then
        again.

    Returns
    -------
    Plan

    Raises
    ------
    ValueError
        If the device does not exist, or the choices exclude one another.
    RuntimeError
        If CUDA or OpenVINO is asked for in a process that was forked from one that used
        it.
    ModuleNotFoundError
        If an engine is asked for and not installed.
    """
    is_auto, purpose = engine == "auto", f"engine={engine!r}"
    if precision == "int8":
        purpose = "precision='int8'"
        engine, device = _int8_engine(engine, device, compile), "cpu"
        is_auto = False
    if engine != "auto":
        kind = ENGINES[engine]
        kind.require(purpose)
        # It is asked for by name, so its device is the one that it has.
        if device == "auto" and not kind.has_cuda():
            device = "cpu"
    with explained_fork(device):
        device = find_device(device)
    check: str | None = "bound"
    if fitted is not None and precision == "auto":
        engine, precision = as_fitted(fitted, engine, device)
        check = None
    choices = ()
    if device == "cpu" and not (compile or own_module):
        choices = list_choices(engine, precision)
        if is_auto and not any(ENGINES[name].reads_export for name, _ in choices):
            announce(_WITHOUT_EXTRA, once=True)
    if choices:
        engine, precision = choices[0]
    engine = "torch" if engine == "auto" else engine
    if precision == "auto":
        is_half = engine == "torch" and device.startswith("cuda")
        precision = "float16" if is_half else "float32"
    _check(ENGINES[engine], device, precision, compile)
    if device == "cpu":
        batch_size = min(batch_size, _CPU_PIECE)
    return Plan(
        engine,
        device,
        precision,
        threads,
        batch_size,
        compile,
        fallback="torch" if is_auto and ENGINES[engine].reads_export else None,
        choices=choices if len(choices) > 1 else (),
        check=check,
    )


def _int8_engine(engine, device, compile):
    """The engine for 8 bits: the one that is asked for, or the first that has them."""
    able = [name for name, kind in ENGINES.items() if "int8" in kind.precisions["cpu"]]
    wanted = able[0] if engine == "auto" else engine
    if wanted not in able or compile or device not in ("auto", "cpu"):
        raise ValueError(
            f"precision='int8' runs with engine={' or '.join(map(repr, able))} on "
            f"device='cpu', not compiled. Got engine={engine!r}, device={device!r} and "
            f"compile={compile}; use engine={able[0]!r} and device='cpu', or another "
            "precision."
        )
    return wanted


def _check(kind, device, precision, compile):
    if precision not in kind.precisions_on(device):
        raise ValueError(
            f"engine={kind.name!r} runs {kind.places()}. Got device={device!r} and "
            f"precision={precision!r}; use engine='torch'."
        )
    if compile and not kind.compiles:
        raise ValueError(
            f"compile=True is for torch. Got engine={kind.name!r}, which compiles by "
            "itself; use engine='torch', or compile=False."
        )
    if device.startswith("cuda") and not kind.has_cuda():
        raise ValueError(
            f"engine={kind.name!r} on device={device!r} needs {kind.title} for CUDA. "
            f"Got one for the CPU; run: pip install {kind.cuda_package}, or use "
            "engine='torch'."
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

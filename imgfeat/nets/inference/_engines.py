"""The engines that run nets, in one table: what each needs, and what it can do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

from imgfeat._optional import has_module, import_optional
from imgfeat.nets.inference import _onnx_session, _openvino_core
from imgfeat.nets.inference._onnx import OnnxEngine
from imgfeat.nets.inference._openvino import OpenVinoEngine
from imgfeat.nets.inference._torch import TorchEngine

PRECISIONS = "float32", "float16", "bfloat16", "int8"
_OF_TORCH = "float32", "float16", "bfloat16"


@dataclass(frozen=True)
class EngineKind:
    """What is known of an engine before it runs a net.

    Parameters
    ----------
    name : str
        As users write it.
    title : str
        What messages call the library.
    make : callable
        From a `Job` to the engine.
    precisions : mapping of str to tuple of str
        By kind of device; "other" stands for those that are not named.
    extra : str, optional
        Of imgfeat, that brings what is needed.
    packages : tuple of str, default=()
        All that the extra has to bring.
    load : callable, optional
        Imports the runtime, or says that ``purpose`` needs it.
    compiles : bool, default=False
        Whether ``compile=True`` means something.
    is_cut_off : callable, optional
        Whether this process was forked from one that has used it, and so cannot.
    has_cuda : callable, optional
        Whether what is installed was built for CUDA.
    cuda_package : str, optional
        What to install if it was not.
    """

    name: str
    title: str
    make: Callable
    precisions: Mapping[str, tuple[str, ...]]
    extra: str | None = None
    packages: tuple[str, ...] = ()
    load: Callable | None = None
    compiles: bool = False
    is_cut_off: Callable = lambda: False
    has_cuda: Callable = lambda: True
    cuda_package: str | None = None

    @property
    def reads_export(self):
        """Whether it runs nets that torch has exported."""
        return self.extra is not None

    def is_here(self):
        """Whether all that it needs is installed; imports none of it."""
        return all(map(has_module, self.packages))

    def require(self, purpose):
        """Say what to install where something is missing."""
        if self.load is not None:
            self.load(purpose=purpose)
        for package in self.packages:
            import_optional(package, extra=self.extra, purpose=purpose)

    def precisions_on(self, device):
        """Precisions in which it runs nets on a device, the exact one first."""
        kind = device.partition(":")[0]
        return self.precisions.get(kind, self.precisions.get("other", ()))

    def places(self):
        """Where it runs, in words: ``on device='cpu' with precision='float32'``."""
        return ", and ".join(
            f"on device={kind!r} with precision={' or '.join(map(repr, names))}"
            for kind, names in self.precisions.items()
            if kind != "other"
        )


@dataclass(frozen=True)
class Job:
    """What an engine is made for.

    Parameters
    ----------
    make_embedder : callable
        Returns the Embedder, on the CPU.
    name : str
        Of the net.
    preprocessing : Preprocessing
    cache_key : object
        Says all that an exported net depends on; None keeps nothing on disk.
    plan : Plan
    verbose : bool or int
    """

    make_embedder: Callable
    name: str
    preprocessing: Any
    cache_key: Any
    plan: Any
    verbose: bool | int


def _torch(job):
    plan = job.plan
    return TorchEngine(
        job.make_embedder(),
        plan.device,
        plan.precision,
        check=plan.check,
        batch_size=plan.batch_size,
        compile=plan.compile,
    )


def _onnx(job):
    plan = job.plan
    return OnnxEngine(
        job.make_embedder,
        job.name,
        job.preprocessing,
        job.cache_key,
        device=plan.device,
        precision=plan.precision,
        batch_size=plan.batch_size,
        verbose=job.verbose,
    )


Engine: TypeAlias = TorchEngine | OnnxEngine | OpenVinoEngine


def _openvino(job):
    return OpenVinoEngine(
        job.make_embedder,
        job.name,
        job.cache_key,
        precision=job.plan.precision,
        check=job.plan.check,
        verbose=job.verbose,
    )


def _load_openvino(*, purpose):
    _openvino_core.check_fork()
    _openvino_core.import_openvino(purpose=purpose)
    # What is exported is tried there; imported in any other way it sends telemetry.
    _onnx_session.import_runtime(purpose=purpose)


# Packages that an export takes, once for each net; the runtime is needed always.
_EXPORTERS = "onnx", "onnxscript"

# The order in which "auto" considers them.
_KINDS = (
    EngineKind(
        name="onnx",
        title="ONNX Runtime",
        make=_onnx,
        precisions={"cpu": ("float32", "int8"), "cuda": ("float32",)},
        extra="onnx",
        packages=("onnxruntime", *_EXPORTERS),
        load=_onnx_session.import_runtime,
        has_cuda=_onnx_session.runs_on_cuda,
        cuda_package="onnxruntime-gpu",
    ),
    EngineKind(
        name="openvino",
        title="OpenVINO",
        make=_openvino,
        precisions={"cpu": ("float32", "bfloat16")},
        extra="openvino",
        packages=("openvino", "onnxruntime", *_EXPORTERS),
        load=_load_openvino,
        has_cuda=lambda: False,
        is_cut_off=_openvino_core.is_cut_off,
    ),
    EngineKind(
        name="torch",
        title="torch",
        make=_torch,
        precisions=dict.fromkeys(("cpu", "cuda", "other"), _OF_TORCH),
        compiles=True,
    ),
)

ENGINES: Mapping[str, EngineKind] = MappingProxyType(
    {kind.name: kind for kind in _KINDS}
)

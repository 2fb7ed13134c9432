"""Open an exported net in ONNX Runtime, on the CPU or on CUDA."""

import os

import torch

from imgfeat._optional import import_optional

_ON_CUDA = "CUDAExecutionProvider"
_ON_CPU = "CPUExecutionProvider"


def import_runtime(part="onnxruntime", *, purpose="engine='onnx'"):
    """Return the package onnxruntime, or a part of it, or say which extra brings it."""
    # Its builds for Linux send telemetry to their makers, unless this is set before the
    # import; nothing here may use the network unasked.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    return import_optional(part, extra="onnx", purpose=purpose)


def runs_on_cuda():
    """Whether the ONNX Runtime that is installed was built for CUDA."""
    return _ON_CUDA in import_runtime().get_available_providers()


def open_session(model, *, n_threads=1, device="cpu"):
    """Return an InferenceSession.

    Parameters
    ----------
    model : bytes
    n_threads : int, default=1
        Threads within one run on a CPU.
    device : str, default="cpu"
        ``"cpu"``, ``"cuda"`` or ``"cuda:1"``.

    Raises
    ------
    RuntimeError
        If CUDA was asked for and does not start: ONNX Runtime itself would go on with
        the CPU.
    """
    runtime = import_runtime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = n_threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only
    if device == "cpu":
        return runtime.InferenceSession(model, options, providers=[_ON_CPU])
    # TF32 keeps 10 bits of a product, which is not what float32 promises.
    on_cuda = {"device_id": torch.device(device).index or 0, "use_tf32": 0}
    session = runtime.InferenceSession(
        model, options, providers=[(_ON_CUDA, on_cuda), _ON_CPU]
    )
    if _ON_CUDA not in session.get_providers():
        raise RuntimeError(
            f"engine='onnx' with device={device!r} needs an onnxruntime-gpu that finds "
            "its CUDA and cuDNN libraries. Got one that starts on the CPU only; use "
            "engine='torch', or device='cpu'."
        )
    return session

"""Export an Embedder to ONNX, and check that it gives the same there."""

import io
import warnings
from contextlib import contextmanager, redirect_stdout

import numpy as np
import torch

from imgfeat._home import check_temporary_folder
from imgfeat._optional import import_optional
from imgfeat.nets.inference._onnx_session import open_session

# Outputs of the exported net may differ from torch's by this much of the largest.
_TOLERANCE = 1e-4
_MOST_BYTES = 2**31 - 1  # protobuf's own limit


class ExportError(RuntimeError):
    """A net that ONNX Runtime cannot run, or runs to other outputs."""


def export(embedder):
    """Return the net as the bytes of an ONNX model, from ``images`` to ``features``.

    Parameters
    ----------
    embedder : Embedder
        On the CPU.

    Raises
    ------
    ExportError
        If torch cannot export it, for whatever reason, ONNX Runtime cannot open what
        comes of it, or its outputs are others.
    """
    model = _export(embedder)
    noise = np.random.default_rng(0).integers(
        0, 256, (3, *embedder.image_size, 3), dtype=np.uint8
    )
    with torch.inference_mode():
        expected = embedder(torch.from_numpy(noise)).numpy()
    with _explained("needs a net that ONNX Runtime can run"):
        got = open_session(model).run(None, {"images": noise})[0]
    error = np.abs(got - expected).max() / max(np.abs(expected).max(), 1e-30)
    if not error <= _TOLERANCE:
        raise ExportError(
            f"The exported net must give torch's outputs within {_TOLERANCE:g} of the "
            f"largest. Got {error:.2g}; use engine='torch'."
        )
    return model


def _export(embedder):
    import_optional("onnxscript", extra="onnx", purpose="engine='onnx'")
    with _explained("needs to write what it exports"):
        check_temporary_folder("The export")
    images = torch.zeros((2, *embedder.image_size, 3), dtype=torch.uint8)
    # What the exporter has to say is for those who develop it.
    with (
        warnings.catch_warnings(),
        redirect_stdout(io.StringIO()),
        _explained("needs a net that torch can export"),
    ):
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            embedder,
            (images,),
            dynamo=True,
            input_names=["images"],
            output_names=["features"],
            dynamic_shapes=({0: torch.export.Dim("n_images")},),
            verbose=False,
        )
        model = program.model_proto
    if model.ByteSize() > _MOST_BYTES:
        raise ExportError(
            "engine='onnx' needs a net whose weights take less than 2 GB. Got "
            f"{model.ByteSize() / 1e9:.1f} GB; use engine='torch'."
        )
    return model.SerializeToString()


@contextmanager
def _explained(needs):
    """Turn whatever the block raises into an `ExportError` that says what to do."""
    try:
        yield
    except Exception as error:  # exporters and runtimes raise what their parts raise
        raise explain(error, needs) from error


def explain(error, needs, engine="onnx"):
    """Return an `ExportError` that says what an error means, and what to do."""
    reason = (str(error).splitlines() or [""])[0] or type(error).__name__
    return ExportError(
        f"engine={engine!r} {needs}. Got: {reason} Use engine='torch', which takes "
        "about four times as long on a CPU."
    )

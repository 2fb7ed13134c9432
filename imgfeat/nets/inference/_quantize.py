"""8-bit integers for an exported net: static quantization, calibrated on photographs.

The photographs come with scikit-image and are always the same. So a net becomes the
same integers everywhere, and no row depends on the images that it comes with, as it
would by calibrating on the first batch, or by scales found at run time.
"""

import contextlib
import io
import logging
import tempfile
import warnings
from pathlib import Path

import numpy as np

from imgfeat._home import check_temporary_folder
from imgfeat._optional import import_optional
from imgfeat.nets.inference._onnx_session import import_runtime, open_session
from imgfeat.nets.inference._photographs import cosines, views_of

LEAST_AGREEMENT = 0.9
VERSION = 1  # of the steps here: files of another are not used

# Scales are found on the first, and the outcome is judged on the last.
_SEEN = "astronaut", "coffee", "rocket", "immunohistochemistry"
_UNSEEN = "chelsea", "retina"
_AT_ONCE = 4
_AGREEMENT = "imgfeat_agreement"

# Attention and what goes with it lose too much in 8 bits: products alone are worth it.
_KEPT_IN_FLOAT = {"LayerNormalization", "Softmax"}
_PRODUCTS = ["Conv", "Gemm", "MatMul"]


def quantize(model, preprocessing):
    """Return the model with 8-bit weights, one scale a channel, and activations.

    Parameters
    ----------
    model : bytes
        From uint8 images, in float32.
    preprocessing : Preprocessing
        Of the net.

    Returns
    -------
    bytes
        `read_agreement` tells how near its outputs are.

    Raises
    ------
    RuntimeError
        If they are not near enough to be of use.
    """
    onnx = import_optional("onnx", extra="onnx", purpose="precision='int8'")
    small = onnx.load_from_string(
        _quantize(onnx, model, views_of(_SEEN, preprocessing))
    )
    agreement = _agreement(
        model, small.SerializeToString(), views_of(_UNSEEN, preprocessing)
    )
    if not agreement >= LEAST_AGREEMENT:
        raise RuntimeError(
            "precision='int8' needs a net whose outputs in 8 bits have a cosine of at "
            f"least {LEAST_AGREEMENT} with those in float32. Got {agreement:.3f} in "
            "the mean over photographs; use precision='float32'."
        )
    small.metadata_props.add(key=_AGREEMENT, value=repr(agreement))
    return small.SerializeToString()


def read_agreement(session):
    """Return the mean cosine between the outputs in 8 bits and in float32.

    Measured when the net was quantized, on photographs that did not set its scales.
    """
    return float(session.get_modelmeta().custom_metadata_map[_AGREEMENT])


def _quantize(onnx, model, photos):
    purpose = "precision='int8'"
    quantization = import_runtime("onnxruntime.quantization", purpose=purpose)
    shape_inference = import_runtime(
        "onnxruntime.quantization.shape_inference", purpose=purpose
    )

    class Photos(quantization.CalibrationDataReader):
        def __init__(self):
            starts = range(0, len(photos), _AT_ONCE)
            self._batches = iter([photos[i : i + _AT_ONCE] for i in starts])

        def get_next(self):
            batch = next(self._batches, None)
            return None if batch is None else {"images": batch}

    check_temporary_folder("precision='int8'")
    with tempfile.TemporaryDirectory() as folder, _silence():
        whole, fused, small = (Path(folder, name) for name in "abc")
        whole.write_bytes(model)
        shape_inference.quant_pre_process(whole, fused, skip_symbolic_shape=True)
        graph = onnx.load(fused).graph
        kinds = {node.op_type for node in graph.node}
        quantization.quantize_static(
            fused,
            small,
            Photos(),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=True,
            # Unsigned times signed is what the processors' instructions take.
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            op_types_to_quantize=_PRODUCTS if kinds & _KEPT_IN_FLOAT else None,
            nodes_to_exclude=_normalization(graph),
        )
        return small.read_bytes()


def _normalization(graph):
    """Names of the nodes before the net's first product: pixels are exact there."""
    names = []
    for node in graph.node:
        if node.op_type in _PRODUCTS:
            break
        names.append(node.name)
    return names


@contextlib.contextmanager
def _silence():
    """What the quantizer has to say, on the root logger too, is for its developers."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _agreement(model, small, photos):
    exact, got = (
        np.concatenate(
            [
                session.run(None, {"images": photos[i : i + _AT_ONCE]})[0]
                for i in range(0, len(photos), _AT_ONCE)
            ]
        )
        for session in (open_session(model), open_session(small))
    )
    return float(np.mean(cosines(exact, got)))

"""Open an exported net in OpenVINO, on the CPU."""

import weakref
from queue import Empty, SimpleQueue

from imgfeat._forks import after_fork_in_child, leave_behind
from imgfeat.nets.inference._openvino_core import import_openvino, open_core

_HINTS = {"float32": "f32", "bfloat16": "bf16"}
_KINDS = "Convolution", "GroupConvolution"
_open_nets = weakref.WeakSet()


def computes_in_bfloat16():
    """Whether OpenVINO finds that this CPU has instructions for bfloat16."""
    return "BF16" in open_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


class OpenVinoNet:
    """A net in one precision, which several threads may run at once.

    In half precision a net that begins with depthwise convolutions computes in float32
    up to and with the second of them: their nine weights a channel make most of the
    error of nets like EfficientNet, and little of their work.

    Parameters
    ----------
    model : bytes
        The exported net.
    precision : {"float32", "bfloat16"}
    n_intra : int, default=1
        Threads within one run.
    n_workers : int, default=1
        Runs at the same time.
    """

    def __init__(self, model, precision="float32", n_intra=1, n_workers=1):
        openvino = import_openvino()
        core = open_core()
        parts = [(core.read_model(model, b""), precision)]
        if precision != "float32":
            start = _exact_start(openvino, core, model)
            if start is not None:
                parts = [(start[0], "float32"), (start[1], precision)]
        settings = {
            "INFERENCE_NUM_THREADS": n_intra * n_workers,
            "NUM_STREAMS": n_workers,
            # Who else runs in this process chooses its cores, too.
            "ENABLE_CPU_PINNING": False,
        }
        self._parts = [
            core.compile_model(
                part, "CPU", settings | {"INFERENCE_PRECISION_HINT": _HINTS[name]}
            )
            for part, name in parts
        ]
        self._free = SimpleQueue()
        _open_nets.add(self)

    def __call__(self, images):
        """Return the vectors of uint8 images of shape (n, height, width, 3)."""
        try:
            requests = self._free.get_nowait()
        except Empty:
            requests = [part.create_infer_request() for part in self._parts]
        try:
            values = images
            for request in requests:
                request.infer({0: values}, share_inputs=True)
                values = request.get_output_tensor(0)
            return values.data.copy()
        finally:
            self._free.put(requests)


def _exact_start(openvino, core, model):
    """Cut a net behind its second depthwise convolution, or its first.

    Returns
    -------
    tuple of (Model, Model), or None
        None if it does not begin so, or more than one tensor goes on from there.
    """
    for nth in (2, 1):
        first, rest = (core.read_model(model, b"") for _ in "ab")
        place, entry = _behind_depthwise(first, nth), _behind_depthwise(rest, nth)
        if place is None:
            continue
        images = openvino.op.Parameter(
            entry.get_element_type(), entry.get_partial_shape()
        )
        for target in entry.get_target_inputs():
            target.replace_source_output(images.output(0))
        if not _reads(rest, rest.get_parameters()[0]):
            start = openvino.Model([place], first.get_parameters(), "start")
            return start, openvino.Model(rest.outputs, [images], "rest")
    return None


def _behind_depthwise(model, nth):
    """The tensor between the nth depthwise convolution and the next one of any kind.

    None where the net does not begin with one convolution and a depthwise one.
    """
    found = [node for node in model.get_ordered_ops() if node.get_type_name() in _KINDS]
    kinds = [node.get_type_name() for node in found]
    if kinds[:2] != list(_KINDS):
        return None
    depthwise = [row for row, kind in enumerate(kinds) if kind == _KINDS[1]]
    behind = found[depthwise[nth - 1] + 1 :] if len(depthwise) >= nth else []
    return behind[0].input_value(0) if behind else None


def _reads(model, parameter):
    """Whether a model's outputs depend on a parameter."""
    todo = [result.input_value(0).get_node() for result in model.get_results()]
    seen = set()
    while todo:
        node = todo.pop()
        name = node.get_name()  # nodes are wrapped anew at every look
        if name == parameter.get_name():
            return True
        if name not in seen:
            seen.add(name)
            todo += [value.get_node() for value in node.input_values()]
    return False


@after_fork_in_child
def _leave_behind():
    leave_behind(*_open_nets)

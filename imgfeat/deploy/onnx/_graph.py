"""A graph of ONNX operators, written down one by one."""

import numpy as np

from imgfeat._optional import import_optional

OPSET = 18
_REST = {"TopK": ["places"]}  # what operators have to have for outputs beside the first
IR_VERSION = 10  # of ONNX 1.16, which runtimes and browsers of today read


def import_onnx(part="onnx"):
    """Return the package onnx, or a part of it, or say which extra brings it."""
    return import_optional(part, extra="onnx", purpose="export_onnx")


class Graph:
    """A graph that grows.

    Values are named by text. Where an operator takes one, an array stands for a
    constant, and so do an int and a list of ints, which are int64. What was written
    down before is not written again.

    Attributes
    ----------
    opset : int
        18, or a later one of a net that was added.
    """

    def __init__(self):
        self._onnx = import_onnx()
        self._nodes, self._constants, self._count = [], {}, 0
        self._written = {}
        self._initializers, self._functions, self._domains = [], [], {}
        self.opset = OPSET

    def op(self, kind, *inputs, **attributes) -> str:
        """Apply an operator and return the name of its (first) output."""
        names = [self._as_name(value) for value in inputs]

        def write():
            self._count += 1
            output = f"{kind.lower()}_{self._count}"
            outputs = [output, *(f"{output}_{rest}" for rest in _REST.get(kind, ()))]
            make = self._onnx.helper.make_node
            self._nodes.append(make(kind, names, outputs, name=output, **attributes))
            return output

        return self.once((kind, names, sorted(attributes.items())), write)

    def once(self, key, write):
        """What ``write()`` returns, called once for all that has the same key."""
        key = repr(key)
        if key not in self._written:
            self._written[key] = write()
        return self._written[key]

    def cast(self, value, dtype) -> str:
        """Convert to the dtype that numpy calls so."""
        code = self._onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return self.op("Cast", value, to=code)

    def add_model(self, model, **inputs) -> list[str]:
        """Take in the nodes of a serialized model; return its outputs.

        Parameters
        ----------
        model : bytes
        **inputs : str
            What takes the place of each of its inputs.
        """
        self._count += 1
        prefix = f"net_{self._count}_"
        model = self._onnx.load_from_string(model)
        model = self._onnx.compose.add_prefix(model, prefix)
        for domain in model.opset_import:
            if domain.domain in ("", "ai.onnx"):
                self.opset = max(self.opset, domain.version)
            else:
                self._domains[domain.domain] = domain.version
        self._functions += model.functions
        self._initializers += model.graph.initializer
        for name, value in inputs.items():
            self._nodes.append(
                self._onnx.helper.make_node("Identity", [value], [prefix + name])
            )
        self._nodes += model.graph.node
        return [output.name for output in model.graph.output]

    def name_output(self, value, name):
        """Let an output of the whole graph have this name."""
        self._nodes.append(self._onnx.helper.make_node("Identity", [value], [name]))

    def build(self, inputs, outputs):
        """Return the ModelProto, without nodes that lead to no output.

        Parameters
        ----------
        inputs, outputs : dict of str to (dtype, shape)
            A dimension is an int, a name, or None where it has none.
        """
        helper = self._onnx.helper
        nodes, used = _reachable(self._nodes, outputs)
        graph = helper.make_graph(
            nodes,
            "imgfeat",
            *(
                [_info(helper, *item) for item in side.items()]
                for side in (inputs, outputs)
            ),
            [tensor for tensor in self._initializers if tensor.name in used]
            + [tensor for tensor in self._constants.values() if tensor.name in used],
        )
        domains = {"": self.opset} | self._domains
        return helper.make_model(
            graph,
            functions=self._functions,
            opset_imports=[helper.make_opsetid(*item) for item in domains.items()],
            ir_version=IR_VERSION,
            producer_name="imgfeat",
        )

    def _as_name(self, value):
        if isinstance(value, str):
            return value
        is_array = isinstance(value, np.ndarray | np.generic)
        value = np.asarray(value, dtype=None if is_array else np.int64, order="C")
        key = value.dtype.str, value.shape, value.tobytes()
        if key not in self._constants:
            name = f"constant_{len(self._constants)}"
            self._constants[key] = self._onnx.numpy_helper.from_array(value, name)
        return self._constants[key].name


def _info(helper, name, kind):
    dtype, shape = kind
    code = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return helper.make_tensor_value_info(name, code, shape)


def _reachable(nodes, outputs):
    """The nodes that lead to these outputs, and the names of all that they use."""
    used, kept = set(outputs), []
    for node in reversed(nodes):
        if used.intersection(node.output):
            kept.append(node)
            used.update(_names_in(node))
    return kept[::-1], used


def _names_in(node):
    """What a node uses, in its branches too."""
    yield from node.input
    for attribute in node.attribute:
        for inner in attribute.g.node:
            yield from _names_in(inner)
        yield from (output.name for output in attribute.g.output)

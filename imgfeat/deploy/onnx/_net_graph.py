"""A CNNEmbedding as operators: views of the images, and the exported net."""

import numpy as np

from imgfeat.deploy.onnx._folded_rows import Rows
from imgfeat.deploy.onnx._net_view import view_of
from imgfeat.deploy.onnx._unportable import refuse
from imgfeat.nets._preprocessing import VIEWS
from imgfeat.nets.inference._embedder import Embedder
from imgfeat.nets.inference._export import ExportError, export


def embed(graph, step, planes, name):
    """A fitted CNNEmbedding, in float32."""
    net = step._ready_net()
    backbone, seen = net.backbone, net.backbone.preprocessing

    def export_net():
        return exported(Embedder(backbone.load(), seen, net.readout), step, name)

    def run(images):
        return graph.add_model(model, images=images)[0]

    def write():
        return mean_over_views(graph, planes, seen, step.n_views, run)

    # Folds of a calibration have the same net, and run it on the same images.
    identity = backbone.name, backbone.sha256, id(backbone.module), seen, net.readout
    model = graph.once(identity, export_net)
    features = graph.once((identity, planes.name, step.n_views), write)
    return Rows(graph.cast(features, np.float64), net.width)


def exported(module, step, name):
    """A module with uint8 images as input, as a serialized model, or a refusal."""
    try:
        return export(module)
    except ExportError as error:
        reason = str(error.__cause__ or error).splitlines()[0]
        refuse(name, step, f"its net cannot be exported ({reason})", "use another net")


def mean_over_views(graph, planes, preprocessing, n_views, net):
    """Run a net over views of each image.

    Parameters
    ----------
    net : callable
        From the name of uint8 images to that of outputs, (n, width).

    Returns
    -------
    str
        Of the mean outputs, (n, width).
    """
    seen = [view_of(graph, planes, preprocessing, view) for view in VIEWS[n_views]]
    if len(seen) == 1:
        return net(seen[0])
    # One view of all images after the other.
    outputs = net(graph.op("Concat", *seen, axis=0))
    width = graph.op("Shape", outputs, start=1)
    shape = graph.op("Concat", [len(seen), -1], width, axis=0)
    by_view = graph.op("Reshape", outputs, shape)
    return graph.op("ReduceMean", by_view, [0], keepdims=0)

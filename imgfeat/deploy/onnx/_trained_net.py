"""A CNNClassifier as operators: views of the images, and the exported net."""

import copy

import numpy as np
from torch import nn

from imgfeat.deploy.onnx._net_graph import exported, mean_over_views
from imgfeat.deploy.onnx._verdicts import Verdict, each_above, most_of
from imgfeat.estimators._label_thresholds import HALF
from imgfeat.nets import Preprocessing


class _Shares(nn.Module):
    """From uint8 images, (n, height, width, 3), to shares of the classes.

    Of several labels an image, to the probability of each.
    """

    def __init__(self, net, several):
        super().__init__()
        self.net = net
        self.several = several
        self.image_size = net.image_size

    def forward(self, images):
        found = self.net(images.permute(0, 3, 1, 2))
        return found.sigmoid() if self.several else found.softmax(dim=1)


def judge_by_net(graph, cnn, planes, name):
    """A fitted CNNClassifier, in float32."""
    trained = cnn.net_.module_
    # Of a compiled net, what it was compiled from.
    trained = copy.deepcopy(getattr(trained, "_orig_mod", trained)).cpu()
    shares = _Shares(trained, cnn.multilabel_).eval().requires_grad_(False)
    model = exported(shares, cnn, name)
    seen = Preprocessing(**cnn._seen)

    def run(images):
        return graph.add_model(model, images=images)[0]

    shares = mean_over_views(graph, planes, seen, cnn.n_views, run)
    shares = graph.cast(shares, np.float64)
    if cnn.multilabel_:
        return Verdict(each_above(graph, shares, HALF), None, shares)
    return Verdict(most_of(graph, shares), None, shares)

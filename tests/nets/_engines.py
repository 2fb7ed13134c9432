"""Torch engines of the tiny net, with and without a pipe to a device."""

from imgfeat.nets._pooling import Readout
from imgfeat.nets.inference._embedder import Embedder
from imgfeat.nets.inference._streams import HostLayer
from imgfeat.nets.inference._torch import TorchEngine
from tests.nets._tiny import TINY, TinyNet


def run(engine, images, n_intra=1):
    with engine.running(n_intra) as call:
        return call(images)


def embedder(net=None):
    return Embedder(net or TinyNet(), TINY, Readout("avg"))


def piped(net=None, layer=None, **options):
    options = {"batch_size": 4} | options
    return TorchEngine(embedder(net), layer=layer or HostLayer(), **options)

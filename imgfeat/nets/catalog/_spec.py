"""What is known of a net before it is built."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from imgfeat.nets._preprocessing import Preprocessing
from imgfeat.nets._torch_settings import let_compiler_start
from imgfeat.nets.catalog._weights_files import WeightsFile


@dataclass(frozen=True)
class NetSpec:
    """A net by name, with one set of its weights.

    Parameters
    ----------
    name : str
    preprocessing : Preprocessing
        Of the weights.
    tag : str
        Name of the weights.
    make : callable
        Returns the whole net with random weights.
    cut : callable
        Takes the whole net; returns its Trunk.
    find : callable
        Returns the path of the weights.
    width : int, optional
        Length of the embedding; None where it takes a run to know it.
    by_order : bool, default=False
        Whether the file names tensors otherwise than the net, in the same order.
    n_prefix : int, default=0
        Tokens of the net that stand for no place.
    fixed_size : bool, default=False
        Whether the net takes images of no other size than that of its preprocessing.
    min_size : tuple of (int, int), optional
        Least height and width of images that the net takes.
    file : WeightsFile, optional
        Where the weights come from; None if they are installed with the library.
    adapt : callable, optional
        Takes tensors that are named otherwise than the net's; returns the net with
        them, or None if they belong to another net.
    code : callable, optional
        What a user has registered to make the net, which may change behind its name.
    """

    name: str
    preprocessing: Preprocessing
    tag: str
    make: Callable
    cut: Callable
    find: Callable
    width: int | None = None
    by_order: bool = False
    n_prefix: int = 0
    fixed_size: bool = False
    min_size: tuple[int, int] | None = None
    file: WeightsFile | None = None
    adapt: Callable | None = None
    code: Callable | None = None


def library(name):
    """Import timm or torchvision when a net is built.

    A second each or more, and of no use to who finds an exported net.
    """
    let_compiler_start()
    return import_module(name)

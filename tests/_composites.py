"""Pictures tiled of textures that ship with scikit-image, several in one picture."""

import numpy as np
import pandas as pd
from PIL import Image
from skimage import data

TEXTURES = ["brick", "grass", "gravel"]


def draw_composites(n_images, seed=0, side=48):
    """Photos of two by two tiles, each a cut of a texture, or flat.

    Returns
    -------
    images : ndarray of shape (n_images, 2 * side, 2 * side), uint8
    labels : ndarray of shape (n_images, 3)
        Which of `TEXTURES` are on a photo.
    """
    rng = np.random.default_rng(seed)
    textures = [getattr(data, name)() for name in TEXTURES]
    images = np.empty((n_images, 2 * side, 2 * side), dtype=np.uint8)
    labels = rng.integers(2, size=(n_images, 3))
    for image, has in zip(images, labels, strict=True):
        places = rng.permutation(4)
        image[...] = rng.integers(100, 150)
        for place, kind in zip(places, np.flatnonzero(has), strict=False):
            top, left = rng.integers(512 - side, size=2)
            row, column = divmod(place, 2)
            cut = textures[kind][top : top + side, left : left + side]
            image[row * side :][:side, column * side :][:, :side] = cut
    return images, labels


def write_composites(folder, n_images, seed=0):
    """Write photos, and two tables of them; return the paths of the tables.

    ``columns.csv`` has a column of 0 and 1 a label, ``names.csv`` their names.
    """
    images, labels = draw_composites(n_images, seed)
    rows = []
    for number, (image, has) in enumerate(zip(images, labels, strict=True)):
        path = f"photo {number}.png"
        Image.fromarray(image).save(folder / path)
        names = [name for name, is_it in zip(TEXTURES, has, strict=True) if is_it]
        rows.append([path, ";".join(names), *has])
    table = pd.DataFrame(rows, columns=["path", "label", *TEXTURES])
    table[["path", *TEXTURES]].to_csv(folder / "columns.csv", index=False)
    table[["path", "label"]].to_csv(folder / "names.csv", index=False)
    return folder / "columns.csv", folder / "names.csv"

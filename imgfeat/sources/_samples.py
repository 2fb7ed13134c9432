"""Small labelled image sets that ship with scikit-learn and scikit-image."""

from numbers import Integral

import numpy as np
import skimage.data
from sklearn.datasets import load_digits
from sklearn.utils import Bunch

from imgfeat._frames import make_frame
from imgfeat._sklearn import Interval, StrOptions, validate_params

TEXTURES = ("brick", "grass", "gravel")
N_BANDS = 4  # bands of patches down and across a picture; the last one across is test


@validate_params(
    {
        "name": [StrOptions({"digits", "faces", "textures"})],
        "patch_size": [Interval(Integral, 8, 256, closed="both")],
    },
    prefer_skip_nested_validation=True,
)
def load_sample(name: str, *, patch_size: int = 64) -> Bunch:
    """Load images that are installed with imgfeat's dependencies; no network.

    Parameters
    ----------
    name : {"digits", "faces", "textures"}
        ``"digits"``: 1797 handwritten digits of 8 x 8 pixels, 10 classes, from
        scikit-learn. ``"faces"``: 100 faces and 100 pieces of background of 25 x 25
        pixels, from Labeled Faces in the Wild by scikit-image. ``"textures"``: three
        photographs of brick, grass and gravel by scikit-image, cut into patches.
    patch_size : int, default=64
        Height and width in pixels of a texture patch, 8 to 256.

    Returns
    -------
    Bunch
        images : ndarray of shape (n_samples, height, width), uint8
            Gray. Digits, stored as 0..16, are scaled to 0..255.
        target : ndarray of shape (n_samples,), int64
            Index into `target_names`.
        target_names : ndarray of shape (n_classes,), dtype object
            In the order of their numbers.
        frame : DataFrame
            Column label. For textures also part, ``"train"`` or ``"test"``, and group,
            a block of neighbouring patches, for ``GroupKFold``.
        DESCR : str
            Where they come from.

    Notes
    -----
    Texture patches do not overlap. Those of the test part are the right quarter of each
    photograph (half of it for the largest patches), so that no test patch lies between
    training patches.

    Examples
    --------
    >>> from imgfeat.sources import load_sample
    >>> textures = load_sample("textures")
    >>> textures.images.shape
    (192, 64, 64)
    >>> textures.frame.part.value_counts().to_dict()
    {'train': 144, 'test': 48}
    """
    if name == "digits":
        return _digits()
    if name == "faces":
        return _faces()
    return _textures(patch_size)


def _digits():
    digits = load_digits()
    images = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    return _bunch(images, digits.target, [str(d) for d in range(10)], digits.DESCR)


def _faces():
    images = np.rint(skimage.data.lfw_subset() * 255).astype(np.uint8)
    return _bunch(
        images,
        np.repeat([0, 1], 100),
        ["face", "background"],
        "100 faces and 100 pieces of background from Labeled Faces in the Wild (Huang "
        "et al. 2012), 25 x 25 pixels, gray; skimage.data.lfw_subset.",
    )


def _textures(patch_size):
    pictures = [getattr(skimage.data, name)() for name in TEXTURES]
    n_side = pictures[0].shape[0] // patch_size
    images = np.concatenate([_patches(picture, patch_size) for picture in pictures])

    n_bands = min(N_BANDS, n_side)
    band = np.arange(n_side) * n_bands // n_side
    row, col = (np.repeat(band, n_side), np.tile(band, n_side))
    target = np.repeat(np.arange(len(pictures)), n_side**2)
    block = np.tile(row * n_bands + col, len(pictures))
    is_test = np.tile(col == n_bands - 1, len(pictures))
    return _bunch(
        images,
        target,
        TEXTURES,
        f"Photographs of {', '.join(TEXTURES)}, 512 x 512 pixels, gray, cut into "
        f"patches of {patch_size} x {patch_size}; skimage.data.",
        part=np.where(is_test, "test", "train"),
        group=target * n_bands**2 + block,
    )


def _patches(picture, side):
    """Cut a picture into squares that do not overlap, row by row."""
    n_rows, n_cols = picture.shape[0] // side, picture.shape[1] // side
    whole = picture[: n_rows * side, : n_cols * side]
    tiles = whole.reshape(n_rows, side, n_cols, side).swapaxes(1, 2)
    return tiles.reshape(-1, side, side)


def _bunch(images, target, target_names, description, **columns):
    target_names = np.asarray(target_names, dtype=object)
    return Bunch(
        images=images,
        target=target.astype(np.int64),
        target_names=target_names,
        frame=make_frame({"label": target_names[target], **columns}),
        DESCR=description,
    )

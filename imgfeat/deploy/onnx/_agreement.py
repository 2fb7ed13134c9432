"""Does an exported file answer as its pipeline does? Asked with photos and noise."""

from copy import copy

import numpy as np
from skimage import data

from imgfeat._nesting import replace_nested
from imgfeat._traits import traits_of
from imgfeat.deploy.onnx._unportable import NotPortableError
from imgfeat.kernels.gray import to_gray
from imgfeat.kernels.resize import resize

TOLERANCE = 1e-4
_PHOTOS = "astronaut", "chelsea", "coffee", "rocket"
# Rows and columns from a photo, so that sizes and shapes differ.
_CUTS = (400, 427), (300, 451), (399, 200), (120, 333)
_TEXTURES = "brick", "grass", "gravel"


def trial_images(shape=None):
    """Photos that are installed with scikit-image, pieces of them, and noise.

    Parameters
    ----------
    shape : tuple of (height, width[, 3]), optional
        Of all, gray without channels; otherwise they are of many sizes, and RGB.

    Returns
    -------
    list of ndarray of shape (height, width[, 3]), uint8
    """
    images = _rgb_images(shape and shape[:2])
    return [to_gray(image) for image in images] if _is_gray(shape) else images


def as_input(image):
    """One image as the file takes it, (1, height, width, 3)."""
    if image.ndim == 2:
        image = np.repeat(image[..., None], 3, axis=2)
    return image[None]


def _is_gray(shape):
    return shape is not None and len(shape) == 2


def _rgb_images(shape):
    rng = np.random.default_rng(0)
    photos = [getattr(data, name)() for name in _PHOTOS]
    textures = [np.repeat(getattr(data, name)()[..., None], 3, 2) for name in _TEXTURES]
    if shape is not None:
        pieces = [_piece(photo, shape, rng) for photo in photos * 3 + textures * 2]
        return [*pieces, rng.integers(0, 256, (*shape, 3), dtype=np.uint8)]
    pieces = [_piece(*pair, rng) for pair in zip(photos, _CUTS, strict=True)]
    pieces += [_piece(texture, (96, 80), rng) for texture in textures]
    sizes = (224, 224), (37, 53), (301, 150), (1, 1)
    noise = [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in sizes]
    return pieces + noise


def check_agreement(pipeline, run, output, images):
    """Compare answers; return the largest difference.

    Parameters
    ----------
    pipeline : fitted classifier
    run : callable
        From images, (n, height, width, 3), to scores and labels, as the file gives.
    output : {"probabilities", "decisions"}
    images : list of ndarray of shape (height, width[, 3]), uint8

    Returns
    -------
    float
        Of probabilities; of decisions, relative to the largest, or to 1.

    Raises
    ------
    NotPortableError
        If a label is another, or the difference is above 1e-4.
    """
    same = len({image.shape for image in images}) == 1
    given = np.stack(images) if same else images
    expected, labels = _answers(in_float32(pipeline), output, given)
    found = [run(as_input(image)) for image in images]
    scores = np.concatenate([scores for scores, _ in found])
    found_labels = np.concatenate([label for _, label in found])
    scale = 1.0 if output == "probabilities" else max(1.0, np.abs(expected).max())
    worst = float(np.abs(scores - expected).max() / scale)
    if not worst <= TOLERANCE:
        raise NotPortableError(
            f"The exported file must give the pipeline's {output} within "
            f"{TOLERANCE:g}. Got a difference of {worst:.2g} on {len(images)} images; "
            "serve the file that imgfeat.save writes, and report this, please."
        )
    differ = (found_labels != labels) & ~_is_tie(expected, scale)
    if differ.any():
        raise NotPortableError(
            f"The exported file must give the pipeline's labels. Got {differ.sum()} "
            f"others on {len(images)} images; serve the file that imgfeat.save writes, "
            "and report this, please."
        )
    return worst


def _piece(photo, size, rng):
    """A window of a photo, or all of it enlarged where it is smaller."""
    if photo.shape[0] < size[0] or photo.shape[1] < size[1]:
        return resize(photo, size)
    tops = [rng.integers(0, photo.shape[axis] - size[axis] + 1) for axis in range(2)]
    rows, cols = (slice(top, top + side) for top, side in zip(tops, size, strict=True))
    return np.ascontiguousarray(photo[rows, cols])


def in_float32(pipeline):
    """The pipeline with nets that run in float32, in torch on the CPU."""

    def plain(estimator):
        if not traits_of(estimator).holds_net:
            return estimator
        exact = {"precision": "float32", "device": "cpu", "compile": False}
        exact["engine"] = "torch"
        exact = {
            name: value for name, value in exact.items() if hasattr(estimator, name)
        }
        if all(getattr(estimator, name) == value for name, value in exact.items()):
            return estimator
        estimator = copy(estimator)
        vars(estimator).update(exact)
        return estimator

    return replace_nested(pipeline, plain)


def _answers(pipeline, output, images):
    method = {"probabilities": "predict_proba", "decisions": "decision_function"}
    scores = np.asarray(getattr(pipeline, method[output])(images), dtype=np.float64)
    labels = np.asarray(pipeline.predict(images))
    return scores, np.searchsorted(pipeline.classes_, labels)


def _is_tie(scores, scale):
    """Rows whose best two are nearer than what is allowed anyway."""
    if scores.ndim == 1:
        return np.abs(scores) <= TOLERANCE * scale
    best = np.sort(scores, axis=1)
    return best[:, -1] - best[:, -2] <= TOLERANCE * scale

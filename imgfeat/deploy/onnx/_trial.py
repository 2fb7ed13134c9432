"""Does an exported file answer as its pipeline does? Asked with photos and noise."""

from copy import copy

import numpy as np
from skimage import data

from imgfeat._nesting import replace_nested
from imgfeat._target import gives_several, what_decides
from imgfeat._traits import traits_of
from imgfeat.deploy._answers import in_front_of_last
from imgfeat.deploy._says_unknown import is_open
from imgfeat.deploy.onnx._unportable import NotPortableError
from imgfeat.estimators._class_scores import shares_of_labels
from imgfeat.estimators._label_thresholds import HALF
from imgfeat.kernels.gray import to_gray
from imgfeat.kernels.resize import resize

TOLERANCE = 1e-4
_PHOTOS = "astronaut", "chelsea", "coffee", "rocket"
# Rows and columns from a photo, so that sizes and shapes differ.
_CUTS = (400, 427), (300, 451), (399, 200), (120, 333)
_TEXTURES = "brick", "grass", "gravel"
_REMEDY = "serve the file that imgfeat.save writes, and report this, please."


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


def check_agreement(pipeline, run, images):
    """Compare answers; return the largest difference.

    Parameters
    ----------
    pipeline : fitted classifier
    run : callable
        From images, (n, height, width, 3), to what the file gives: scores, ``label``
        and so on, by name.
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
    parts = [run(as_input(image)) for image in images]
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    same = len({image.shape for image in images}) == 1
    given = np.stack(images) if same else images
    expected = _answers(in_float32(pipeline), given)
    worst = 0.0
    for name in expected.keys() & {"probabilities", "decisions", "score"}:
        scale = _scale(name, expected[name])
        off = float(np.abs(found[name] - expected[name]).max() / scale)
        if not off <= TOLERANCE:
            raise NotPortableError(
                f"The exported file must give the pipeline's {name} within "
                f"{TOLERANCE:g}. Got a difference of {off:.2g} on {len(images)} "
                f"images; {_REMEDY}"
            )
        worst = max(worst, off)
    differ = (found["label"] != expected["label"]) & ~_is_close(pipeline, expected)
    if differ.any():
        raise NotPortableError(
            f"The exported file must give the pipeline's labels. Got {differ.sum()} "
            f"others on {len(images)} images; {_REMEDY}"
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


def _answers(pipeline, images):
    """What a pipeline says, by the names of the outputs of its file."""
    if is_open(pipeline):
        last, images = in_front_of_last(pipeline, images)
        found = last.predict_open(images)
        best = np.where(found.known, found.proba.argmax(axis=1), len(pipeline.classes_))
        return {"probabilities": found.proba, "score": found.scores, "label": best}
    name, method = "probabilities", "predict_proba"
    if not hasattr(pipeline, method):
        name, method = "decisions", "decision_function"
    scores = getattr(pipeline, method)(images)
    if gives_several(pipeline):
        if name == "probabilities":
            scores = shares_of_labels(scores, pipeline.classes_)
        scores = np.asarray(scores, dtype=np.float64)
        return {name: scores, "label": np.asarray(pipeline.predict(images))}
    scores = np.asarray(scores, dtype=np.float64)
    label = np.searchsorted(pipeline.classes_, np.asarray(pipeline.predict(images)))
    return {name: scores, "label": label}


def _scale(name, values):
    return max(1.0, np.abs(values).max()) if name == "decisions" else 1.0


def _is_close(pipeline, expected):
    """Rows, or of several labels cells, that may be other within what is allowed."""
    name = "decisions" if "decisions" in expected else "probabilities"
    scores = expected[name]
    room = TOLERANCE * _scale(name, scores)
    if gives_several(pipeline):
        half = HALF if name == "probabilities" else 0.0
        bounds = getattr(what_decides(pipeline), "thresholds_", half)
        return np.abs(scores - bounds) <= room
    if scores.ndim == 1:
        return np.abs(scores) <= room
    best = np.sort(scores, axis=1)
    is_close = best[:, -1] - best[:, -2] <= room
    if "score" in expected:
        is_close |= (
            np.abs(expected["score"] - what_decides(pipeline).threshold_) <= room
        )
    return is_close

"""Golden images: a few inputs with what the pipeline said about them when it was saved.

They are run again at load, so that another version of a library, another decoder or
another device cannot change predictions unseen.
"""

import io
import warnings

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.utils.validation import check_is_fitted

from imgfeat.deploy._errors import BundleError
from imgfeat.deploy._walk import NET, holds_nets, type_name, walk
from imgfeat.preprocess import Resize
from imgfeat.sources import ImageReader
from imgfeat.sources._images import Images

# Largest allowed error relative to the largest value expected (at least 1 for scores).
# float32 sums in another order differ by 1e-6 or so, and what follows (a scaler, a
# classifier) may enlarge that. Nets may run in half precision on another device.
TOLERANCE = 1e-3
TOLERANCE_OF_NETS = 3e-2
SCORES = "decision_function", "predict_proba"
MAX_IMAGES = 16
PICTURE = 96, 128, 3

_NO_STEP = "passthrough", "drop", None


def make_golden(pipeline, example=None):
    """Return ``{"golden/NAME.npy": bytes}``: images, and what `pipeline` makes of them.

    Parameters
    ----------
    pipeline : fitted estimator
    example : images, as for ``predict``, optional
        By default two synthetic images of a kind that the pipeline takes.
    """
    if example is None:
        images = _synthetic(pipeline)
    else:
        given = Images(pipeline, example, reset=False, check_numbers=np.asarray)
        images = [given.read(row) for row in range(len(given))]
    if not 1 <= len(images) <= MAX_IMAGES:
        raise ValueError(
            f"example must hold 1 to {MAX_IMAGES} images. Got {len(images)}; a few are "
            "enough, they are stored as pixels and run at every load."
        )
    parts = {f"image{index}": image for index, image in enumerate(images)}
    try:
        parts.update(_outputs(pipeline, images))
    except NotFittedError:
        raise
    except (TypeError, ValueError) as error:
        if example is not None:
            raise
        raise ValueError(
            f"{type(pipeline).__name__} does not take the synthetic golden images: "
            f"{error} Pass example=, a few images as for predict."
        ) from error
    return {f"golden/{name}.npy": _to_bytes(array) for name, array in parts.items()}


def check_golden(pipeline, parts, path, versions):
    """Run `pipeline` on the golden images in `parts`; raise if the answers differ.

    Parameters
    ----------
    versions : str
        What the message says about libraries that changed since.

    Raises
    ------
    BundleError
    """
    arrays = {
        name.removeprefix("golden/").removesuffix(".npy"): _from_bytes(data, path)
        for name, data in parts.items()
        if name.startswith("golden/")
    }
    names = [f"image{index}" for index in range(MAX_IMAGES)]
    images = [arrays.pop(name) for name in names if name in arrays]
    try:
        found = _outputs(pipeline, images)
    except Exception as error:  # whatever it is, this pipeline does not work here
        raise BundleError(
            f"{path} does not run here: its golden images give {error!r}. {versions}"
        ) from error
    if set(found) != set(arrays):
        raise BundleError(
            f"{path} does not behave as when it was saved: it offers {sorted(found)}, "
            f"saved were {sorted(arrays)}. {versions}"
        )
    tolerance = tolerance_of(pipeline)
    for name in sorted(arrays, key="predict".__eq__):  # labels last: scores explain
        worst = _difference(name, found[name], arrays[name])
        if worst <= tolerance or (name == "predict" and _is_tie(arrays, tolerance)):
            continue
        if np.isfinite(worst):
            what = f"{name} is off by {worst:.2g}, allowed is {tolerance:.0e}"
        else:
            what = f"{name} gives {_short(found[name])}, it gave {_short(arrays[name])}"
        raise BundleError(
            f"{path} does not behave as when it was saved: on its golden images, "
            f"{what}. {versions}"
        )


def tolerance_of(pipeline):
    """Largest relative error allowed for `pipeline`."""
    return TOLERANCE_OF_NETS if holds_nets(pipeline) else TOLERANCE


def picture(shape, seed):
    """A deterministic uint8 image: a ramp, a disc, a bar, and noise."""
    height, width = shape[:2]
    rng = np.random.default_rng(seed)
    row, col = np.ogrid[:height, :width]
    ramp = 40 + 120 * col / width + 20 * row / height
    center_row, center_col = rng.uniform(0.3, 0.7, 2) * (height, width)
    distance = np.hypot(row - center_row, col - center_col)
    disc = 70.0 * (distance < 0.3 * min(height, width))
    bar = -60.0 * (np.abs(row - col * height / width) < 0.05 * height)
    gray = ramp + disc + bar
    if len(shape) == 3:
        gray = gray[..., None] * rng.uniform(0.5, 1.2, shape[2])
    return np.clip(gray + rng.normal(0, 8, shape), 0, 255).astype(np.uint8)


def _synthetic(pipeline):
    first = _first_steps(pipeline)
    if any(type_name(type(step)).startswith("imgfeat.") for step in first):
        shape = None if any(map(_takes_any_size, first)) else _fitted_shape(pipeline)
        return [picture(shape or PICTURE, seed) for seed in (0, 1)]
    for step in [*first, pipeline]:
        if hasattr(step, "n_features_in_"):
            return list(np.random.default_rng(0).random((2, step.n_features_in_)))
    for step in first:
        check_is_fitted(step)
    raise ValueError(
        f"Cannot tell which images {type(pipeline).__name__} takes, to keep some as "
        "golden images. Pass example=, a few images as for predict."
    )


def _takes_any_size(step):
    resizes = isinstance(step, ImageReader | Resize) and step.size is not None
    return resizes or type_name(type(step)) == NET


def _fitted_shape(pipeline):
    """Shape of the images that the first step with a memory of it was fitted on."""
    for _, item in walk(pipeline):
        if hasattr(item, "image_shape_in_"):
            return item.image_shape_in_
    return None


def _first_steps(estimator):
    """The estimators that see X itself."""
    if isinstance(estimator, Pipeline):
        steps = [step for _, step in estimator.steps if step not in _NO_STEP]
        return _first_steps(steps[0]) if steps else []
    if isinstance(estimator, FeatureUnion):
        branches = [branch for _, branch in estimator.transformer_list]
        branches = [branch for branch in branches if branch not in _NO_STEP]
        return [step for branch in branches for step in _first_steps(branch)]
    for inner in ("best_estimator_", "estimator"):
        if hasattr(estimator, inner):
            return _first_steps(getattr(estimator, inner))
    return [estimator]


def _outputs(pipeline, images):
    """What `pipeline` says about `images`: features, scores and labels, as offered."""
    same = len({(image.shape, image.dtype) for image in images}) == 1
    X = np.stack(images) if same else images
    outputs = {}
    with warnings.catch_warnings():
        # A pipeline fitted on a table warns that these rows have no column names.
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        last = pipeline
        if isinstance(pipeline, Pipeline) and len(pipeline.steps) > 1:
            # The features once, not once for each method of the last step.
            X = pipeline[:-1].transform(X)
            last = pipeline.steps[-1][1]
            outputs["features"] = _plain(X)
        methods = (*SCORES, "predict") if hasattr(last, "predict") else ("transform",)
        for method in methods:
            if hasattr(last, method):
                outputs[method] = _plain(getattr(last, method)(X))
    if not outputs:
        name = type(pipeline).__name__
        raise TypeError(f"{name} has neither predict nor transform: nothing to serve.")
    return outputs


def _plain(output):
    """An output as an array that is stored without pickle."""
    if hasattr(output, "toarray"):
        output = output.toarray()
    if isinstance(output, list):  # one array a target
        output = np.hstack(output)
    # A DataFrame and Descriptors both have their numbers there.
    output = np.asarray(getattr(output, "values", output))
    return np.asarray(output.tolist()) if output.dtype == object else output


def _difference(name, found, expected):
    """Largest error relative to the largest value; infinite if not comparable."""
    if found.shape != expected.shape:
        return np.inf
    if found.dtype.kind not in "fc":
        return 0.0 if np.array_equal(found, expected) else np.inf
    floor = 1.0 if name in SCORES else np.finfo(np.float32).tiny
    scale = max(floor, np.nanmax(np.abs(expected), initial=0.0))
    if not np.array_equal(np.isnan(found), np.isnan(expected)):
        return np.inf
    return float(np.nanmax(np.abs(found - expected), initial=0.0) / scale)


def _short(output):
    """The first values of an output, as text."""
    return f"shape {output.shape}, {np.array2string(output.ravel()[:4], precision=3)}"


def _is_tie(arrays, tolerance):
    """Whether scores within the tolerance may give another label."""
    for name in SCORES:
        if name in arrays:
            scores = arrays[name]
            if scores.ndim == 1:
                margin = np.abs(scores).min()
            else:
                margin = np.diff(np.sort(scores, axis=1)[:, -2:]).min()
            return bool(margin <= 2 * tolerance * max(1.0, np.abs(scores).max()))
    return False


def _to_bytes(array):
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _from_bytes(data, path):
    try:
        return np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
    except (ValueError, MemoryError) as error:
        raise BundleError(f"{path}: a golden array is broken: {error}.") from error

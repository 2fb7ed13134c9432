"""Golden images: a few inputs with what the pipeline said about them when it was saved.

They are run again at load, so that another version of a library, another decoder or
another device cannot change predictions unseen.
"""

import io
import warnings

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline

from imgfeat._nesting import walk
from imgfeat._target import gives_several, what_decides
from imgfeat._traits import traits_of
from imgfeat.deploy._arrays import read_array
from imgfeat.deploy._errors import BundleError, one_clear_error
from imgfeat.deploy._example import pack, synthetic, unpack

SCORES = "decision_function", "predict_proba"
DISTANCES = "score_unknown"  # of an OpenSet
WINDOWS = "score_windows"  # of a detector, whose boxes follow from them
VERIFIED = "score_windows_by_verifier"  # of one with a second classifier, all of them
ROWS = "describe"  # of a verifier, whose similarities follow from them
# What a pixel that is one level off makes of features, in golden images of noise.
_RESIZED_OTHERWISE = 0.1


def make_golden(pipeline, example=None):
    """Return what a file keeps of an example, and of what `pipeline` makes of it.

    Parameters
    ----------
    pipeline : fitted estimator
    example : images or DataFrame, as for ``predict``, optional
        By default two synthetic rows of a kind that the pipeline takes.

    Returns
    -------
    parts : dict of str to bytes
        ``golden/NAME.npy``.
    layout : list or None
        As `pack` gives it.
    """
    shown = synthetic(pipeline) if example is None else example
    arrays, layout = pack(shown, pipeline)
    try:
        found = _outputs(pipeline, unpack(dict(arrays), layout))
    except NotFittedError:
        raise
    except (TypeError, ValueError) as error:
        if example is not None:
            raise
        raise ValueError(
            f"{type(pipeline).__name__} does not take the synthetic golden images: "
            f"{error} Pass example=, a few rows as for predict."
        ) from error
    arrays |= found
    parts = {f"golden/{name}.npy": _to_bytes(array) for name, array in arrays.items()}
    return parts, layout


def check_golden(pipeline, parts, layout, path, versions, *, is_resized_so=True):
    """Run `pipeline` on the golden images in `parts`; raise if the answers differ.

    Parameters
    ----------
    pipeline : fitted estimator
    parts : dict of str to bytes
    layout : list or None
        As `make_golden` gave it.
    path : Path
        Named in errors.
    versions : str
        What the message says about libraries that changed since.
    is_resized_so : bool, default=True
        Whether it was saved by an imgfeat that resized as this one does.

    Raises
    ------
    BundleError
    """
    arrays = {
        name.removeprefix("golden/").removesuffix(".npy"): _from_bytes(data, path)
        for name, data in parts.items()
        if name.startswith("golden/")
    }
    with one_clear_error(f"{path} has golden images that cannot be used"):
        example = unpack(arrays, layout)
    try:
        found = _outputs(pipeline, example)
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
    if not is_resized_so:
        tolerance = max(tolerance, _RESIZED_OTHERWISE)
    for name in sorted(arrays, key="predict".__eq__):  # labels last: scores explain
        worst = _difference(name, found[name], arrays[name], is_resized_so)
        if worst <= tolerance:
            continue
        if name == "predict" and (
            _is_tie(arrays, pipeline, tolerance)
            or _is_at_bound(arrays, pipeline, tolerance)
        ):
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
    """Largest relative error allowed for `pipeline`: that of its least exact part."""
    return max(traits_of(item).tolerance for _, item in walk(pipeline))


def _outputs(pipeline, example):
    """What `pipeline` says about rows: features, scores and labels, as offered."""
    X = example
    if isinstance(example, list):
        same = len({(image.shape, image.dtype) for image in example}) == 1
        X = np.stack(example) if same else example
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
        if hasattr(last, WINDOWS):
            outputs[WINDOWS] = _window_scores(last, X, "pipeline")
            if getattr(last, "verifier_", None) is not None:
                outputs[VERIFIED] = _window_scores(last, X, "verifier")
            return outputs
        if hasattr(last, ROWS):
            outputs[ROWS] = _plain(getattr(last, ROWS)(X))
            return outputs
        methods = (
            (*SCORES, DISTANCES, "predict")
            if hasattr(last, "predict")
            else ("transform",)
        )
        for method in methods:
            if hasattr(last, method):
                outputs[method] = _plain(getattr(last, method)(X))
    if not outputs:
        name = type(pipeline).__name__
        raise TypeError(f"{name} has neither predict nor transform: nothing to serve.")
    return outputs


def _window_scores(detector, X, by):
    scores = [windows.scores for windows in detector.score_windows(X, by=by)]
    return _plain(np.concatenate(scores))


def _plain(output):
    """An output as an array that is stored without pickle."""
    if hasattr(output, "toarray"):
        output = output.toarray()
    if isinstance(output, list):  # one array a target
        output = np.hstack(output)
    # A DataFrame and Descriptors both have their numbers there.
    output = np.asarray(getattr(output, "values", output))
    return np.asarray(output.tolist()) if output.dtype == object else output


def _difference(name, found, expected, is_resized_so):
    """Largest error relative to the largest value; infinite if not comparable."""
    if found.shape != expected.shape:
        return np.inf
    if not is_resized_so and found.dtype == expected.dtype == np.uint8:
        found, expected = found.astype(float), expected.astype(float)
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


def _is_tie(arrays, pipeline, tolerance):
    """Whether scores within the tolerance may give another label."""
    for name in SCORES:
        if name in arrays:
            scores = arrays[name]
            if gives_several(pipeline):
                # Of forests, for each label those of 0 and 1 beside each other.
                half = 0.5 if name == "predict_proba" else 0.0
                bounds = getattr(what_decides(pipeline), "thresholds_", half)
                margin = np.abs(scores - bounds).min()
            elif scores.ndim == 1:
                margin = np.abs(scores).min()
            else:
                margin = np.diff(np.sort(scores, axis=1)[:, -2:]).min()
            return bool(margin <= 2 * tolerance * max(1.0, np.abs(scores).max()))
    return False


def _is_at_bound(arrays, pipeline, tolerance):
    """Whether distances within the tolerance may turn unknown into known."""
    if DISTANCES not in arrays:
        return False
    margin = np.abs(arrays[DISTANCES] - what_decides(pipeline).threshold_).min()
    return bool(margin <= 2 * tolerance * np.abs(arrays[DISTANCES]).max())


def _to_bytes(array):
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _from_bytes(data, path):
    try:
        return read_array(data)
    except ValueError as error:
        raise BundleError(f"{path}: a golden array is broken: {error}") from error

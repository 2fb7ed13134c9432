"""Write a fitted pipeline as one ONNX file."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.utils.validation import check_is_fitted

from imgfeat._files import write_atomic
from imgfeat._nesting import first_steps, walk
from imgfeat._on_arrays import on_arrays
from imgfeat._target import classes_of, gives_several
from imgfeat._threads import usable_threads
from imgfeat._traits import traits_of
from imgfeat._typing import PathLike
from imgfeat.deploy._archive import check_target
from imgfeat.deploy._example import picture
from imgfeat.deploy._uncached import without_caches
from imgfeat.deploy.onnx._compose import judge
from imgfeat.deploy.onnx._graph import Graph, import_onnx
from imgfeat.deploy.onnx._labelling import describe_file, seal
from imgfeat.deploy.onnx._planes import as_planes
from imgfeat.deploy.onnx._trial import check_agreement, trial_images
from imgfeat.deploy.onnx._unportable import NotPortableError
from imgfeat.estimators._no_labels import NoLabelsError
from imgfeat.nets.inference._onnx_session import open_session

_MOST_BYTES = 2**31 - 1  # protobuf's own limit
_GOLDEN = 48, 64  # pixels


@dataclass(frozen=True)
class ExportedModel:
    """What `export_onnx` has written.

    Attributes
    ----------
    path : Path
    n_bytes : int
        Size of the file.
    output : {"probabilities", "decisions"}
        What the file gives beside ``label``.
    worst : float
        Largest difference of it from the pipeline's, on the images of the check.
    n_checked : int
        Images of the check.
    """

    path: Path
    n_bytes: int
    output: str
    worst: float
    n_checked: int


def export_onnx(pipeline: BaseEstimator, path: PathLike) -> ExportedModel:
    """Write a fitted pipeline as one ONNX file, from pixels to probabilities.

    Resizing, features, scalers and the classifier become plain operators of ONNX, so
    that the file needs an ONNX runtime and a decoder of images, and nothing of ours: on
    a server, on a phone, or in a browser by onnxruntime-web. Before it is written, it
    answers for photos and noise of many sizes as the pipeline does.

    Parameters
    ----------
    pipeline : fitted classifier of images
        A `Pipeline`, or a search, a `CachedFeatures` and the like around one.
    path : str or path
        File to write, ``"model.onnx"`` by custom. An older one is replaced.

    Returns
    -------
    ExportedModel
        The largest difference from the pipeline among other things.

    Raises
    ------
    NotFittedError
        If `pipeline` is not fitted.
    NotPortableError
        If a step has no operators, naming it and what can be done; or if the file
        answers otherwise than the pipeline, saying by how much. It is a ``ValueError``.
    ModuleNotFoundError
        If the extra ``imgfeat[onnx]`` is not installed.
    OSError
        If the file cannot be written. Nothing half-written is left.

    See Also
    --------
    save : A file that imgfeat loads again as the pipeline that it was.

    Notes
    -----
    The input is ``images``, uint8 of shape (n, height, width, 3), RGB, of any size; of
    a fixed one where the pipeline takes but one. The outputs are ``probabilities``,
    float32 of shape (n, n_classes), and ``label``, int64 of shape (n,), an index of a
    class. A pipeline without probabilities gives ``decisions`` instead, float32, of the
    shape that its ``decision_function`` has. Where an image may have several labels,
    ``label`` has the shape (n, n_classes), 1 for each that it has. An `OpenSet` also
    gives ``known`` and ``sets``, bool, and ``score``, as its methods do; its label is
    the number of classes where an image is unknown.

    What comes with it stands in the file's ``metadata_props`` as JSON: the names of the
    ``classes``, whether an image may have ``several``, how images are to be read, what
    reads them in the pipeline, versions, an image with the answers to it (``golden``),
    how the file was checked, and the SHA-256 of its graph.

    Images are resized as by `imgfeat.kernels.resize`, by two products with matrices
    that the graph computes from their size. The net is float32, whatever the pipeline
    runs it in; a linear classifier is folded with the scalers and projections before it
    in float64, and computed so. A pixel of a resized image may differ by one level
    where its value lies between two.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from imgfeat import load_sample, make_recipe
    >>> from imgfeat.deploy import export_onnx
    >>> faces = load_sample("faces")
    >>> model = make_recipe("hog-lr", size=32).fit(faces.images, faces.target)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = export_onnx(model, Path(folder) / "faces.onnx")
    >>> found.output, found.worst < 1e-4
    ('probabilities', True)
    """
    if not is_classifier(pipeline):
        kind = getattr(pipeline, "__name__", type(pipeline).__name__)
        raise NoLabelsError(
            f"export_onnx needs a fitted classifier of images. Got {kind}."
        )
    check_is_fitted(pipeline)
    onnx = import_onnx()
    path = check_target(path)
    pipeline = on_arrays(without_caches(pipeline))
    shape = fixed_shape(pipeline)
    model = _compose(pipeline, shape)
    run = _opened(onnx, model)
    images = trial_images(shape)
    worst = check_agreement(pipeline, run, images)

    golden = picture((*(shape or _GOLDEN)[:2], 3), seed=0)[None]
    outputs = run(golden)
    agreement = {"images": len(images), "largest_difference": worst}
    about = describe_file(pipeline, golden, outputs, agreement)
    onnx.helper.set_model_props(model, about | {"sha256": seal(model)})
    data = model.SerializeToString()
    write_atomic(path, data)
    return ExportedModel(path, len(data), next(iter(outputs)), worst, len(images))


def fixed_shape(pipeline):
    """Shape of the images that a pipeline takes, or None if of any size."""
    first = first_steps(pipeline)
    if all(traits_of(step).takes_any_size for step in first):
        return None
    for _, item in walk(pipeline):
        is_bound = not traits_of(item).takes_any_size
        if is_bound and hasattr(item, "image_shape_in_"):
            return item.image_shape_in_
    return None


def _compose(pipeline, shape):
    """The ModelProto, whose first outputs are scores and labels."""
    graph = Graph()
    planes = as_planes(graph, "images", shape and shape[:2])
    verdict = judge(graph, pipeline, planes)
    output = "decisions" if verdict.probabilities is None else "probabilities"
    scores = verdict.probabilities or verdict.decisions
    n_classes, several = len(classes_of(pipeline)), gives_several(pipeline)
    dims = ["n", n_classes]
    if output == "decisions" and n_classes == 2 and not several:
        scores, dims = graph.op("Reshape", scores, [-1]), ["n"]
    elif output == "decisions" and not several:
        dims = ["n", None]
    size = ["height", "width"] if shape is None else list(shape[:2])
    graph.name_output(graph.cast(scores, np.float32), output)
    graph.name_output(verdict.label, "label")
    inputs = {"images": (np.uint8, ["n", *size, 3])}
    of_label = ["n", n_classes] if several else ["n"]
    outputs = {output: (np.float32, dims), "label": (np.int64, of_label)}
    for name, (value, dtype, dims) in verdict.extra.items():
        graph.name_output(value, name)
        outputs[name] = dtype, dims
    return graph.build(inputs, outputs)


def _opened(onnx, model):
    """The function that a model is: from images to arrays by name."""
    if model.ByteSize() > _MOST_BYTES:
        raise NotPortableError(
            f"An ONNX file takes less than 2 GB. Got {model.ByteSize() / 1e9:.1f} GB; "
            "use a smaller net."
        )
    onnx.checker.check_model(model)
    session = open_session(model.SerializeToString(), n_threads=usable_threads(None))
    names = [output.name for output in session.get_outputs()]

    def run(images):
        return dict(zip(names, session.run(names, {"images": images}), strict=True))

    return run

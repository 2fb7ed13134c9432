"""Small graphs: written by a function, and run."""

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from imgfeat.deploy.onnx._compose import judge
from imgfeat.deploy.onnx._folded_rows import Rows
from imgfeat.deploy.onnx._graph import Graph
from imgfeat.deploy.onnx._planes import as_planes
from imgfeat.nets.inference._onnx_session import open_session


def run_graph(graph, outputs, value, name, shape=None):
    """What a graph makes of one input.

    Parameters
    ----------
    graph : Graph
    outputs : dict of str to dtype
        By the names of values in the graph.
    value : ndarray
        The input called `name`; by default of any shape.

    Returns
    -------
    list of ndarray
    """
    shape = [f"side{axis}" for axis in range(value.ndim)] if shape is None else shape
    found = {output: (dtype, None) for output, dtype in outputs.items()}
    model = graph.build({name: (value.dtype, shape)}, found)
    return open_session(model.SerializeToString()).run(list(outputs), {name: value})


def run_on_image(write, image, size=None):
    """What is written by ``write(graph, planes)``, which returns a name, of one image.

    Parameters
    ----------
    write : callable
    image : ndarray of shape (height, width, 3), uint8
    size : tuple of (int, int), optional
        That the graph may count on.
    """
    graph = Graph()
    planes = as_planes(graph, "images", size)
    name, dtype = write(graph, planes)
    return run_graph(graph, {name: dtype}, image[None], "images")[0][0]


def run_classifier(classifier, X):
    """Labels and scores of a graph for rows.

    Returns
    -------
    labels : ndarray of int
        Indices of classes.
    decisions, probabilities : ndarray or None
    """
    graph = Graph()
    verdict = judge(graph, classifier, Rows("rows", X.shape[1]))
    outputs = {verdict.label: np.int64}
    for scores in (verdict.decisions, verdict.probabilities):
        if scores is not None:
            outputs[scores] = np.float64
    values = dict(
        zip(outputs, run_graph(graph, outputs, np.float64(X), "rows"), strict=True)
    )
    return tuple(
        values.get(name)
        for name in (verdict.label, verdict.decisions, verdict.probabilities)
    )


def draw_rows(n_classes):
    """Rows of 6 numbers that are not easily told apart, and their classes."""
    rng = np.random.default_rng(0)
    y = rng.permutation(np.arange(80) % n_classes)
    return rng.standard_normal((80, 6)) + 0.5 * np.eye(n_classes, 6)[y], y


def assert_says_the_same(model, X):
    """Whether labels, decisions and probabilities are those of a fitted classifier.

    X is told in float32, as features are, and what is unlike all else is there too.
    """
    X = np.float32(np.concatenate([X, 30 * X[:3], np.zeros((1, X.shape[1]))]))
    X = X.astype(np.float64)
    labels, decisions, probabilities = run_classifier(model, X)
    assert_array_equal(model.classes_[labels], model.predict(X))
    if decisions is not None:
        expected = model.decision_function(X)
        expected = expected[:, None] if expected.ndim == 1 else expected
        assert_allclose(decisions, expected, rtol=1e-9, atol=1e-9)
    assert (probabilities is not None) == hasattr(model, "predict_proba")
    if probabilities is not None:
        assert_allclose(probabilities, model.predict_proba(X), rtol=1e-6, atol=1e-9)

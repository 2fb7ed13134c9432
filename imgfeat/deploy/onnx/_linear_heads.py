"""Linear classifiers as operators."""

import numpy as np

from imgfeat._target import gives_several
from imgfeat.deploy.onnx._unportable import refuse
from imgfeat.deploy.onnx._verdicts import (
    Verdict,
    both_sides,
    decide,
    each_above,
    most_of,
    shares,
    side_of,
    sigmoid,
    softmax,
    with_rest,
)


def judge_by_temperature(graph, probe, rows, name):
    """A LinearProbe, a RidgeProbe or a PrototypeClassifier."""
    decisions = decide(graph, rows, probe.coef_, probe.intercept_)
    if probe.multilabel_:
        temperatures = np.asarray(probe.temperature_, dtype=np.float64)
        found = sigmoid(graph, graph.op("Div", decisions, temperatures))
        return Verdict(each_above(graph, decisions, 0), decisions, found)
    scores = decisions
    if len(probe.classes_) == 2:
        scores = both_sides(graph, decisions, 0.5)
    scaled = graph.op("Div", scores, np.float64(probe.temperature_))
    return Verdict(most_of(graph, scores), decisions, softmax(graph, scaled))


def judge_linear(graph, model, rows, name):
    """A LinearSVC, a RidgeClassifier and others with decisions alone."""
    decisions = decide(graph, rows, model.coef_, model.intercept_)
    return Verdict(_label(graph, model, decisions), decisions)


def judge_logistic(graph, model, rows, name):
    """A LogisticRegression."""
    decisions = decide(graph, rows, model.coef_, model.intercept_)
    is_binary = len(model.classes_) == 2
    if is_binary and getattr(model, "multi_class", None) == "multinomial":
        found = softmax(graph, both_sides(graph, decisions))
    elif is_binary or _is_one_against_rest(model):
        found = _one_against_rest(graph, model, decisions)
    else:
        found = softmax(graph, decisions)
    return Verdict(_label(graph, model, decisions), decisions, found)


def judge_discriminant(graph, model, rows, name):
    """A LinearDiscriminantAnalysis."""
    decisions = decide(graph, rows, model.coef_, model.intercept_)
    if len(model.classes_) == 2:
        found = with_rest(graph, sigmoid(graph, decisions))
    else:
        found = softmax(graph, decisions)
    return Verdict(_label(graph, model, decisions), decisions, found)


def judge_by_descent(graph, model, rows, name):
    """An SGDClassifier, which has probabilities with some losses."""
    verdict = judge_linear(graph, model, rows, name)
    if model.loss == "log_loss":
        found = _one_against_rest(graph, model, verdict.decisions)
        return Verdict(verdict.label, verdict.decisions, found)
    if model.loss == "modified_huber":
        why = "loss='modified_huber' has probabilities of its own kind"
        refuse(name, model, why, "put CalibratedClassifierCV around loss='hinge'")
    return verdict


def _label(graph, model, decisions):
    if gives_several(model):
        return each_above(graph, decisions, 0)
    pick = side_of if len(model.classes_) == 2 else most_of
    return pick(graph, decisions)


def _one_against_rest(graph, model, decisions):
    each = sigmoid(graph, decisions)
    n_classes = len(model.classes_)
    return with_rest(graph, each) if n_classes == 2 else shares(graph, each, n_classes)


def _is_one_against_rest(model):
    """Of scikit-learn before 1.8, which could do both for several classes."""
    how = getattr(model, "multi_class", None)
    return how == "ovr" or (how != "multinomial" and model.solver == "liblinear")

"""Classifiers of several labels that have another one inside, as operators."""

from dataclasses import replace

import numpy as np

from imgfeat._target import gives_several
from imgfeat.deploy.onnx._unportable import refuse
from imgfeat.deploy.onnx._verdicts import Verdict, each_above
from imgfeat.estimators._label_thresholds import HALF


def judge_each_label(graph, model, value, name, judge):
    """scikit-learn's OneVsRestClassifier or MultiOutputClassifier: one a label.

    Parameters
    ----------
    judge : callable
        Gives the Verdict of a classifier within: ``judge(graph, model, value, name)``.
    """
    if not gives_several(model):
        why = "it is written for several labels an image, and was fitted on one of each"
        refuse(name, model, why, "take LogisticRegression or LinearSVC as it is")
    for place, one in enumerate(model.estimators_):
        if np.asarray(getattr(one, "classes_", [])).tolist() != [0, 1]:
            why = f"all or none of the images it was fitted on have label {place}"
            refuse(name, one, why, "leave this label out")
    verdicts = [judge(graph, one, value, name) for one in model.estimators_]
    labels = [graph.op("Reshape", verdict.label, [-1, 1]) for verdict in verdicts]
    label = graph.op("Concat", *labels, axis=1)
    if hasattr(model, "predict_proba"):
        shares = [
            graph.op("Gather", verdict.probabilities, [1], axis=1)
            for verdict in verdicts
        ]
        return Verdict(label, None, graph.op("Concat", *shares, axis=1))
    if not hasattr(model, "decision_function"):
        why = "it has neither probabilities nor decisions, which are what is compared"
        refuse(name, model, why, "take OneVsRestClassifier")
    decisions = [verdict.decisions for verdict in verdicts]
    return Verdict(label, graph.op("Concat", *decisions, axis=1))


def judge_vote(graph, model, verdicts):
    """A LabelVote, from the Verdicts of those who vote."""
    pairs = zip(verdicts, model.weights_, strict=True)
    parts = [graph.op("Mul", one.probabilities, np.float64(w)) for one, w in pairs]
    mean = graph.op("Sum", *parts)
    return Verdict(each_above(graph, mean, HALF), None, mean)


def judge_thresholds(graph, model, verdict):
    """A LabelThresholds, from the Verdict of what it is around."""
    scores = verdict.probabilities or verdict.decisions
    return replace(verdict, label=each_above(graph, scores, model.thresholds_))

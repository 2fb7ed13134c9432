"""A fitted pipeline as operators: every step by what knows its kind."""

from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA, IncrementalPCA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_selection import SelectKBest, SelectPercentile, VarianceThreshold
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import (
    LogisticRegression,
    LogisticRegressionCV,
    Perceptron,
    RidgeClassifier,
    RidgeClassifierCV,
    SGDClassifier,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import SVC, LinearSVC, NuSVC

from imgfeat._nesting import NO_STEP, type_name
from imgfeat._sklearn import BaseSearchCV
from imgfeat.deploy.onnx import (
    _calibrators,
    _each_label,
    _gradients,
    _kernel_machines,
    _linear_heads,
    _nearest_text,
    _net_graph,
    _pixel_steps,
    _trained_net,
    _vector_steps,
)
from imgfeat.deploy.onnx._folded_rows import Rows
from imgfeat.deploy.onnx._open_verdict import judge_open
from imgfeat.deploy.onnx._planes import Planes
from imgfeat.deploy.onnx._unportable import refuse
from imgfeat.estimators import (
    AugmentedClassifier,
    CNNClassifier,
    LabelThresholds,
    LabelVote,
    LinearProbe,
    OpenSet,
    PrototypeClassifier,
    RidgeProbe,
    RowSpace,
    ZeroShotClassifier,
)
from imgfeat.estimators._inner_features import SCALERS
from imgfeat.features import HOG, CNNEmbedding
from imgfeat.preprocess import CenterCrop, Grayscale, Resize
from imgfeat.sources import ImageReader

# Exact kinds, for what a subclass changes is not known: how each is written down.
_OF_PLANES = {
    ImageReader: _pixel_steps.read,
    Resize: _pixel_steps.resize,
    CenterCrop: _pixel_steps.crop_center,
    Grayscale: _pixel_steps.to_gray,
    HOG: _gradients.describe_gradients,
    CNNEmbedding: _net_graph.embed,
}
_OF_ROWS = {
    StandardScaler: _vector_steps.standardize,
    RobustScaler: _vector_steps.standardize,
    MinMaxScaler: _vector_steps.scale_to_range,
    MaxAbsScaler: _vector_steps.scale_to_one,
    Normalizer: _vector_steps.normalize,
    PCA: _vector_steps.project,
    IncrementalPCA: _vector_steps.project,
    TruncatedSVD: _vector_steps.rotate,
    RowSpace: _vector_steps.rotate,
    SelectKBest: _vector_steps.select,
    SelectPercentile: _vector_steps.select,
    VarianceThreshold: _vector_steps.select,
}
_JUDGES = {
    LinearProbe: _linear_heads.judge_by_temperature,
    PrototypeClassifier: _linear_heads.judge_by_temperature,
    RidgeProbe: _linear_heads.judge_by_temperature,
    LogisticRegression: _linear_heads.judge_logistic,
    LogisticRegressionCV: _linear_heads.judge_logistic,
    LinearSVC: _linear_heads.judge_linear,
    RidgeClassifier: _linear_heads.judge_linear,
    RidgeClassifierCV: _linear_heads.judge_linear,
    Perceptron: _linear_heads.judge_linear,
    SGDClassifier: _linear_heads.judge_by_descent,
    LinearDiscriminantAnalysis: _linear_heads.judge_discriminant,
    CNNClassifier: _trained_net.judge_by_net,
    SVC: _kernel_machines.judge_by_vectors,
    NuSVC: _kernel_machines.judge_by_vectors,
    ZeroShotClassifier: _nearest_text.judge_zero_shot,
}
# With a classifier a label inside.
_OF_EACH_LABEL = OneVsRestClassifier, MultiOutputClassifier


def judge(graph, estimator, value, name=""):
    """Write down what a fitted classifier, or a pipeline that ends in one, says.

    Parameters
    ----------
    graph : Graph
    estimator : fitted estimator
    value : Planes or Rows
    name : str
        Of the step, for errors.

    Returns
    -------
    Verdict

    Raises
    ------
    NotPortableError
        Naming the step that has no operators.
    """
    estimator, name = _answering(estimator, name)
    if isinstance(estimator, Pipeline):
        *steps, (last_name, last) = estimator.steps
        value = _apply_all(graph, steps, value, name)
        return judge(graph, last, value, _join(name, last_name))
    if type(estimator) is CalibratedClassifierCV:
        return _calibrators.judge_calibrated(graph, estimator, value, name, judge)
    if type(estimator) in _OF_EACH_LABEL:
        return _each_label.judge_each_label(graph, estimator, value, name, judge)
    if type(estimator) is LabelThresholds:
        verdict = judge(graph, estimator.estimator_, value, name)
        return _each_label.judge_thresholds(graph, estimator, verdict)
    if type(estimator) is LabelVote:
        voters = estimator.estimators_
        verdicts = [judge(graph, one, value, name) for one in voters]
        return _each_label.judge_vote(graph, estimator, verdicts)
    if type(estimator) is OpenSet:
        verdict = judge(graph, estimator.pipeline_, value, name)
        features = _unscaled(graph, estimator.pipeline_, value, name)
        return judge_open(graph, estimator, verdict, features, name)
    write = _JUDGES.get(type(estimator))
    if write is None:
        _refuse_unknown(name, estimator, [*_JUDGES, *_OF_EACH_LABEL])
    kind = Planes if write is _trained_net.judge_by_net else Rows
    _check_kind(value, kind, name, estimator)
    return write(graph, estimator, value, name)


def apply(graph, step, value, name):
    """Write down a fitted transformer; parameters as of `judge`.

    Returns
    -------
    Planes or Rows
    """
    if step in NO_STEP:
        return value
    step, name = _answering(step, name)
    if isinstance(step, Pipeline):
        return _apply_all(graph, step.steps, value, name)
    if type(step) is FeatureUnion:
        return _apply_side_by_side(graph, step, value, name)
    for kind, table in ((Planes, _OF_PLANES), (Rows, _OF_ROWS)):
        if type(step) in table:
            _check_kind(value, kind, name, step)
            return table[type(step)](graph, step, value, name)
    return _refuse_unknown(name, step, _OF_PLANES | _OF_ROWS)


def _unscaled(graph, classifier, value, name):
    """What a classifier is given at its end, before that is scaled.

    As `imgfeat.estimators._inner_features.look_inside` has it.
    """
    classifier, name = _answering(classifier, name)
    if isinstance(classifier, CNNClassifier):
        why = "the features of a net that was trained are not written"
        refuse(name, classifier, why, "take CNNEmbedding and a linear classifier")
    if not isinstance(classifier, Pipeline):
        return value
    *steps, (last_name, last) = classifier.steps
    kept = len(steps)
    while kept and _only_scales(steps[kept - 1][1]):
        kept -= 1
    if kept == len(steps) or isinstance(last, Pipeline):
        value = _apply_all(graph, steps, value, name)
        return _unscaled(graph, last, value, _join(name, last_name))
    return _apply_all(graph, steps[:kept], value, name)


def _only_scales(step):
    return step in NO_STEP or isinstance(step, SCALERS)


def _apply_all(graph, steps, value, name):
    for step_name, step in steps:
        value = apply(graph, step, value, _join(name, step_name))
    return value


def _apply_side_by_side(graph, union, value, name):
    weights = union.transformer_weights or {}
    parts = [
        (apply(graph, part, value, _join(name, part_name)), weights.get(part_name, 1))
        for part_name, part in union.transformer_list
        if part != "drop"
    ]
    for part, _ in parts:
        _check_kind(part, Rows, name, union)
    return _vector_steps.join(graph, parts)


def _answering(estimator, name):
    """What answers for an estimator that wraps another."""
    while True:
        if isinstance(estimator, BaseSearchCV):
            if not hasattr(estimator, "best_estimator_"):
                refuse(name, estimator, "it was not refitted", "set refit=True")
            estimator = estimator.best_estimator_
        elif isinstance(estimator, FrozenEstimator):
            estimator = estimator.estimator
        elif type(estimator) is AugmentedClassifier:
            if estimator.n_views > 1:
                why = f"n_views={estimator.n_views} predicts from augmented images"
                refuse(name, estimator, why, "set n_views=1")
            estimator = estimator.pipeline_
        else:
            return estimator, name


def _check_kind(value, kind, name, step):
    if isinstance(value, kind):
        return
    if kind is Planes:
        why = "it takes images, and gets what the steps before make of them"
        refuse(name, step, why, "put it in front")
    why = "it takes numbers, and gets images"
    refuse(name, step, why, "put HOG or CNNEmbedding in front")


def _refuse_unknown(name, step, known):
    room = _room(type(step))
    names = [kind.__name__ for kind in known if _room(kind) == room]
    names = names or [kind.__name__ for kind in known]
    why = "there are no operators for what it does"
    refuse(name, step, why, f"use one of {', '.join(sorted(names))}")


def _room(kind):
    """``"imgfeat.features"`` of what is ours, ``"sklearn"`` of what is theirs."""
    parts = type_name(kind).split(".")
    return ".".join(parts[: 2 if parts[0] == "imgfeat" else 1])


def _join(name, part):
    return "__".join(filter(None, (name, part)))

"""The types that a saved file may hold, and nothing else.

The list is fixed here. Beyond it stands what skops itself trusts: numbers, text,
containers, arrays, numpy's and scipy's elementwise functions, and scikit-learn's public
estimators. A file is never asked what it wants to be trusted with.
"""

from imgfeat.deploy._names import PUBLIC

# Left out on purpose, because scikit-learn's C code indexes by what they hold, without
# looking: KDTree and BallTree, and the predictors of HistGradientBoosting. Tree is the
# same, and is checked after loading (see _vet.py).
_SKLEARN = """
    calibration._CalibratedClassifier
    calibration._SigmoidCalibration
    calibration._TemperatureScaling
    compose._column_transformer._RemainderColsList
    feature_selection._univariate_selection.chi2
    feature_selection._univariate_selection.f_classif
    metrics._classification.accuracy_score
    metrics._classification.balanced_accuracy_score
    metrics._classification.f1_score
    metrics._classification.log_loss
    metrics._classification.matthews_corrcoef
    metrics._classification.precision_score
    metrics._classification.recall_score
    metrics._ranking.average_precision_score
    metrics._ranking.roc_auc_score
    metrics._scorer._CurveScorer
    metrics._scorer._PassthroughScorer
    metrics._scorer._Scorer
    model_selection._split.GroupKFold
    model_selection._split.GroupShuffleSplit
    model_selection._split.KFold
    model_selection._split.LeaveOneGroupOut
    model_selection._split.LeaveOneOut
    model_selection._split.PredefinedSplit
    model_selection._split.RepeatedKFold
    model_selection._split.RepeatedStratifiedKFold
    model_selection._split.ShuffleSplit
    model_selection._split.StratifiedGroupKFold
    model_selection._split.StratifiedKFold
    model_selection._split.StratifiedShuffleSplit
    neural_network._stochastic_optimizers.AdamOptimizer
    neural_network._stochastic_optimizers.SGDOptimizer
    tree._tree.Tree
    utils._bunch.Bunch
    utils._metadata_requests.MetadataRequest
    utils._metadata_requests.MethodMetadataRequest
"""

TRUSTED = PUBLIC | {f"sklearn.{name}" for name in _SKLEARN.split()}

"""The features that a model sees: all that it does to images, but for classifying."""

from sklearn.base import BaseEstimator, TransformerMixin, is_classifier, is_regressor
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from imgfeat._nesting import branches, inner_parts
from imgfeat._traits import traits_of
from imgfeat.estimators._thresholded_labels import LabelThresholds


class _Embedding(TransformerMixin, BaseEstimator):
    """What the last layer of a net that was trained sees, as a transformer."""

    def __init__(self, cnn):
        self.cnn = cnn

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        check_is_fitted(self.cnn)
        from imgfeat.estimators.cnn._judging import embed  # only here, as above

        return embed(self.cnn, X)

    def __sklearn_is_fitted__(self):
        return True


def front_of(model):
    """What makes features of images in a model: its steps but for the classifier.

    Parameters
    ----------
    model : fitted estimator
        A pipeline that ends in a classifier, a transformer as it is, a classifier that
        makes features itself, or what one of these is wrapped in: a search, calibration
        (the first of its folds), augmentation.

    Returns
    -------
    transformer or None
        None if there is nothing that makes features.
    """
    inside = model
    while True:
        if _is_trained_net(inside):
            return _Embedding(inside)
        if isinstance(inside, Pipeline):
            last = inside.steps[-1][1]
            if isinstance(last, LabelThresholds):
                last = last.estimator_
            if not _predicts(last):
                return inside
            if _is_trained_net(last):
                steps = [*inside.steps[:-1], (inside.steps[-1][0], _Embedding(last))]
                return Pipeline(steps)
            if len(inside.steps) > 1:
                return inside[:-1]
            inside = last
        elif not _predicts(inside):
            return inside
        else:
            parts = [] if branches(inside) else inner_parts(inside)
            if not parts:
                return None
            inside = parts[0][1]


def _is_trained_net(estimator):
    if not (traits_of(estimator).holds_net and is_classifier(estimator)):
        return False
    from imgfeat.estimators import CNNClassifier  # only here, as it imports torch

    return isinstance(estimator, CNNClassifier)


def _predicts(estimator):
    if isinstance(estimator, str | None):
        return False
    if not hasattr(estimator, "transform"):
        return True
    return is_classifier(estimator) or is_regressor(estimator)

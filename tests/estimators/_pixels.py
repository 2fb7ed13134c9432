"""The plainest features, one a pixel, for what is asked of classifiers alone."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline


def flat(images):
    return np.reshape(images, (len(images), -1))


class Flatten(TransformerMixin, BaseEstimator):
    """`flat` as a transformer, which prints the same in each process."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return flat(X)

    def __sklearn_is_fitted__(self):
        return True


def pixels(classifier=None):
    return make_pipeline(Flatten(), classifier or LogisticRegression())

"""A transformer as somebody else's package may have it, on public names alone."""

from sklearn.base import BaseEstimator, TransformerMixin

from imgfeat.sources import ImageReader


class MeanColor(TransformerMixin, BaseEstimator):
    """The mean color of each image."""

    def __init__(self, size=8, n_jobs=None):
        self.size = size
        self.n_jobs = n_jobs

    def fit(self, X, y=None):
        self._read(X)
        self.n_features_out_ = 3
        return self

    def transform(self, X):
        return self._read(X).mean(axis=(1, 2))

    def get_feature_names_out(self, input_features=None):
        return ["red", "green", "blue"]

    def _read(self, X):
        reader = ImageReader((self.size, self.size), n_jobs=self.n_jobs)
        return reader.fit_transform(X)

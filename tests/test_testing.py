"""Tests for imgfeat/testing.py: what is right passes, and each fault is told of."""

import os
import socket
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier

from imgfeat.testing import check_image_estimator
from tests._mean_color import MeanColor


class FitsAnother(MeanColor):
    def fit(self, X, y=None):
        return MeanColor().fit(X)


class ChangesItself(MeanColor):
    def fit(self, X, y=None):
        self.size = 9
        return super().fit(X)


class Draws(MeanColor):
    def transform(self, X):
        return super().transform(X) + np.random.default_rng().random()


class FitsAtRandom(MeanColor):
    def fit(self, X, y=None):
        self.bias_ = np.random.default_rng().random()
        return super().fit(X)

    def transform(self, X):
        return super().transform(X) + self.bias_


class ForgetsInPickles(MeanColor):
    def transform(self, X):
        return super().transform(X) + getattr(self, "_bias", 0)

    def fit(self, X, y=None):
        self._bias = 1
        return super().fit(X)

    def __getstate__(self):
        return {"size": self.size, "n_jobs": self.n_jobs, "n_features_out_": 3}


class CannotBePickled(MeanColor):
    def fit(self, X, y=None):
        self.rule_ = lambda value: value
        return super().fit(X)


class CountsJobs(MeanColor):
    def transform(self, X):
        return super().transform(X) * (self.n_jobs or 1)


class LooksAtOthers(MeanColor):
    def transform(self, X):
        found = super().transform(X)
        return found - found.mean(axis=0)


class LooksAtPlaces(MeanColor):
    def transform(self, X):
        found = super().transform(X)
        return found + np.arange(len(found))[:, None] * (len(found) > 1)


class LosesRows(MeanColor):
    def transform(self, X):
        return super().transform(X)[1:]


class TakesPathsInBgr(MeanColor):
    def transform(self, X):
        found = super().transform(X)
        return found[:, ::-1] if isinstance(X, list | tuple) else found


class LosesTheIndex(MeanColor):
    def transform(self, X):
        found = super().transform(X)
        return pd.DataFrame(np.asarray(found)) if isinstance(X, pd.Series) else found

    def set_output(self, *, transform=None):
        return self


class DividesByLight(MeanColor):
    def transform(self, X):
        found = np.asarray(super().transform(X))
        with np.errstate(invalid="ignore"):
            return found / found.sum(axis=1, keepdims=True)


class SwallowsDamage(MeanColor):
    def transform(self, X):
        try:
            return super().transform(X)
        except ValueError:
            return np.zeros((len(X), 3))


class HidesTheName(MeanColor):
    def transform(self, X):
        try:
            return super().transform(X)
        except ValueError as error:
            raise ValueError("some file is damaged") from error


class AsksTheNetwork(MeanColor):
    def fit(self, X, y=None):
        socket.create_connection(("weights.example", 443))
        return super().fit(X)


class StaysInItsProcess(MeanColor):
    def fit(self, X, y=None):
        self.process_ = os.getpid()
        return super().fit(X)

    def transform(self, X):
        if os.getpid() != self.process_:
            raise RuntimeError("the pool of the parent is gone")
        return super().transform(X)


class TakesDicomForGray(MeanColor):
    def transform(self, X):
        found = super().transform(X)
        if isinstance(X, list) and str(X[0]).endswith(".dcm"):
            return found.mean(axis=1, keepdims=True).repeat(3, axis=1)
        return found


class HasNoMethods(BaseEstimator):
    def fit(self, X, y=None):
        return self


class ByBrightness(ClassifierMixin, BaseEstimator):
    """A classifier of another package, with names for labels."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.middle_ = np.median(MeanColor().fit_transform(X).mean(axis=1))
        return self

    def predict(self, X):
        bright = MeanColor().fit_transform(X).mean(axis=1) > self.middle_
        return np.where(bright, "bright", "dark")


FAULTS = {
    FitsAnother: "fit returns another",
    ChangesItself: r"fit changes its parameters \['size'\]",
    Draws: r"one image alone, and in a batch, differs for image \d: 3 of 3 numbers",
    FitsAtRandom: "transform of two fits alike, differs for image 0: 3 of 3 numbers",
    ForgetsInPickles: "what was pickled, and what was not, differs for image 0",
    CannotBePickled: r"cannot be pickled \(.*lambda",
    CountsJobs: "transform of two jobs, and of one, differs for image 0",
    LooksAtOthers: "one image alone, and in a batch, differs for image 0: 3 of 3",
    LooksAtPlaces: "one image alone, and in a batch, differs for image 1",
    LosesRows: "transform gives 5 rows for 6 images",
    TakesPathsInBgr: "a list of arrays, and of an array, differs for image 0",
    LosesTheIndex: r"index \[40, 3, 0, 17, 2, 1\] gives \[0, 1, 2, 3, 4, 5\]",
    DividesByLight: "transform of blank images gives numbers that are not finite",
    SwallowsDamage: "transform of a damaged file needs to raise ValueError",
    HidesTheName: "needs to name 'cut_off.png'. Got 'some file is damaged'",
    AsksTheNetwork: "asks for an address on the network",
    HasNoMethods: "needs one of the methods transform, predict_proba",
}


@pytest.mark.parametrize("estimator", [MeanColor(), ByBrightness()], ids=str)
def test_estimators_of_other_packages_pass(estimator):
    check_image_estimator(estimator)


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="not checked there")
def test_what_fails_in_a_forked_process_is_told_of():
    with pytest.raises(
        AssertionError, match="a forked process ended without an answer"
    ):
        check_image_estimator(StaysInItsProcess())


def test_dicom_files_are_images_like_others():
    pytest.importorskip("pydicom")
    with pytest.raises(AssertionError, match="of DICOM files"):
        check_image_estimator(TakesDicomForGray())


@pytest.mark.parametrize("kind", FAULTS, ids=lambda kind: kind.__name__)
def test_a_fault_is_told_of(kind):
    with pytest.raises(AssertionError, match=FAULTS[kind]):
        check_image_estimator(kind())


def test_who_does_not_read_images_is_told_so():
    with pytest.raises(AssertionError, match="a damaged file needs to raise"):
        check_image_estimator(DummyClassifier(strategy="constant", constant=1))

"""A small fitted pipeline, and its file."""

import shutil

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.deploy._saved import save_at


@pytest.fixture(scope="session")
def digits():
    """Rows of 64 pixels in 0..1, and text labels."""
    X, y = load_digits(return_X_y=True)
    return X[:200] / 16, np.char.add("digit ", y[:200].astype(str))


@pytest.fixture
def fitted(digits):
    """A scaler and a logistic regression, fitted on digits."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.01)).fit(*digits)


@pytest.fixture(scope="session")
def saved_once(digits, tmp_path_factory):
    """The file of such a pipeline, for all tests."""
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01)).fit(*digits)
    return save_at(model, tmp_path_factory.mktemp("saved") / "model.imgfeat")


@pytest.fixture
def saved(saved_once, tmp_path):
    """The file of `fitted`, in a folder of its own."""
    return shutil.copy(saved_once, tmp_path / saved_once.name)

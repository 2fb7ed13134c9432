"""A small fitted pipeline, and its file."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from imgfeat.deploy import save


@pytest.fixture(scope="session")
def digits():
    """Rows of 64 pixels in 0..1, and text labels."""
    X, y = load_digits(return_X_y=True)
    return X[:200] / 16, np.char.add("digit ", y[:200].astype(str))


@pytest.fixture
def fitted(digits):
    """A scaler and a logistic regression, fitted on digits."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.01)).fit(*digits)


@pytest.fixture
def saved(fitted, tmp_path):
    """The file of `fitted`."""
    path = tmp_path / "model.imgfeat"
    save(fitted, path)
    return path

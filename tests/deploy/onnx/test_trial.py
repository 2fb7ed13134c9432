"""Tests for imgfeat/deploy/onnx/_trial.py."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from imgfeat.deploy.onnx._trial import (
    as_input,
    check_agreement,
    in_float32,
    trial_images,
)
from imgfeat.deploy.onnx._unportable import NotPortableError
from imgfeat.features import CNNEmbedding


class Known:
    """A classifier that gives what it was given."""

    classes_ = np.array(["a", "b"])

    def __init__(self, shares):
        self.shares = np.asarray(shares)

    def predict_proba(self, X):
        return self.shares

    def predict(self, X):
        return self.classes_[self.shares.argmax(axis=1)]


def asked(expected, found, labels):
    """Compare a classifier with a file of these answers, one an image."""
    images = [np.full((2, 2, 3), row, dtype=np.uint8) for row in range(len(expected))]

    def run(image):
        row = image[0, 0, 0, 0]
        shares = np.float32([found[row]])
        return {"probabilities": shares, "label": np.array([labels[row]])}

    return check_agreement(Known(expected), run, images)


def test_trial_images_differ_in_size_or_have_the_one_that_is_asked_for():
    free = trial_images()
    assert len({image.shape for image in free}) > 6
    assert all(image.ndim == 3 and image.dtype == np.uint8 for image in free)
    assert {image.shape for image in trial_images((600, 40, 3))} == {(600, 40, 3)}
    gray = trial_images((20, 30))
    assert {image.shape for image in gray} == {(20, 30)}
    assert as_input(gray[0]).shape == (1, 20, 30, 3)


def test_largest_difference_is_told():
    worst = asked([[0.7, 0.3], [0.2, 0.8]], [[0.7, 0.3], [0.20005, 0.79995]], [0, 1])
    assert worst == pytest.approx(5e-5, rel=1e-2)


def test_labels_may_differ_only_where_two_classes_are_as_good_as_equal():
    tie = [[0.50001, 0.49999]]
    assert asked(tie, tie, [1]) < 1e-6
    with pytest.raises(NotPortableError, match="Got 1 others on 1 images"):
        asked([[0.6, 0.4]], [[0.6, 0.4]], [1])


@pytest.mark.parametrize("bad", [0.01, np.nan])
def test_what_is_off_is_refused(bad):
    with pytest.raises(NotPortableError, match="report this, please"):
        asked([[0.6, 0.4]], [[0.6 + bad, 0.4]], [0])


def test_nets_are_asked_in_float32_and_the_pipeline_stays_as_it_is():
    net = CNNEmbedding(engine="torch", precision="bfloat16")
    model = make_pipeline(net, LogisticRegression())
    plain = in_float32(model)
    assert plain[0].precision == "float32"
    assert plain[0].device == "cpu"
    assert plain[1] is model[1]
    assert model[0] is net
    assert net.precision == "bfloat16"

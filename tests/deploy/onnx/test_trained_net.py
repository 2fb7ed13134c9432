"""Tests for imgfeat/deploy/onnx/_trained_net.py, and of nets that refuse."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from torch import nn

from imgfeat.deploy import NotPortableError, export_onnx
from imgfeat.estimators import CNNClassifier
from imgfeat.features import CNNEmbedding
from imgfeat.nets import Preprocessing
from tests.deploy.onnx.test_portable import Exported
from tests.nets._versions import exports

pytestmark = pytest.mark.onnx

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 20, 24, 3), dtype=np.uint8)
LABELS = np.array(["cat", "dog", "elk"] * 4)


class Fickle(nn.Module):
    """A net that does one thing or another, as the pixels are."""

    preprocessing = Preprocessing((16, 16), mean=(0.5,) * 3, std=(0.2,) * 3)

    def forward(self, x):
        return x.mean((2, 3)) if x.sum() > 0 else x.amax((2, 3))


@exports
def test_trained_net_says_the_same(tmp_path):
    cnn = CNNClassifier("simple_cnn", max_epochs=2, n_views=2, size=24, random_state=0)
    cnn.fit(IMAGES, LABELS)
    found = export_onnx(cnn, tmp_path / "model.onnx")
    assert found.worst < 1e-5
    scores, labels = Exported(tmp_path / "model.onnx")(IMAGES)
    assert_allclose(scores, cnn.predict_proba(IMAGES), atol=1e-5)
    assert labels.tolist() == cnn.predict(IMAGES).tolist()


def test_nets_that_torch_cannot_export_are_refused_by_name(tmp_path):
    model = make_pipeline(CNNEmbedding(Fickle(), engine="torch"), LogisticRegression())
    model.fit(IMAGES, LABELS)
    with pytest.raises(NotPortableError, match=r"'cnnembedding' .* cannot be exported"):
        export_onnx(model, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []

"""Tests for imgfeat/deploy/onnx/_folded_rows.py."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from imgfeat.deploy.onnx._folded_rows import Rows

SCALES = "11", "12", "21", "22", "121", "212"


@pytest.mark.parametrize("kinds", SCALES)
def test_steps_fold_into_one(kinds):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4, 6))
    rows, expected = Rows("x", 6), x
    for kind in kinds:
        width = rows.width if kind == "1" else rows.width - 1
        shape = (rows.width,) if kind == "1" else (rows.width, width)
        scale, shift = rng.standard_normal(shape), rng.standard_normal(width)
        expected = expected * scale if kind == "1" else expected @ scale
        expected = expected + shift
        rows = rows.apply(scale, shift)
    folded = rows.pending
    product = x * folded.scale if folded.scale.ndim == 1 else x @ folded.scale
    assert rows.width == expected.shape[1]
    assert_allclose(product + folded.shift, expected, rtol=1e-12)

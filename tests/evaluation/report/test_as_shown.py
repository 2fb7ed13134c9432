"""Tests for imgfeat/evaluation/report/_as_shown.py."""

import numpy as np
import pytest

from imgfeat.evaluation.report._as_shown import as_bytes, as_rgb

RAMP = np.array([[0, 51, 255]], dtype=np.uint8)


@pytest.mark.parametrize(
    "pixels",
    [
        RAMP,
        RAMP.astype(np.int64),
        RAMP[..., np.newaxis],
        RAMP.astype(np.uint16) * 257,
        RAMP / 255,
        (RAMP / 255).astype(np.float16),
        RAMP * 1e3 - 7,  # stretched
    ],
)
def test_one_picture_is_one_in_every_kind_of_number(pixels):
    shown = as_bytes(pixels)
    assert shown.dtype == np.uint8
    np.testing.assert_array_equal(shown, RAMP)
    np.testing.assert_array_equal(as_rgb(pixels), np.dstack([RAMP] * 3))


def test_true_is_white():
    assert as_bytes(np.array([[False, True]])).tolist() == [[0, 255]]


def test_colours_stay():
    colours = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    np.testing.assert_array_equal(as_rgb(colours), colours)

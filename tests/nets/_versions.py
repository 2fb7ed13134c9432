"""Which tests wait for a newer version than the oldest that we run on."""

import pytest
import timm
import torch

OLD_TORCH = tuple(map(int, torch.__version__.split(".")[:2])) < (2, 7)

# Whoever takes engine="auto" gets torch there; engine="onnx" is refused in our words.
exports = pytest.mark.skipif(OLD_TORCH, reason="the exporter of torch 2.6 cannot do it")


def in_timm(name):
    """A parameter that is skipped where timm has no such net yet."""
    is_known = name.removeprefix("timm/") in timm.list_models()
    mark = pytest.mark.skipif(not is_known, reason=f"this timm has no {name}")
    return pytest.param(name, marks=mark)

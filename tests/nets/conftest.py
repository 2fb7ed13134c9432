"""Fixtures of the tests of nets. A module may have a batch of its own."""

import numpy as np
import pytest

from imgfeat.nets.inference._torch import TorchEngine
from tests.nets._engines import embedder, run


@pytest.fixture
def batch():
    return np.random.default_rng(0).integers(0, 256, (6, 12, 12, 3), dtype=np.uint8)


@pytest.fixture
def expected(batch):
    return run(TorchEngine(embedder()), batch)

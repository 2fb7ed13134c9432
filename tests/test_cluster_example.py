"""Tests for examples/search_on_a_cluster.py, with two workers on this machine."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests._hangs import HANGS_S

EXAMPLE = Path(__file__).parent.parent / "examples" / "search_on_a_cluster.py"


@pytest.mark.dask
@pytest.mark.slow
def test_a_cluster_gives_the_scores_of_one_process(photos, tmp_path):
    done = subprocess.run(
        [sys.executable, EXAMPLE, photos, "--recipes", "hog-svm", "--size", "32"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=HANGS_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "One process alone has the same." in done.stdout
    assert not list(tmp_path.iterdir())  # Dask leaves nothing where one stands

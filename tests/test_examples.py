"""Every example runs from top to bottom and shows its figure."""

import runpy
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import pytest

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("plot_*.py"))
SLOW = {"plot_faces", "plot_medical", "plot_same_or_different"}
SLOW |= {"plot_scratch_or_gradients"}
# What an example imports that only an extra brings.
NEEDS = {"plot_medical": "pydicom"}


def test_there_are_examples():
    assert EXAMPLES


def all_examples():
    for path in EXAMPLES:
        marks = [pytest.mark.slow] if path.stem in SLOW else []
        yield pytest.param(path, marks=marks, id=path.stem)


@pytest.mark.parametrize("path", all_examples())
def test_example_runs(path, monkeypatch):
    if path.stem in NEEDS:
        pytest.importorskip(NEEDS[path.stem])
    matplotlib.use("agg")
    shown = []
    monkeypatch.setattr(plt, "show", lambda: shown.append(plt.gcf()))
    runpy.run_path(str(path), run_name="__main__")
    plt.close("all")
    assert shown

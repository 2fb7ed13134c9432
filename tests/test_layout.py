"""The house rules that a reader relies on, kept by a test rather than by memory."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

import imgfeat

ROOT = Path(imgfeat.__file__).parent
MODULES = sorted(p.relative_to(ROOT) for p in ROOT.rglob("*.py"))
ROOMS = sorted(path.parent.name for path in ROOT.glob("*/__init__.pyi"))
HEAVY = ["cv2", "numba", "pandas", "skimage", "sklearn", "torch"]


def test_no_name_of_a_file_occurs_twice_among_the_rooms():
    names = [path.name for path in MODULES if path.name != "__init__.py"]
    assert sorted(names) == sorted(set(names))


def test_every_room_stands_in_the_contract():
    contract = (ROOT.parent / "setup.cfg").read_text()
    rooms = {path.parts[0] for path in MODULES if len(path.parts) > 1}
    subrooms = {path.parts[1] for path in MODULES if len(path.parts) > 2}
    named = {word for line in contract.splitlines() for word in line.split()}
    assert rooms <= named
    assert subrooms <= named


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_fits_in_one_sitting(path):
    n_lines = len((ROOT / path).read_text().splitlines())
    assert n_lines <= 400, f"{path} has {n_lines} lines; split it"


def loaded_by(code):
    """Which heavy packages a fresh interpreter has loaded after `code`."""
    code = f"{code}\nimport sys, json; print(json.dumps(sorted(sys.modules)))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(HEAVY) & set(json.loads(done.stdout.splitlines()[-1]))


def test_import_loads_nothing_heavy():
    assert loaded_by("import imgfeat, imgfeat.cli") == set()


def test_hog_does_not_wait_for_torch():
    assert "torch" not in loaded_by("from imgfeat.features import HOG; HOG()")


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_name_exists_and_says_what_it_is(room):
    module = importlib.import_module(f"imgfeat.{room}")
    assert module.__all__
    for name in module.__all__:
        assert getattr(module, name).__doc__, f"imgfeat.{room}.{name} has no docstring"


def test_top_level_names_exist():
    assert all(hasattr(imgfeat, name) for name in imgfeat.__all__)

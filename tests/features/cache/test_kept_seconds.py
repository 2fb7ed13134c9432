"""Tests for imgfeat/features/cache/_kept_seconds.py."""

import platform

import pytest

from imgfeat.features import HOG
from imgfeat.features.cache._kept_seconds import KeptSeconds


def test_what_was_measured_is_found_again(tmp_path):
    assert KeptSeconds(HOG(), tmp_path).find() is None
    KeptSeconds(HOG(), tmp_path).keep(0.25)
    assert KeptSeconds(HOG(), tmp_path).find() == 0.25


@pytest.mark.parametrize("change", ["parameter", "threads", "computer"])
def test_what_changes_the_time_is_measured_anew(change, tmp_path, monkeypatch):
    KeptSeconds(HOG(), tmp_path).keep(0.25)
    other = HOG()
    if change == "parameter":
        other = HOG(orientations=5)
    elif change == "threads":
        other = HOG(n_jobs=2)
    else:
        monkeypatch.setattr(platform, "node", lambda: "elsewhere")
    assert KeptSeconds(other, tmp_path).find() is None
    assert KeptSeconds(HOG(), tmp_path).find() == (
        None if change == "computer" else 0.25
    )


def test_damage_is_said_and_measured_anew(tmp_path):
    KeptSeconds(HOG(), tmp_path).keep(0.25)
    (file,) = (p for p in tmp_path.rglob("*") if p.is_file() and p.name[0] != "a")
    file.write_bytes(b"x" * file.stat().st_size)
    with pytest.warns(UserWarning, match="computed again"):
        assert KeptSeconds(HOG(), tmp_path).find() is None

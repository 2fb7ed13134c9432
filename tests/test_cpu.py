"""Tests for imgfeat/_cpu.py."""

import os

import pytest

from imgfeat import _cpu
from imgfeat._cpu import cpu_features, cpu_model, has_bfloat16, n_cores

INTEL = """processor\t: 0
model name\t: Intel(R)  Xeon(R)
flags\t\t: fpu avx2 avx512f amx_bf16 amx_int8 avx512_vnni

processor\t: 1
model name\t: another
"""
ARM = "processor\t: 0\nFeatures\t: fp asimd asimddp i8mm bf16\n"
OLD = "model name\t: Old\nflags\t\t: fpu avx2 bf16ish\n"


@pytest.fixture
def told(tmp_path, monkeypatch):
    """Let the system tell another story of its processors."""

    def tell(text):
        path = tmp_path / "cpuinfo"
        path.write_text(text)
        monkeypatch.setattr(_cpu, "_INFO", path)
        _cpu._read.cache_clear()

    yield tell
    _cpu._read.cache_clear()


def test_first_processor_is_read(told):
    told(INTEL)
    assert cpu_model() == "Intel(R) Xeon(R)"
    assert cpu_features() == ("avx2", "avx512f", "avx512_vnni", "amx_int8", "amx_bf16")
    assert has_bfloat16()


def test_arm_tells_its_features_otherwise(told):
    told(ARM)
    assert cpu_features() == ("asimddp", "i8mm", "bf16")
    assert has_bfloat16()
    assert cpu_model()  # of the platform


def test_only_whole_names_count(told):
    told(OLD)
    assert cpu_features() == ("avx2",)
    assert not has_bfloat16()


def test_system_that_tells_nothing_has_no_features(tmp_path, monkeypatch):
    monkeypatch.setattr(_cpu, "_INFO", tmp_path / "none")
    _cpu._read.cache_clear()
    try:
        assert cpu_features() == ()
        assert not has_bfloat16()
    finally:
        _cpu._read.cache_clear()


def test_cores_are_those_of_the_system():
    assert n_cores() == os.cpu_count()

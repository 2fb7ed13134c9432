"""What processor this is, and which instructions for nets it has."""

import os
import platform
from functools import cache
from pathlib import Path

_INFO = Path("/proc/cpuinfo")

# By the names that Linux gives them; on ARM "bf16" and "i8mm".
_FOR_NETS = (
    "avx2",
    "avx512f",
    "avx_vnni",
    "avx512_vnni",
    "avx512_bf16",
    "avx512_fp16",
    "amx_int8",
    "amx_bf16",
    "amx_fp16",
    "asimddp",
    "i8mm",
    "bf16",
)
_WITH_BFLOAT16 = {"avx512_bf16", "amx_bf16", "bf16"}


def cpu_model():
    """Return the processor's name, as far as the system tells it."""
    name = _read().get("model name") or platform.processor() or platform.machine()
    return " ".join(name.split())


def cpu_features():
    """Return the names of its instructions that nets are made faster by.

    Empty where the system does not tell them, as only Linux does.
    """
    told = _read()
    flags = set((told.get("flags") or told.get("Features") or "").split())
    return tuple(name for name in _FOR_NETS if name in flags)


def has_bfloat16():
    """Whether it is known to compute in bfloat16, and does not imitate it."""
    return not _WITH_BFLOAT16.isdisjoint(cpu_features())


def n_cores():
    """Return the number of cores that the system has, whoever may use them."""
    return os.cpu_count() or 1


@cache
def _read():
    """The first processor of Linux' list, by the names of its lines."""
    try:
        lines = _INFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    told = {}
    for line in lines:
        name, _, value = line.partition(":")
        told.setdefault(name.strip(), value.strip())
    return told

"""OpenVINO's core: one, from its first use to the end of the process.

A core gives the thread that makes it another stack for signals, and takes it back as it
is destroyed, in whichever thread that is: the next Ctrl-C then ends the process with a
segmentation fault. So none is ever destroyed.

Its threads do not survive a fork, and a core that a child makes hands out what it finds
idle in the memory of its parent: what is compiled there waits for those threads for
ever. So a child of a process that has used OpenVINO does without.
"""

import sys
import threading

from imgfeat._forks import after_fork_in_child, keep_for_ever
from imgfeat._optional import import_optional

_TELEMETRY = "openvino_telemetry"

_core = None
_is_of_parent = False
_lock = threading.Lock()


def import_openvino(*, purpose="engine='openvino'"):
    """Return the package openvino, or say which extra brings it.

    As it is imported it sends word to its makers, and keeps a number for its user in
    their home, by a package that it can do without: so that one is hidden from it.
    """
    with _lock:
        return _import(purpose)


def open_core():
    """Return the core of this process, which is made at the first call.

    Raises
    ------
    RuntimeError
        If this process was forked from one that has used OpenVINO.
    """
    global _core  # noqa: PLW0603
    check_fork()
    with _lock:
        if _core is None:
            _core = _import("engine='openvino'").Core()
            keep_for_ever(_core)
        return _core


def is_cut_off():
    """Whether this process was forked from one that has used OpenVINO."""
    return _is_of_parent


def check_fork():
    """Say what to do where a forked process asks for OpenVINO."""
    if _is_of_parent:
        raise RuntimeError(
            "engine='openvino' needs a process that was started afresh. Got one that "
            "was forked after OpenVINO had been used; use joblib's 'loky' backend or "
            "multiprocessing's 'spawn' method, or engine='onnx' here."
        )


def _import(purpose):
    if "openvino" in sys.modules:
        return import_optional("openvino", extra="openvino", purpose=purpose)
    before = sys.modules.get(_TELEMETRY)
    sys.modules[_TELEMETRY] = None
    try:
        return import_optional("openvino", extra="openvino", purpose=purpose)
    finally:
        del sys.modules[_TELEMETRY]
        if before is not None:
            sys.modules[_TELEMETRY] = before


@after_fork_in_child
def _start_afresh():
    global _lock, _is_of_parent  # noqa: PLW0603
    _lock = threading.Lock()
    _is_of_parent = _is_of_parent or _core is not None

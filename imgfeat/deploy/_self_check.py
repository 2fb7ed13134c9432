"""Does a saved file work? Asked in a fresh process that has nothing but the file.

What trained a pipeline is hidden from it: caches, weights on disk, whatever this
process has registered. So a file that leans on them fails here, not at its user's.
"""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext

from imgfeat._files import has_temporary_folder, spare_folder
from imgfeat.deploy._errors import BundleError, UntrustedFileError

_ERRORS = {error.__name__: error for error in (BundleError, UntrustedFileError)}
# Where libraries look for weights and keep caches.
_HOMES = "IMGFEAT_HOME", "TORCH_HOME", "HF_HOME", "HF_HUB_CACHE", "XDG_CACHE_HOME"
# A few images keep one thread busy; more would wait, in circles, for each other and for
# the process that goes on meanwhile.
_THREADS = "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"

STARTS_EARLY = True  # tests, which check elsewhere, let none start
_early = []  # the process that waits for a file, if there is one


@contextmanager
def checking_elsewhere(written, path, hidden=()):
    """Load a file in a fresh process while the block runs, and compare its answers.

    Parameters
    ----------
    written : path
        Of the file, which may still have another name.
    path : path
        What errors call it.
    hidden : sequence of path
        Files and folders that the process must not read.

    Raises
    ------
    BundleError
        At the end of the block, if the file does not load there, or answers otherwise.
        What the block itself raises ends the process.
    """
    request = {
        "written": os.fspath(written),
        "path": os.fspath(path),
        "hidden": [os.path.realpath(os.path.expanduser(place)) for place in hidden],
    }
    # Beside the file can be written to: it was.
    beside = os.path.dirname(os.path.abspath(written))
    with _waiting(beside) as process, ThreadPoolExecutor(1) as pool:
        try:
            # By a thread, as it may say more than a pipe holds.
            said = pool.submit(process.communicate, json.dumps(request) + "\n")
            yield
            said.result()
        except BaseException:
            process.kill()
            raise
    _raise_for(process.returncode, *said.result(), path)


@contextmanager
def starting_early(*modules):
    """Let the process of the block's first check start now, and wait for its file.

    Nothing starts where one waits already, or where there is no place for its files.

    Parameters
    ----------
    *modules : str
        What it is to import meanwhile: what the file will need.
    """
    if _early or not (STARTS_EARLY and has_temporary_folder()):
        yield
        return
    with _fresh_process(None, modules) as process:
        _early.append(process)
        try:
            yield
        finally:
            _early.clear()


def _waiting(otherwise):
    """The process that started early, or one that starts now."""
    return nullcontext(_early.pop()) if _early else _fresh_process(otherwise)


@contextmanager
def _fresh_process(otherwise, modules=()):
    """A process that imports, and waits to be told what to check."""
    with spare_folder(otherwise) as empty:
        process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, json.dumps(sys.path), *modules],
            env=os.environ
            | dict.fromkeys(_HOMES, empty)
            | dict.fromkeys(_THREADS, "1"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",  # what libraries say may be in another
            # Ctrl-C in a terminal is for this process, which says what becomes of it.
            process_group=0 if os.name == "posix" else None,
        )
        with process:
            try:
                yield process
            finally:
                process.kill()  # no more than a word where it has ended


def _raise_for(code, out, err, path):
    lines = out.splitlines() or ["{}"]
    answer = json.loads(lines[-1]) if lines[-1].startswith("{") else {}
    if "error" in answer:
        raise _ERRORS.get(answer["error"], BundleError)(answer["message"])
    if code:
        last = (err.strip().splitlines() or ["it said nothing"])[-1]
        raise BundleError(
            f"{path} could not be checked: a fresh Python ended with exit code "
            f"{code}: {last}"
        )


# It ends with its answer: to collect garbage, or to take down what was imported, would
# be seconds for nothing.
_PROGRAM = """
import gc, importlib, json, os, sys
gc.disable()
sys.path[:] = json.loads(sys.argv[1])
from imgfeat.deploy._answer_check import answer
for module in sys.argv[2:]:
    importlib.import_module(module)
answer(json.loads(sys.stdin.readline()))
os._exit(0)
"""

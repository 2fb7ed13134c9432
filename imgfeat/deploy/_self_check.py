"""Does a saved file work? Asked in a fresh process that has nothing but the file.

What trained a pipeline is hidden from it: caches, weights on disk, whatever this
process has registered. So a file that leans on them fails here, not at its user's.
"""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from imgfeat._files import spare_folder
from imgfeat._nesting import walk
from imgfeat._traits import traits_of
from imgfeat.deploy._errors import BundleError, UntrustedFileError

_ERRORS = {error.__name__: error for error in (BundleError, UntrustedFileError)}
# Where libraries look for weights and keep caches.
_HOMES = "IMGFEAT_HOME", "TORCH_HOME", "HF_HOME", "HF_HUB_CACHE", "XDG_CACHE_HOME"
# A few images keep one thread busy; more would wait, in circles, for each other and for
# the process that goes on meanwhile.
_THREADS = "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"


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
    # Beside the file can be written to: it was.
    with spare_folder(os.path.dirname(os.path.abspath(written))) as empty:
        request = {
            "written": os.fspath(written),
            "path": os.fspath(path),
            "hidden": [os.path.realpath(os.path.expanduser(place)) for place in hidden],
            "sys_path": sys.path,
        }
        process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM],
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
        with process, ThreadPoolExecutor(1) as pool:
            try:
                # By a thread, as it may say more than a pipe holds.
                said = pool.submit(process.communicate, json.dumps(request))
                yield
                said.result()
            except BaseException:
                process.kill()
                raise
    _raise_for(process.returncode, *said.result(), path)


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


_PROGRAM = """
import json, sys
request = json.loads(sys.stdin.read())
sys.path[:] = request["sys_path"]
from imgfeat.deploy._bundle import load_to_check
from imgfeat.deploy._self_check import answer
answer(request, load_to_check)
"""


def answer(request, load):
    """What the fresh process does: load, compare, and print what is wrong as JSON."""
    _hide(request["hidden"])
    try:
        load(request["written"], request["path"], _hasten)
    except BundleError as error:
        found = {"error": type(error).__name__, "message": str(error)}
    else:
        found = {}
    print(json.dumps(found), flush=True)


def _hide(places):
    """Refuse to open what lies in these files and folders."""

    def refuse(event, arguments):
        if event != "open" or not isinstance(arguments[0], str | bytes | os.PathLike):
            return
        name = os.path.realpath(os.fsdecode(arguments[0]))
        if any(name == place or name.startswith(place + os.sep) for place in places):
            raise FileNotFoundError(f"{name} is hidden from the check of a saved file")

    if places:
        sys.addaudithook(refuse)


def _hasten(pipeline):
    """Let nets that choose run as they are: an export or a compile takes long."""
    for _, item in walk(pipeline):
        if traits_of(item).holds_net and getattr(item, "engine", None) == "auto":
            item.engine = "torch"
            item.compile = False

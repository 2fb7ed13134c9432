"""Processes in places that offer little: no home, no user, nothing to write to."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[1]
_UNKNOWN = "12345"  # no user of this system, and no group

# It reads whatever root reads, Python's own files among it, and writes as a stranger.
_AS_STRANGER = (
    *("setpriv", "--reuid", _UNKNOWN, "--regid", _UNKNOWN, "--clear-groups"),
    *("--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"),
)
# In a view of the disk that is its own.
_READ_ONLY = """
for folder in /tmp /var/tmp /dev/shm; do
    mount --bind $folder $folder && mount -o remount,bind,ro $folder || exit 99
done
exec "$@"
"""


def run_as_stranger(program, folder, *, read_only=False, **environment):
    """Run Python code as a user whom the system does not know, without a home.

    Skips the test where that cannot be arranged.

    Parameters
    ----------
    program : str
    folder : path
        To run in; the stranger may write to it.
    read_only : bool, default=False
        Whether there is nothing at all to write to, not even a folder for temporary
        files.
    **environment
        Variables, beside PATH and PYTHONPATH.

    Returns
    -------
    subprocess.CompletedProcess
    """
    _skip_unless_possible()
    os.chmod(folder, 0o777)
    command = [*_AS_STRANGER, sys.executable, "-c", program]
    if read_only:
        command = ["unshare", "-m", "sh", "-c", _READ_ONLY, "sh", *command]
    return subprocess.run(
        command,
        cwd="/" if read_only else folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(_ROOT)} | environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@cache
def _skip_unless_possible():
    if not (hasattr(os, "geteuid") and os.geteuid() == 0):
        pytest.skip("only root can become a user whom the system does not know")
    if not all(map(shutil.which, ("setpriv", "unshare", "mount"))):
        pytest.skip("needs setpriv, unshare and mount")
    command = ["unshare", "-m", "sh", "-c", _READ_ONLY, "sh", *_AS_STRANGER, "true"]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this system does not let root change what a process may do")

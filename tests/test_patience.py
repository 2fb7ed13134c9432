"""Tests for imgfeat/_patience.py: Ctrl-C while Python is not asked."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests._hangs import HANGS_S

pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="hangs in a call of POSIX"
)

# A call in C that no signal ends, and what comes before it neither.
HANG = """
def hang():
    import ctypes, signal
    signal.signal(signal.SIGINT, lambda number, frame: None)
    libc, mutex = ctypes.CDLL(None), ctypes.create_string_buffer(256)
    libc.pthread_mutex_init(mutex, None)
    libc.pthread_mutex_lock(mutex)
    print("begun", flush=True)
    libc.pthread_mutex_lock(mutex)
"""


def interrupt(program, n_times=1):
    """Start Python code, press Ctrl-C when it prints a line; return how it ended."""
    command = [sys.executable, "-c", HANG + program]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:
        process.stdout.readline()
        for _ in range(n_times):
            process.send_signal(signal.SIGINT)
            if process.poll() is not None:
                break
            time.sleep(0.05)  # or the system makes one signal of two
        try:
            out, err = process.communicate(timeout=HANGS_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return process.returncode, out, err


def test_command_that_hangs_in_c_ends():
    code, _, err = interrupt(
        """
from imgfeat import cli
cli.app.command()(hang)
import sys
sys.argv = ["imgfeat", "hang"]
cli.main()
"""
    )
    assert code == 130, err
    assert err.startswith("Interrupted, without waiting for what ran")
    assert "Traceback" not in err


def test_second_ctrl_c_ends_at_once():
    code, _, err = interrupt(
        """
from imgfeat._patience import end_soon_after_ctrl_c
end_soon_after_ctrl_c(patience_s=10_000)
hang()
""",
        n_times=HANGS_S * 20,
    )
    assert code == 130, err


def test_interrupt_that_comes_while_c_calls_python_is_not_lost():
    code, out, err = interrupt(
        f"""
import ctypes, time
from imgfeat._patience import end_soon_after_ctrl_c
end_soon_after_ctrl_c(patience_s=10_000)
def called():
    print("begun", flush=True)
    for _ in range({HANGS_S * 10}):
        time.sleep(0.1)
try:
    ctypes.CFUNCTYPE(None)(called)()
    for _ in range({HANGS_S * 10}):
        time.sleep(0.1)
except KeyboardInterrupt:
    print("ended by itself")
"""
    )
    assert (code, out, err) == (0, "ended by itself\n", "")


def test_what_ends_by_itself_does_so():
    code, out, err = interrupt(
        """
from threading import Event
from imgfeat._patience import end_soon_after_ctrl_c
end_soon_after_ctrl_c(patience_s=10_000)
try:
    print("begun", flush=True)
    Event().wait()
except KeyboardInterrupt:
    print("ended by itself")
    raise SystemExit(7)
"""
    )
    assert (code, out, err) == (7, "ended by itself\n", "")


def test_other_signals_end_nothing():
    code, out, err = interrupt(
        """
import os, signal
from threading import Event
from imgfeat._patience import end_soon_after_ctrl_c
end_soon_after_ctrl_c(patience_s=0.01)
for name in ["SIGUSR1", "SIGUSR2"] * 20:
    signal.signal(getattr(signal, name), lambda number, frame: None)
    os.kill(os.getpid(), getattr(signal, name))
hang()
"""
    )
    assert code == 130, err
    assert out == ""


def test_unfinished_files_do_not_stay(tmp_path):
    (tmp_path / "old").write_text("as it was")
    code, _, err = interrupt(
        f"""
from pathlib import Path
from imgfeat._files import replacing
from imgfeat._patience import end_soon_after_ctrl_c
end_soon_after_ctrl_c(patience_s=0.01)
with replacing(Path({str(tmp_path)!r}, "old")) as file:
    file.write(b"half")
    hang()
"""
    )
    assert code == 130, err
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    assert (tmp_path / "old").read_text() == "as it was"


def test_worker_processes_do_not_survive():
    """They would keep the pipe open that is read to its end."""
    code, _, err = interrupt(
        """
import multiprocessing, time
from imgfeat._patience import end_soon_after_ctrl_c
end_soon_after_ctrl_c(patience_s=0.01)
fork = multiprocessing.get_context("fork")
fork.Process(target=time.sleep, args=[100_000]).start()
hang()
"""
    )
    assert code == 130, err

"""Tests for imgfeat/_forks.py."""

import os
import subprocess
import sys
import threading

import pytest

from imgfeat import _forks
from imgfeat._forks import after_fork_in_child, leave_behind

pytestmark = [
    pytest.mark.fork,
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]


@pytest.fixture(autouse=True)
def nothing_registered(monkeypatch):
    monkeypatch.setattr(_forks, "_functions", [])


def exit_code_of_child(code):
    """Fork; the child ends with what `code` returns."""
    child = os.fork()
    if child == 0:
        result = 99  # of an error
        try:
            result = code()
        finally:
            os._exit(result)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_functions_run_in_the_child_in_their_order_and_not_here():
    called = []
    after_fork_in_child(lambda: called.append(1))
    after_fork_in_child(lambda: called.append(2))
    assert exit_code_of_child(lambda: 10 * called[0] + called[1]) == 12
    assert called == []


def test_a_decorated_function_stays_itself():
    def function():
        pass

    assert after_fork_in_child(function) is function


def test_what_is_left_behind_is_not_destroyed():
    """As a pool's end would wait for threads that only the parent has."""

    class Pool:
        def __del__(self):
            os._exit(1)

    pools = [Pool()]

    @after_fork_in_child
    def forget():
        leave_behind(*pools)
        pools.clear()

    assert exit_code_of_child(lambda: len(pools)) == 0
    Pool.__del__ = lambda self: None


_ENDS = """
import os
from imgfeat._forks import keep_for_ever

class Pool:
    def __del__(self):
        os._exit(1)

keep_for_ever(Pool())
"""


def test_what_is_kept_for_ever_outlives_the_interpreter():
    done = subprocess.run(
        [sys.executable, "-c", _ENDS],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert done.returncode == 0


def test_locks_that_another_thread_holds_are_made_anew():
    state = {"lock": threading.Lock()}
    after_fork_in_child(lambda: state.update(lock=threading.Lock()))
    with state["lock"]:
        assert exit_code_of_child(lambda: state["lock"].acquire(blocking=False)) == 1

"""Tests for imgfeat/_forked_call.py."""

import os
import threading

import pytest

from imgfeat._forked_call import call_forked
from tests._hangs import HANGS_S

pytestmark = pytest.mark.fork


def test_the_answer_comes_from_another_process_with_the_memory_of_this_one():
    words = ["seen"]
    parent, child, seen = call_forked(
        lambda: (os.getppid(), os.getpid(), words), HANGS_S
    )
    assert parent == os.getpid() != child
    assert seen == words


def test_who_waits_for_ever_is_told_of():
    with pytest.raises(TimeoutError, match=r"no answer within 0\.2 s"):
        call_forked(threading.Event().wait, 0.2)


def test_who_fails_is_told_of_and_says_why_on_standard_error(capfd):
    with pytest.raises(ChildProcessError, match="ended without an answer"):
        call_forked(lambda: {}["missing"], HANGS_S)
    assert "KeyError: 'missing'" in capfd.readouterr().err

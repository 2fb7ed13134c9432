"""Tests for imgfeat/_interrupts.py: Ctrl-C is told from what only looks like it."""

import signal
import threading
from contextlib import suppress

import pytest

from imgfeat._interrupts import noticing_interrupts


def press():
    signal.raise_signal(signal.SIGINT)


def test_ctrl_c_is_raised_and_noticed():
    with (
        noticing_interrupts() as interrupts,
        pytest.raises(KeyboardInterrupt, match=r"^$"),
    ):
        press()
    assert interrupts.came


def test_what_is_raised_without_ctrl_c_is_no_interrupt():
    with noticing_interrupts() as interrupts, suppress(KeyboardInterrupt):
        raise KeyboardInterrupt
    assert not interrupts.came
    interrupts.raise_again()


def test_ctrl_c_that_somebody_caught_is_raised_again():
    with noticing_interrupts() as interrupts, suppress(KeyboardInterrupt):
        press()
    with pytest.raises(KeyboardInterrupt, match="has caught it"):
        interrupts.raise_again()


def test_handler_of_before_is_called_and_comes_back():
    called = []

    def handle(number, frame):
        called.append(number)

    before = signal.signal(signal.SIGINT, handle)
    try:
        with noticing_interrupts() as outer, noticing_interrupts() as inner:
            press()
        assert signal.getsignal(signal.SIGINT) is handle
    finally:
        signal.signal(signal.SIGINT, before)
    assert called == [signal.SIGINT]
    assert outer.came and inner.came


def test_ignored_ctrl_c_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with noticing_interrupts() as interrupts:
            press()
    finally:
        signal.signal(signal.SIGINT, before)
    assert not interrupts.came


def test_other_threads_are_never_interrupted():
    came = []

    def work():
        with noticing_interrupts() as interrupts:
            came.append(interrupts.came)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert came == [False]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler

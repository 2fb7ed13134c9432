"""Tests for imgfeat/deploy/serve/_low_priority.py, and for who uses it."""

import os
import sys
import threading

import pytest

from tests.deploy.serve.conftest import client_of

pytestmark = [
    pytest.mark.serve,
    pytest.mark.skipif(sys.platform != "linux", reason="threads have no priority"),
]


def priority():
    """Of the thread that asks."""
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def test_threads_of_a_pool_and_their_children_give_way_and_nobody_else():
    from imgfeat.deploy.serve._low_priority import STEPS, low_pool

    def child():
        found = []
        thread = threading.Thread(target=lambda: found.append(priority()))
        thread.start()
        thread.join()
        return found[0]

    before = priority()
    lower = min(before + STEPS, 19)
    with low_pool(1, "test") as pool:
        assert pool.submit(priority).result() == lower
        assert pool.submit(child).result() == lower
        assert "imgfeat-test" in pool.submit(threading.current_thread).result().name
    assert priority() == before


def test_whatever_decodes_and_computes_gives_way(model_file, png, monkeypatch):
    from imgfeat import Predictor

    priorities = {}

    def noting(name):
        method = getattr(Predictor, name)

        def noted(self, *args, **how):
            priorities[name] = priority()
            return method(self, *args, **how)

        monkeypatch.setattr(Predictor, name, noted)

    for name in ("__init__", "read", "answer"):
        noting(name)
    before = priority()
    with client_of({"digits": model_file}) as client:
        kind = {"Content-Type": "image/png"}
        assert client.post("/predict", content=png, headers=kind).status_code == 200
    lower = min(before + 10, 19)
    assert priorities == {"__init__": lower, "read": lower, "answer": lower}
    assert priority() == before

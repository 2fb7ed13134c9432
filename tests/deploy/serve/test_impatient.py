"""Tests for imgfeat/deploy/serve/_impatient.py: who never asks is cut off."""

import socket

import pytest

from tests.deploy.serve.conftest import listening

pytestmark = pytest.mark.serve


@pytest.fixture(scope="module")
def port(model_file):
    from imgfeat.deploy.serve import _impatient

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_impatient, "HEAD_S", 0.05)
        with listening({"digits": model_file}) as address:
            yield int(address.rpartition(":")[2])


GET = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize("start", [b"", b"G", GET[:-2]])
def test_a_head_that_does_not_come_is_not_waited_for(port, start):
    with socket.create_connection(("127.0.0.1", port), 60) as talk:
        talk.sendall(start)
        assert talk.recv(100) == b""  # closed by the other side


def test_a_second_head_that_does_not_come_is_not_waited_for(port):
    with socket.create_connection(("127.0.0.1", port), 60) as talk:
        talk.sendall(GET)
        answer = b""
        while not answer.endswith(b'{"status":"live"}'):
            part = talk.recv(10_000)
            assert part
            answer += part
        talk.sendall(GET[:10])
        assert talk.recv(100) == b""


def test_a_request_under_way_may_take_longer(port, png):
    head = (
        b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n"
        b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(png)
    )
    with (
        socket.create_connection(("127.0.0.1", port), 60) as slow,
        socket.create_connection(("127.0.0.1", port), 60) as idle,
    ):
        slow.sendall(head + png[:10])
        assert idle.recv(100) == b""  # so the time is over
        slow.sendall(png[10:])
        assert slow.recv(10_000).startswith(b"HTTP/1.1 200")

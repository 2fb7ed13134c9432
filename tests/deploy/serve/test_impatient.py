"""Tests for imgfeat/deploy/serve/_impatient.py: who never asks is cut off."""

import contextlib
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


@pytest.fixture(scope="module")
def patient_port(model_file):
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


CHUNKS = (
    b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n"
)


def send_without_end(port, start, more):
    """What the other side says, and how much it took before."""
    with socket.create_connection(("127.0.0.1", port), 60) as talk:
        n_sent = 0
        with contextlib.suppress(ConnectionError):
            talk.sendall(start)
            for _ in range(100):
                talk.sendall(more)
                n_sent += len(more)
        with contextlib.suppress(ConnectionError):
            return talk.recv(10_000), n_sent
        return b"", n_sent


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (GET[:-2] + b"X: ", b"a" * 1_000_000),
        (GET[:-2], b"X: a\r\n" * 200_000),
        (b"GET /", b"a" * 1_000_000),
        (CHUNKS + b"0\r\nX: ", b"a" * 1_000_000),
        (CHUNKS + b"1;", b"a" * 1_000_000),
    ],
)
def test_bytes_without_end_that_are_no_body_are_not_kept(patient_port, start, more):
    said, n_sent = send_without_end(patient_port, start, more)
    assert n_sent < 50_000_000
    # Whoever still sends may lose the answer.
    assert said == b"" or said.startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 "))


def test_too_long_a_head_is_refused_in_words(patient_port):
    with socket.create_connection(("127.0.0.1", patient_port), 60) as talk:
        talk.sendall(GET[:-2] + b"X: " + b"a" * 65_536)
        answer = talk.recv(10_000)
        assert answer.startswith(b"HTTP/1.1 431 ")
        assert answer.endswith(b'may have 65,536 bytes. Got more."}')
        assert talk.recv(100) == b""


def test_long_heads_and_many_requests_on_a_connection_are_taken(patient_port):
    long = GET[:-2] + b"X: " + b"a" * 30_000 + b"\r\n\r\n"
    with socket.create_connection(("127.0.0.1", patient_port), 60) as talk:
        talk.sendall(long * 20)
        answer = b""
        while answer.count(b'{"status":"live"}') < 20:
            part = talk.recv(100_000)
            assert part
            answer += part


def test_thousands_of_requests_that_do_not_wait_for_answers_are_not_kept(patient_port):
    said, n_sent = send_without_end(patient_port, b"", GET * 20_000)
    assert n_sent < 50_000_000
    assert said.count(b'{"status":"live"}') <= 1

"""Tests for imgfeat/deploy/serve/_guard.py: bodies are played in, byte by byte."""

import asyncio
import json

import pytest

from imgfeat.deploy.serve._settings import Settings
from tests.deploy.serve.conftest import client_of

pytestmark = pytest.mark.serve


class Conversation:
    """A request that is played, and what comes back."""

    def __init__(self, *chunks, headers=(), path="/predict", ends=True):
        self.chunks, self._ends = list(chunks), ends
        self.n_taken = 0
        self.sent, self.refused = [], []
        self.scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "headers": list(headers),
        }

    async def receive(self):
        if not self.chunks:
            if self._ends:
                return {"type": "http.disconnect"}
            await asyncio.Event().wait()  # a client that sends no more
        self.n_taken += 1
        chunk = self.chunks.pop(0)
        more = bool(self.chunks) or not self._ends
        return {"type": "http.request", "body": chunk, "more_body": more}

    async def send(self, message):
        self.sent.append(message)

    @property
    def status(self):
        return self.sent[0]["status"]

    @property
    def headers(self):
        return dict(self.sent[0]["headers"])

    @property
    def error(self):
        return json.loads(b"".join(m.get("body", b"") for m in self.sent[1:]))["error"]


async def reads_all(scope, receive, send):
    """An application that reads the whole body."""
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"%d" % size})


def play(talk, app=reads_all, guard=None, **settings):
    from imgfeat.deploy.serve._guard import Guard

    guard = guard or Guard(
        app, Settings(**settings), lambda status: None, talk.refused.append
    )
    asyncio.run(guard(talk.scope, talk.receive, talk.send))
    return talk


def test_a_body_within_the_limit_passes():
    talk = play(Conversation(b"ab", b"cd", headers=CHUNKED), max_body_bytes=4)
    assert (talk.status, talk.sent[1]["body"]) == (200, b"4")
    assert b"connection" not in talk.headers


CHUNKED = [(b"transfer-encoding", b"chunked")]


@pytest.mark.parametrize(
    "headers",
    [CHUNKED, [(b"content-length", b"3")], [*CHUNKED, (b"content-length", b"3")]],
    ids=["chunked", "lying", "both"],
)
def test_bytes_are_counted_as_they_come(headers):
    talk = play(Conversation(b"ab", b"cd", b"e", headers=headers), max_body_bytes=3)
    assert talk.status == 413
    assert "may have 3 bytes" in talk.error
    assert talk.refused == ["too_large"]
    assert talk.headers[b"connection"] == b"close"


@pytest.mark.parametrize("length", [b"4", b"-1", b"1e3", b"9" * 30, b"\xb2"])
def test_what_says_that_it_is_too_large_is_not_read(length):
    talk = play(
        Conversation(b"abcd", headers=[(b"content-length", length)], ends=True),
        max_body_bytes=3,
    )
    assert talk.status == 413
    # What is sent all the same is thrown away, so that the client hears of it.
    assert talk.sent[-1] == {"type": "http.response.body", "body": b""}


def test_an_endless_body_is_left_after_a_while():
    chunks = [bytes(1_000_000)] * 100
    talk = play(Conversation(*chunks, headers=CHUNKED), max_body_bytes=1000)
    assert talk.status == 413
    assert talk.n_taken < 20


def test_a_body_that_does_not_come_is_not_waited_for():
    talk = Conversation(b"a", headers=CHUNKED, ends=False)
    play(talk, body_s=0.01)
    assert talk.status == 408
    assert "did not come in time" in talk.error


def test_bodies_together_fit_in_memory():
    from imgfeat.deploy.serve._guard import Guard

    async def main():
        refused = []
        guard = Guard(
            reads_all,
            Settings(max_memory_bytes=10),
            lambda status: None,
            refused.append,
        )
        slow = Conversation(b"1234567", headers=CHUNKED, ends=False)
        waiting = asyncio.create_task(guard(slow.scope, slow.receive, slow.send))
        await asyncio.sleep(0)
        other = Conversation(b"1234", headers=[(b"content-length", b"4")])
        await guard(other.scope, other.receive, other.send)
        assert other.status == 503
        assert other.headers[b"retry-after"] == b"1"
        assert refused == ["memory"]
        waiting.cancel()
        await asyncio.wait([waiting])
        again = Conversation(b"123456789", headers=CHUNKED)
        await guard(again.scope, again.receive, again.send)
        assert again.status == 200

    asyncio.run(main())


@pytest.mark.parametrize(
    "headers, status",
    [
        ([], 401),
        ([(b"x-api-key", b"wrong")], 401),
        ([(b"x-api-key", "schlüssel".encode())], 401),
        ([(b"authorization", b"Basic secret")], 401),
        ([(b"authorization", b"Bearer")], 401),
        ([(b"x-api-key", b"secret")], 200),
        ([(b"authorization", b"Bearer secret")], 200),
        ([(b"authorization", b"bearer  secret")], 200),
    ],
)
def test_a_key_is_asked_for(headers, status):
    talk = play(Conversation(b"", headers=headers), api_key="secret")
    assert talk.status == status
    if status == 401:
        assert "needs its key" in talk.error
        assert talk.headers[b"www-authenticate"] == b"Bearer"


@pytest.mark.parametrize("path", ["/", "/service.js", "/service.css", "/health/ready"])
def test_the_page_and_the_health_need_no_key(path):
    assert play(Conversation(b"", path=path), api_key="secret").status == 200
    assert play(Conversation(b"", path=f"{path}x"), api_key="secret").status == 401


def test_every_response_has_the_headers_of_a_careful_server(model_file):
    with client_of({"digits": model_file}) as client:
        for address in ("/", "/models", "/nothing"):
            headers = client.get(address).headers
            assert "default-src 'none'" in headers["Content-Security-Policy"]
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["X-Frame-Options"] == "DENY"
            assert "Access-Control-Allow-Origin" not in headers


def test_pages_of_listed_origins_may_ask(model_file):
    origin = "https://example.org"
    with client_of({"d": model_file}, cors=(origin,), api_key="secret") as client:
        ask = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        before = client.options("/predict", headers=ask)
        assert before.status_code == 200
        assert before.headers["Access-Control-Allow-Origin"] == origin
        other = client.options("/predict", headers=ask | {"Origin": "https://x.org"})
        assert "Access-Control-Allow-Origin" not in other.headers
        shown = client.get("/", headers={"Origin": origin}).headers
        assert "X-Explained-Label" in shown["Access-Control-Expose-Headers"]
        refused = client.get("/models", headers={"Origin": origin})
        assert refused.status_code == 401
        assert refused.headers["Access-Control-Allow-Origin"] == origin


def test_settings_never_show_the_key():
    assert "secret" not in repr(Settings(api_key="secret"))
    with pytest.raises(ValueError, match="signs that a header can hold") as error:
        Settings(api_key="secret\n")
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("key", ["", " ", " a", "a ", "a\r", "a\udc80"])
def test_a_key_is_one_that_can_be_sent(key):
    with pytest.raises(ValueError, match="api_key needs signs that a header can hold"):
        Settings(api_key=key)
    assert Settings(api_key="a b\xe9").api_key == "a b\xe9"


def test_an_origin_is_one_that_a_browser_sends():
    for origin in ("*", "null", "http://localhost:3000", "https://[::1]:8000"):
        assert Settings(cors=(origin,)).cors == (origin,)
    for origin in ("https://example.org/", "example.org", "HTTPS://x.org", ""):
        with pytest.raises(ValueError, match="cors needs origins as browsers send"):
            Settings(cors=(origin,))


def test_a_failure_is_an_answer_that_counts_and_stays_one():
    async def fails(scope, receive, send):
        raise KeyError("secret")

    talk = Conversation(b"ab")
    with pytest.raises(KeyError, match="secret"):
        play(talk, fails)
    assert (talk.status, talk.refused) == (500, ["failed"])
    assert talk.error == "The service has failed; its log says why."
    assert talk.headers[b"x-content-type-options"] == b"nosniff"


@pytest.mark.parametrize("name", ["max_body_bytes", "max_files", "max_pixels"])
def test_limits_are_at_least_one(name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1"):
        Settings(**{name: 0})


def test_a_queue_holds_a_request():
    with pytest.raises(ValueError, match="must hold all files of a request"):
        Settings(max_files=10, max_queue=9)

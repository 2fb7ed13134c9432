"""What every request passes: the key, the size as it arrives, the time it takes.

Bytes are counted where they come from the network, before anything keeps or parses
them: a Content-Length that lies, or none, makes no difference.
"""

import asyncio
import hmac
import time

from imgfeat.deploy.serve._plain_json import PlainJSON
from imgfeat.deploy.serve._refusals import Refusal, too_busy, too_large

_OPEN = ("/", "/service.css", "/service.js", "/health/live", "/health/ready")
_FAILED = Refusal(500, "failed", "The service has failed; its log says why.")
_LINGER_BYTES, _LINGER_S = 16_000_000, 1.0
HEADERS = {
    b"content-security-policy": b"default-src 'none'; script-src 'self'; "
    b"style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cache-control": b"no-store",
}


class Guard:
    """Middleware around an application.

    Parameters
    ----------
    app : ASGI application
    settings : Settings
    note : callable
        Told the status of each response.
    refuse : callable
        Told the cause of each refusal.
    """

    def __init__(self, app, settings, note, refuse):
        self._app, self._settings, self._note = app, settings, note
        self._refuse = refuse
        self._key = (settings.api_key or "").encode()
        self._n_bytes = 0  # of all bodies in memory

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        body = _Body(self, headers, receive)
        answer = _Answer(body, send, self._note)
        try:
            self._check_key(scope["path"], headers)
            body.check_length()
            await self._app(scope, body.receive, answer.send)
        except Refusal as refusal:
            if answer.has_started:
                raise
            self._refuse(refusal.cause)
            await respond(refusal)(scope, body.receive, answer.send)
        except Exception:
            if not answer.has_started:
                self._refuse("failed")
                await respond(_FAILED)(scope, body.receive, answer.send)
            raise  # into the log
        finally:
            self._n_bytes -= body.n_bytes

    def check_memory(self, n_bytes):
        """Take so many bytes of the memory for bodies."""
        if self._n_bytes + n_bytes > self._settings.max_memory_bytes:
            raise too_busy("memory", "Too much is being sent at once; try again.")
        self._n_bytes += n_bytes

    @property
    def limits(self):
        return self._settings

    def _check_key(self, path, headers):
        if not self._key or path in _OPEN:
            return
        given = headers.get(b"x-api-key", b"")
        scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
        if not given and scheme.lower() == b"bearer":
            given = token.strip()
        if not hmac.compare_digest(given, self._key):
            what = "a wrong one" if given else "none"
            raise Refusal(
                401,
                "key",
                f"This service needs its key, as 'Authorization: Bearer KEY' or "
                f"'X-API-Key: KEY'. Got {what}.",
                {"WWW-Authenticate": "Bearer"},
            )


def respond(refusal):
    """The response that says why."""
    content = {"error": refusal.message}
    return PlainJSON(content, refusal.status, headers=refusal.headers)


class _Body:
    """The body of one request, as it comes."""

    def __init__(self, guard, headers, receive):
        self._guard, self._receive = guard, receive
        self._declared = headers.get(b"content-length")
        is_chunked = b"transfer-encoding" in headers
        self.n_bytes = 0
        self.is_whole = not is_chunked and self._declared in (None, b"0")
        self._has_bounds = not is_chunked
        self._end = time.monotonic() + guard.limits.body_s

    @property
    def may_go_on(self):
        """Whether what is left of it is not worth closing the connection."""
        return self.is_whole or self._has_bounds

    def check_length(self):
        limit = self._guard.limits.max_body_bytes
        if self._declared is None:
            return
        is_number = self._declared.isdigit() and len(self._declared) < 20
        if not is_number or int(self._declared) > limit:
            self._has_bounds = False
            raise too_large(limit)

    async def receive(self):
        """As ASGI's; refuses what is too much or takes too long."""
        if self.is_whole:
            return await self._receive()
        left = self._end - time.monotonic()
        try:
            async with asyncio.timeout(left):
                message = await self._receive()
        except TimeoutError as error:
            self._has_bounds = False
            raise Refusal(
                408, "slow_body", "The body of the request did not come in time."
            ) from error
        if message["type"] == "http.request":
            self._count(len(message.get("body", b"")))
            self.is_whole = not message.get("more_body", False)
        return message

    async def linger(self):
        """Read on for a moment, so that the client hears why it is refused."""
        n_left = _LINGER_BYTES
        try:
            async with asyncio.timeout(_LINGER_S):
                while n_left > 0:
                    message = await self._receive()
                    n_left -= len(message.get("body", b""))
                    if not message.get("more_body", False):
                        return
        except TimeoutError:
            return

    def _count(self, n_bytes):
        limit = self._guard.limits.max_body_bytes
        if self.n_bytes + n_bytes > limit:
            self._has_bounds = False
            raise too_large(limit)
        self._guard.check_memory(n_bytes)
        self.n_bytes += n_bytes


class _Answer:
    """The response to one request, with the headers that all have."""

    def __init__(self, body, send, note):
        self._body, self._send, self._note = body, send, note
        self.has_started = False

    async def send(self, message):
        is_start = message["type"] == "http.response.start"
        if is_start:
            self.has_started = True
            self._note(message["status"])
            headers = [*message.get("headers", ()), *HEADERS.items()]
            if not self._body.may_go_on:
                headers.append((b"connection", b"close"))
            message = message | {"headers": headers}
        is_end = not is_start and not message.get("more_body", False)
        if is_end and not self._body.may_go_on:
            await self._send(message | {"more_body": True})
            await self._body.linger()
            message = {"type": "http.response.body", "body": b""}
        await self._send(message)

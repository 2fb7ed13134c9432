"""Connections on which no request comes are closed, so that they do not use up all.

uvicorn closes those that are idle between two requests, but waits for ever for the
first one, and for the rest of a head that comes byte by byte. It also keeps heads of
any length, what may stand behind a body in chunks, and requests that do not wait for
the answers to those before, until memory is full.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_S = 20
HEAD_BYTES = 65_536  # beyond what comes together with the end of a body
MOST_AHEAD = 100  # requests on a connection behind the one that is answered
_WORDS = b'{"error":"The head of a request may have 65,536 bytes. Got more."}'
_TOO_LONG = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: application/json\r\ncontent-length: %d\r\n"
    b"connection: close\r\n\r\n%s" % (len(_WORDS), _WORDS)
)


class ImpatientProtocol(HttpToolsProtocol):
    """Waits for a head for some seconds and bytes, and keeps some requests, no more."""

    head_timer = None
    n_loose_bytes = 0  # that have come, and are in no head and no body yet

    def connection_made(self, transport):
        """Begin to wait."""
        super().connection_made(transport)
        self._wait_for_head()

    def data_received(self, data):
        """Wait on, while what has come is no whole head."""
        self.n_loose_bytes += len(data)
        super().data_received(data)
        if self.n_loose_bytes > HEAD_BYTES or len(self.pipeline) > MOST_AHEAD:
            self._refuse()
        elif self._has_head():
            self._stop_waiting()
        elif self.head_timer is None:
            self._wait_for_head()

    def on_headers_complete(self):
        """Begin to count anew."""
        self.n_loose_bytes = 0
        super().on_headers_complete()

    def on_body(self, body):
        """Begin to count anew; bodies are counted elsewhere."""
        self.n_loose_bytes = 0
        super().on_body(body)

    def on_message_complete(self):
        """Begin to count anew."""
        self.n_loose_bytes = 0
        super().on_message_complete()

    def connection_lost(self, exc):
        """Wait no more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait_for_head(self):
        loop = asyncio.get_running_loop()
        self.head_timer = loop.call_later(HEAD_S, self._lose_patience)

    def _stop_waiting(self):
        if self.head_timer is not None:
            self.head_timer.cancel()
            self.head_timer = None

    def _lose_patience(self):
        self.head_timer = None
        if not self._has_head():
            self.transport.close()

    def _refuse(self):
        if not self.transport.is_closing():
            if not self._has_head():  # else that would stand in another's answer
                self.transport.write(_TOO_LONG)
            self.transport.close()

    def _has_head(self):
        """Whether a request is under way, or its answer has just been sent."""
        return self.cycle is not None and not self.cycle.response_complete

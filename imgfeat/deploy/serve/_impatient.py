"""Connections on which no request comes are closed, so that they do not use up all.

uvicorn closes those that are idle between two requests, but waits for ever for the
first one, and for the rest of a head that comes byte by byte.
"""

import asyncio

from uvicorn.protocols.http.auto import AutoHTTPProtocol

HEAD_S = 20


class ImpatientProtocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """Waits for the head of a request for some seconds, not longer."""

    head_timer = None

    def connection_made(self, transport):
        """Begin to wait."""
        super().connection_made(transport)
        self._wait_for_head()

    def data_received(self, data):
        """Wait on, while what has come is no whole head."""
        super().data_received(data)
        if self._has_head():
            self._stop_waiting()
        elif self.head_timer is None:
            self._wait_for_head()

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

    def _has_head(self):
        """Whether a request is under way, or its answer has just been sent."""
        return self.cycle is not None and not self.cycle.response_complete

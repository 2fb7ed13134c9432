"""A client that costs little: ready requests over connections that are kept open."""

import asyncio
import socket
import time


def post(path, body, kind="image/jpeg"):
    """A request as bytes."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Connection:
    """One connection, one request at a time."""

    def __init__(self, port):
        self._port, self._streams = port, None

    async def ask(self, request):
        """Send a request; return the status and the body of the answer."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
            sock = self._streams[1].get_extra_info("socket")
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader, writer = self._streams
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        body = await reader.readexactly(length)
        if b"connection: close" in head:
            self.close()
        return int(head[9:12]), body

    def close(self):
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def closed_loop(port, requests, n_clients, seconds):
    """Clients that ask again as soon as they are answered, for some seconds.

    Returns
    -------
    list of (status, latency in seconds), seconds that it took
    """
    found, start = [], time.perf_counter()

    async def client(number):
        connection, turn = Connection(port), number
        while time.perf_counter() - start < seconds:
            began = time.perf_counter()
            status, _ = await connection.ask(requests[turn % len(requests)])
            found.append((status, time.perf_counter() - began))
            turn += n_clients
        connection.close()

    await asyncio.gather(*(client(number) for number in range(n_clients)))
    return found, time.perf_counter() - start


async def open_loop(port, requests, rate, seconds):
    """Requests at a steady rate, whatever becomes of those before.

    Returns
    -------
    list of (status, latency in seconds), number that was sent
    """
    found, idle, tasks = [], [], []
    start, n_sent = time.perf_counter(), 0

    async def one(request):
        connection = idle.pop() if idle else Connection(port)
        began = time.perf_counter()
        try:
            status, _ = await connection.ask(request)
        except (OSError, asyncio.IncompleteReadError):
            status = 0  # lost
            connection.close()
        found.append((status, time.perf_counter() - began))
        idle.append(connection)

    while (now := time.perf_counter() - start) < seconds:
        while n_sent < now * rate:
            tasks.append(asyncio.create_task(one(requests[n_sent % len(requests)])))
            n_sent += 1
        await asyncio.sleep(0.002)
    await asyncio.gather(*tasks)
    for connection in idle:
        connection.close()
    return found, n_sent

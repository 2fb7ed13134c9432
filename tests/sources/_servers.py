"""Servers for the tests: one that lies in memory, and one of the web."""

import http.server
import io
import itertools
import re
import socket
import threading
from contextlib import contextmanager

import fsspec

_names = itertools.count()


class Bucket:
    """Files in memory, under a URL of their own."""

    def __init__(self):
        self.url = f"memory://bucket{next(_names)}"

    def put(self, name, content):
        fsspec.filesystem("memory").pipe_file(f"{self.url}/{name}", content)
        return f"{self.url}/{name}"


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Gives parts of files, which that of the standard library does not."""

    def send_head(self):
        self.server.asked.append((self.command, self.path))
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if asked is None:
            return super().send_head()
        with open(self.translate_path(self.path), "rb") as file:
            whole = file.read()
        start, last = map(int, asked.groups())
        part = whole[start : last + 1]
        self.send_response(206)
        self.send_header("Content-Length", str(len(part)))
        self.send_header("Content-Range", f"bytes {start}-{last}/{len(whole)}")
        self.end_headers()
        return io.BytesIO(part)

    def log_message(self, *args):
        """Be quiet."""


@contextmanager
def web_server(folder):
    """Yield the URL of a folder, and a list that gets what is asked for."""

    def handler(*args):
        return _Handler(*args, directory=str(folder))

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.asked = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", server.asked
        server.shutdown()


@contextmanager
def silent_server():
    """Yield the URL of a server that never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"

"""Tests for imgfeat/nets/catalog/_download.py, over this machine's own address."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from imgfeat.nets.catalog._download import download

CONTENT = bytes(range(256)) * 4000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves one file; `breaks_at` is where connections end, `asked` what was wanted.

    Parameters
    ----------
    knows_ranges : bool
        Whether it can begin in the middle.
    """

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.breaks_at, self.knows_ranges = CONTENT, None, True
        self.asked = []
        self.url = f"http://127.0.0.1:{self.server_port}/net.pth"


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        server = self.server
        asked = self.headers.get("Range")
        server.asked.append(asked)
        start = int(asked[len("bytes=") : -1]) if asked and server.knows_ranges else 0
        if start and start >= len(server.content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(server.content) - start))
        self.end_headers()
        self.wfile.write(server.content[start : server.breaks_at])


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield http
        http.shutdown()
        thread.join()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.pth"


def names_beside(path):
    return sorted(file.name for file in path.parent.iterdir())


def break_off(server, path, **options):
    server.breaks_at = 500_000
    with pytest.raises(
        OSError, match=r"should have 1024000 bytes, but only 500000 came"
    ):
        download(server.url, path, **options)
    server.breaks_at = None


def test_keeps_the_content_and_returns_its_hash(server, path):
    assert download(server.url, path) == SHA256
    assert path.read_bytes() == CONTENT
    assert names_beside(path) == ["net.pth"]


def test_goes_on_where_the_connection_broke(server, path):
    break_off(server, path, sha256=SHA256)
    assert names_beside(path) == [".net.pth.part"]
    assert download(server.url, path, sha256=SHA256) == SHA256
    assert server.asked == [None, "bytes=500000-"]
    assert path.read_bytes() == CONTENT
    assert names_beside(path) == ["net.pth"]


def test_a_server_that_begins_again_is_right_too(server, path):
    server.knows_ranges = False
    break_off(server, path, sha256=SHA256[:8])
    download(server.url, path, sha256=SHA256[:8])
    assert server.asked[1] == "bytes=500000-"
    assert path.read_bytes() == CONTENT


def test_what_is_longer_than_the_file_is_begun_again(server, path):
    path.with_name(".net.pth.part").write_bytes(CONTENT + b"more")
    download(server.url, path, sha256=SHA256)
    assert server.asked[1:] == [None]
    assert path.read_bytes() == CONTENT


def test_without_a_hash_nothing_is_resumed(server, path):
    """The file may be another one by now."""
    break_off(server, path)
    assert names_beside(path) == []


def test_another_file_than_was_begun_is_refused_and_not_kept(server, path):
    server.content = b"x" * 1_024_000
    break_off(server, path, sha256=SHA256)
    server.content = CONTENT
    with pytest.raises(ValueError, match="another file lies there"):
        download(server.url, path, sha256=SHA256)
    assert names_beside(path) == []
    assert download(server.url, path, sha256=SHA256) == SHA256


def test_what_was_there_stays_until_the_new_file_is_whole(server, path):
    path.write_bytes(b"old")
    break_off(server, path, sha256=SHA256)
    assert path.read_bytes() == b"old"

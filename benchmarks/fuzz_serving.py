"""Whatever comes, `imgfeat serve` answers in words, does not grow, and goes on.

In turn, against a process of its own:

- mutated images of seven formats, as many as ``--images`` says;
- mutated requests, as many: the head, or a form, JSON or base64 in the body, the answer
  to which may be that the connection is closed, or none, where the rest is waited for;
- images that say they have 2 gigapixels; a chunked body, a head, what stands behind a
  body, and requests that wait for no answer, of 2 GB each; JSON of millions of lists;
- 1,000 connections that say nothing and as many that send a byte of a head and no more,
  while others ask;
- requests that schemathesis makes of the OpenAPI description, for each address at most
  as many as ``--requests`` says, where it is installed (``pip install schemathesis``).

Prints how often each status came, and the memory of the process before and after each.
Ends with an error if any answer was a 500, or the process ended.

    python -m benchmarks.fuzz_serving --images 10000 --requests 2500
"""

import argparse
import asyncio
import io
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
import zlib
from base64 import b64encode
from collections import Counter
from contextlib import ExitStack, suppress
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks._http_load import Connection, post
from benchmarks._served import free_port, megabytes, running
from benchmarks._timing import save as save_rows
from imgfeat import load_sample, make_recipe, save

KINDS = "PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"
N_IDLE, N_CLIENTS = 1000, 8
PATIENCE_S = 1.0  # with a server that waits for the rest of a request


def pictures(rng):
    """A picture of each format, and one with a palette and transparency."""
    pixels = rng.integers(0, 256, (48, 40, 3), dtype=np.uint8)
    found = []
    for kind in KINDS:
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, kind)
        found.append(buffer.getvalue())
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert("P").save(buffer, "PNG", transparency=0)
    return [*found, buffer.getvalue()]


def mutated(data, rng):
    """Bytes changed, cut out, doubled or cut off, in up to six places."""
    data = bytearray(data)
    for _ in range(rng.integers(1, 7)):
        place, length = rng.integers(0, len(data) + 1), rng.integers(0, 17)
        how = rng.integers(0, 8)
        if how < 4:
            data[place : place + length] = rng.bytes(length)
        elif how < 6:
            del data[place : place + length]
        elif how < 7:
            data[place:place] = data[place : place + length]
        else:
            del data[place:]
    return bytes(data)


async def send_all(port, requests):
    """Statuses by how often they came."""
    statuses, waiting = Counter(), iter(requests)

    async def client():
        connection = Connection(port)
        for request in waiting:
            try:
                status, _ = await connection.ask(request)
            except (OSError, asyncio.IncompleteReadError):
                status = 0
                connection.close()
            statuses[status] += 1
        connection.close()

    await asyncio.gather(*(client() for _ in range(N_CLIENTS)))
    return statuses


def forms(picture):
    """Content types and bodies of each kind of request."""
    part = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"'
    text = b64encode(picture)
    yield "multipart/form-data; boundary=x", part + b"\r\n\r\n" + picture + b"\r\n--x--"
    yield "application/json", b'{"images": ["' + text + b'", "' + text + b'"]}'
    yield "application/json", b'{"image": "data:image/png;base64,' + text + b'"}'
    yield "image/png", picture


def mutated_request(path, kind, body, rng):
    """A request whose head, or body, is mutated."""
    if rng.integers(0, 2):
        return post(path, mutated(body, rng), kind)
    whole = post(path, body, kind)
    return mutated(whole[: -len(body)], rng) + body


async def send_in_bits(port, requests):
    """As `send_all`, of requests after which a connection is not used again."""
    statuses, waiting = Counter(), iter(requests)

    async def client():
        for request in waiting:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            answer = b""
            with suppress(OSError, TimeoutError):
                writer.write(request)
                async with asyncio.timeout(PATIENCE_S):
                    answer = await reader.read(12)
            status = answer[9:12].decode()
            statuses[int(status) if status.isdigit() else 0] += 1
            writer.close()

    await asyncio.gather(*(client() for _ in range(N_CLIENTS)))
    return statuses


def bomb(side=45_000):
    """A small PNG that says it has 2 gigapixels."""

    def chunk(kind, data):
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1_000_000))
    parts = chunk(b"IHDR", head), chunk(b"IDAT", rows), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


FORM = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\n"
CHUNKED = FORM + b"Transfer-Encoding: chunked\r\n\r\n"
FLOODS = {  # what a connection starts with, and what it then sends over and over
    "a body in chunks": (CHUNKED, b"100000\r\n" + bytes(1 << 20) + b"\r\n"),
    "one header": (FORM + b"X: ", b"a" * (1 << 20)),
    "headers": (FORM, b"X: a\r\n" * (1 << 17)),
    "a header behind a body": (CHUNKED + b"1\r\na\r\n0\r\nX: ", b"a" * (1 << 20)),
    "requests": (b"", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * (1 << 15)),
}


def flood(port, start, more, n_bytes=2_000_000_000):
    """Send until nobody takes it; return the answer's first line."""
    with socket.create_connection(("127.0.0.1", port), 60) as talk:
        try:
            talk.sendall(start)
            for _ in range(n_bytes // len(more)):
                talk.sendall(more)
        except OSError:
            pass  # it has had enough
        try:
            return talk.recv(1000).partition(b"\r\n")[0].decode() or "closed"
        except OSError:
            return "closed"


def counted(port):
    """Statuses of all that the server has answered, by how often they came."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        found = re.findall(
            rb'^imgfeat_requests_total{status="(\d+)"} (\S+)$', answer.read(), re.M
        )
    return Counter({int(status): round(float(n)) for status, n in found})


def images_case(port, n_images, rng):
    """Send mutated images to each address that takes some."""
    addresses, some = ("/predict", "/embed", "/explain"), pictures(rng)
    requests = (
        post(addresses[number % 3], mutated(some[number % len(some)], rng))
        for number in range(n_images)
    )
    return asyncio.run(send_all(port, requests))


def mutated_requests_case(port, n_requests, rng):
    """Send mutated requests to each address that takes images."""
    addresses, kinds = ("/predict", "/embed", "/explain"), list(forms(pictures(rng)[0]))
    requests = (
        mutated_request(addresses[number % 3], *kinds[number % len(kinds)], rng)
        for number in range(n_requests)
    )
    return asyncio.run(send_in_bits(port, requests))


def crowd_case(port, start):
    """Connections that send `start` and no more."""
    crowd = [socket.create_connection(("127.0.0.1", port)) for _ in range(N_IDLE)]
    for each in crowd:
        each.sendall(start)
    time.sleep(1)
    yield Counter()
    for each in crowd:
        each.close()


def requests_case(port, tool, n_requests):
    """Requests that schemathesis makes, and what it has to say of the answers."""
    before = counted(port)
    checks = "not_a_server_error,status_code_conformance,content_type_conformance"
    found = subprocess.run(
        [
            *(tool, "run", f"http://127.0.0.1:{port}/openapi.json"),
            *("--max-examples", str(n_requests), "--checks", checks),
            *("--continue-on-failure", "--suppress-health-check", "all"),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    print("\n".join(found.stdout.splitlines()[-6:]))
    assert found.returncode == 0, "an answer is not as the OpenAPI description says"
    return counted(port) - before


def cases(port, options, rng):
    """Yield what is sent, and the statuses that came; in between, others ask."""
    yield "whole images", Counter()
    yield "mutated images", images_case(port, options.images, rng)
    yield "mutated requests", mutated_requests_case(port, options.images, rng)
    bombs = [post("/predict", bomb())] * 100
    yield "2 gigapixels", asyncio.run(send_all(port, bombs))
    for name, (start, more) in FLOODS.items():
        yield f"2 GB: {name}", Counter([flood(port, start, more)])
    lists = post("/predict", b'{"images": [' + b"[]," * 10_000_000, "application/json")
    yield "JSON of 10,000,000 lists", asyncio.run(send_all(port, [lists] * 8))
    for name, start in (("idle", b""), ("a byte of a head", b"P")):
        for statuses in crowd_case(port, start):
            yield f"{N_IDLE} connections, {name}", statuses
    folders = str(Path(sys.executable).parent), os.environ.get("PATH", "")
    if tool := shutil.which("schemathesis", path=os.pathsep.join(folders)):
        yield "schemathesis", requests_case(port, tool, options.requests)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--requests", type=int, default=2_500)
    parser.add_argument("--json")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # and end the server
    rng = np.random.default_rng(0)
    sample, rows = load_sample("digits"), []
    with ExitStack() as stack:
        model = Path(stack.enter_context(tempfile.TemporaryDirectory()), "m.imgfeat")
        save(make_recipe("hog-lr", size=32).fit(sample.images, sample.target), model)
        port = free_port()
        command = ["-m", "imgfeat", "serve", str(model), "--port", str(port)]
        server = stack.enter_context(
            running([sys.executable, *command], port, "/health/ready")
        )
        good = [post("/predict", picture) for picture in pictures(rng)]
        for case, statuses in cases(port, options, rng):
            again = asyncio.run(send_all(port, good))
            row = {
                "case": case,
                "n": statuses.total(),
                "by_status": {str(key): n for key, n in sorted(statuses.items())},
                "whole_images_then": {str(key): n for key, n in again.items()},
                "megabytes": megabytes(server),
            }
            print(row, flush=True)
            rows.append(row)
            assert server.poll() is None, "the server has ended"
            assert statuses[500] == 0, "an answer was a 500"
            assert set(again) == {200}, "others are not served"
    if options.json:
        save_rows(options.json, rows)


if __name__ == "__main__":
    main()

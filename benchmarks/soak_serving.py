"""Minutes of overload: `imgfeat serve` grows no further, and loses or mixes up nothing.

Four times as many clients as its queue holds ask a server process for the label of one
JPEG of 500 x 375 pixels (efficientnet_lite0 and logistic regression); whoever is
answered asks again at once, whoever is refused with 503 a second later. Each request
has a name of its own, which its answer must repeat. Twelve times in these minutes the
memory of the process is noted, and how often each status came.

    python -m benchmarks.soak_serving --minutes 10 --json results/soak_serving.json

IMGFEAT_DATA names a folder with hymenoptera.tar.
"""

import argparse
import asyncio
import json
import signal
import sys
import time
from collections import Counter
from contextlib import ExitStack

from benchmarks._http_load import Connection, post
from benchmarks._served import free_port, megabytes, photo_model, running
from benchmarks._timing import save

QUEUE, N_NOTES = 128, 12
RETRY_S = 1.0  # as Retry-After says at least


def named(image, name):
    """A request whose answer repeats `name`."""
    about = f'Content-Disposition: form-data; name="files"; filename="{name}"'
    body = f"--x\r\n{about}\r\n\r\n".encode() + image + b"\r\n--x--\r\n"
    return post("/predict", body, "multipart/form-data; boundary=x")


class Crowd:
    """Clients that ask for ever, and what became of their requests."""

    def __init__(self, port, images):
        self._port, self._images = port, images
        self.n_sent = 0
        self.statuses = Counter()

    async def client(self, end):
        """Ask until `end`, in seconds of `time.monotonic`."""
        connection = Connection(self._port)
        while time.monotonic() < end:
            number = self.n_sent
            self.n_sent += 1
            image = self._images[number % len(self._images)]
            try:
                status, body = await connection.ask(named(image, number))
            except (OSError, asyncio.IncompleteReadError):
                self.statuses["lost"] += 1
                connection.close()
                continue
            self.statuses[str(status)] += 1
            if status == 200:
                (result,) = json.loads(body)["results"]
                self.statuses["of another"] += result["name"] != str(number)
            else:
                await asyncio.sleep(RETRY_S)
        connection.close()


async def soak(port, images, process, seconds):
    """Rows of the memory and of how often each status came, over time."""
    crowd, rows = Crowd(port, images), []
    start = time.monotonic()
    clients = [
        asyncio.create_task(crowd.client(start + seconds)) for _ in range(4 * QUEUE)
    ]
    for number in range(1, N_NOTES + 1):
        await asyncio.sleep(start + seconds * number / N_NOTES - time.monotonic())
        row = {
            "case": f"{4 * QUEUE} clients, a queue of {QUEUE}",
            "seconds": time.monotonic() - start,
            "megabytes": megabytes(process),
            "by_status": dict(crowd.statuses),
        }
        print(row, flush=True)
        rows.append(row)
    await asyncio.gather(*clients)
    rows[-1] |= {"sent": crowd.n_sent, "by_status": dict(crowd.statuses)}
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--json")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # and end the server
    with ExitStack() as stack:
        path, images = stack.enter_context(photo_model())
        port = free_port()
        ours = ["-m", "imgfeat", "serve", str(path), "--max-queue", str(QUEUE)]
        command = [sys.executable, *ours, "--port", str(port)]
        process = stack.enter_context(running(command, port, "/health/ready"))
        rows = asyncio.run(soak(port, images, process, 60 * options.minutes))
    counts = rows[-1]["by_status"]
    strange = set(counts) - {"200", "503", "504", "of another"}
    assert not strange and not counts["of another"], counts
    if options.json:
        save(options.json, rows)


if __name__ == "__main__":
    main()

"""``imgfeat serve`` in a process of its own."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

DEADLINE_S = 120


class Process:
    """A service that runs.

    Attributes
    ----------
    url : str
    port : int
    """

    def __init__(self, *args):
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "imgfeat", "serve", "--port", "0", *map(str, args)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        line = self._popen.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", line)
        assert found, line + self._popen.stderr.read()
        self.port = int(found[1])
        self.url = f"http://127.0.0.1:{self.port}"

    def wait_until_ready(self, client):
        """Ask until models are loaded."""
        end = time.monotonic() + DEADLINE_S
        while client.get(f"{self.url}/health/ready").status_code != 200:
            assert self._popen.poll() is None, self._popen.stderr.read()
            assert time.monotonic() < end
            time.sleep(0.05)

    def signal(self, number=signal.SIGTERM):
        """Tell it to end."""
        self._popen.send_signal(number)

    def end(self):
        """Wait for its end; return the exit code and what it wrote to stderr."""
        _, said = self._popen.communicate(timeout=DEADLINE_S)
        return self._popen.returncode, said

    def kill(self):
        """End it whatever it does."""
        if self._popen.poll() is None:
            self._popen.kill()
            self._popen.communicate()


@contextmanager
def serving(*args):
    """A `Process` that is ready, with a client; killed at the end if it still runs."""
    import httpx

    process = Process(*args)
    try:
        with httpx.Client(base_url=process.url, timeout=DEADLINE_S) as client:
            process.wait_until_ready(client)
            yield process, client
    finally:
        process.kill()

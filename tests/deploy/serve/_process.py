"""``imgfeat serve`` in a process of its own."""

import os
import re
import signal
import subprocess
import sys
import threading
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
        give_up = threading.Timer(DEADLINE_S, self._popen.kill)
        give_up.start()
        line = self._popen.stdout.readline()  # which comes when it is ready
        give_up.cancel()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", line)
        assert found, line + self._popen.stderr.read()
        self.port = int(found[1])
        self.url = f"http://127.0.0.1:{self.port}"

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
            yield process, client
    finally:
        process.kill()

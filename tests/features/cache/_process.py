"""Another process for tests to kill."""

import subprocess
import sys
from contextlib import contextmanager


@contextmanager
def process_that_runs(code, *arguments):
    """Run `code` in a process; yield it once it has printed a line; kill it after.

    It may read from stdin until then: nothing comes.
    """
    command = [sys.executable, "-c", code, *map(str, arguments)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:
        try:
            process.first_line = process.stdout.readline()
            yield process
        finally:
            process.kill()

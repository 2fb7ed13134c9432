"""Another process for tests to kill."""

import subprocess
import sys
from contextlib import contextmanager


@contextmanager
def process_that_runs(code, *arguments):
    """Run `code` in a process; yield it once it has printed a line; kill it after."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            process.first_line = process.stdout.readline()
            yield process
        finally:
            process.kill()

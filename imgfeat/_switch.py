"""Hold a library's global switch in a position while any of our threads needs it."""

import threading


class HeldSwitch:
    """A context manager that sets a global once, and puts it back after the last exit.

    Saving and restoring it in each thread would end with the wrong value: the second
    thread saves what the first has set.

    Parameters
    ----------
    read, write : callable
        Get and set the global.
    value : object
        What it must be inside the block.
    """

    def __init__(self, read, write, value):
        self._read, self._write, self._value = read, write, value
        self._lock = threading.Lock()
        self._depth = 0

    def __enter__(self):
        with self._lock:
            if self._depth == 0:
                self._before = self._read()
                self._write(self._value)
            self._depth += 1

    def __exit__(self, *exception):
        with self._lock:
            self._depth -= 1
            if self._depth == 0:
                self._write(self._before)

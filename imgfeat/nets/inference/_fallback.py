"""An engine that gives way to another when it fails, in the middle of the work too."""

import threading
from contextlib import ExitStack, contextmanager


class FallbackEngine:
    """Runs one engine, and another from the first batch on that fails.

    Parameters
    ----------
    engine : engine, as `open_engine` returns it
    give_way : callable
        From the error to the engine that takes over; called once.
    """

    def __init__(self, engine, give_way):
        self._engine, self._give_way = engine, give_way
        self._other = None
        self._lock = threading.Lock()

    @property
    def info(self):
        """What runs by now."""
        return (self._other or self._engine).info

    @contextmanager
    def running(self, *threads):
        """Yield the function from uint8 images to vectors."""
        with ExitStack() as stack:
            first = None
            # Runtimes raise what their parts raise.
            try:
                first = stack.enter_context(self._engine.running(*threads))
            except Exception as error:  # noqa: BLE001
                self._replace(error)

            def run(images):
                if self._other is None:
                    try:
                        return first(images)
                    except Exception as error:  # noqa: BLE001
                        self._replace(error)
                with self._other.running(*threads) as again:
                    return again(images)

            yield run

    def _replace(self, error):
        with self._lock:
            if self._other is None:  # else another thread has
                self._other = self._give_way(error)

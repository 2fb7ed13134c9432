"""Take what comes over a network while it comes, and give up where it does not."""

import queue
import threading

FIRST_S = 10  # seconds until an address answers
NEXT_S = 30  # and until more comes
_SPARE = 64
_LOOK_S = 0.1
_END = object()


class SilenceError(TimeoutError):
    """Nothing came for too long."""


def timely(make_items, *, first_s=None, next_s=NEXT_S):
    """Yield items as another thread makes them, each of them in time.

    Parameters
    ----------
    make_items : callable
        Returns an iterator, which may wait for ever. It is called in a thread that
        nothing waits for, neither here nor at the end of the program.
    first_s, next_s : float, optional
        Seconds to the first item, 10 by default, and from one to the next.

    Raises
    ------
    SilenceError
        If one does not come in time.
    """
    made = queue.Queue(_SPARE)
    is_over = threading.Event()

    def put(pair):
        while not is_over.is_set():
            try:
                return made.put(pair, timeout=_LOOK_S)
            except queue.Full:
                continue
        return None

    def make():
        try:
            for item in make_items():
                put((item, None))
                if is_over.is_set():
                    return
            put((_END, None))
        except BaseException as error:  # noqa: BLE001, raised again by who waits
            put((_END, error))

    threading.Thread(target=make, daemon=True, name="imgfeat-timely").start()
    patience = FIRST_S if first_s is None else first_s
    try:
        while True:
            try:
                item, error = made.get(timeout=patience)
            except queue.Empty:
                raise SilenceError(f"no answer within {patience:g} s") from None
            if error is not None:
                raise error
            if item is _END:
                return
            yield item
            patience = next_s
    finally:
        is_over.set()


def in_time(make, first_s=None):
    """Return what `make` returns, or raise SilenceError."""
    (made,) = timely(lambda: iter([make()]), first_s=first_s)
    return made

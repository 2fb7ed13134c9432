"""Whether Ctrl-C was pressed, which a KeyboardInterrupt alone does not tell.

skorch's callbacks raise one to end a training; skorch's nets and scikit-learn's
perceptrons catch one and go on with half of what they should have learned; and one that
comes while C calls back into Python, as when numba loads a kernel, is printed and lost.
"""

import signal
import threading
from contextlib import contextmanager


class Interrupts:
    """What `noticing_interrupts` has noticed.

    Attributes
    ----------
    came : bool
        Whether Ctrl-C was pressed.
    """

    came = False

    def raise_again(self):
        """Raise a KeyboardInterrupt if one came, whoever has caught it."""
        if self.came:
            raise KeyboardInterrupt("Ctrl-C was pressed, and what ran has caught it.")


@contextmanager
def noticing_interrupts():
    """Yield `Interrupts`, which knows of every Ctrl-C inside the block.

    Whatever handled it before handles it still. In threads other than the first, and
    where nothing in Python handles it, none can come.
    """
    found = Interrupts()
    before = signal.getsignal(signal.SIGINT)
    is_first = threading.current_thread() is threading.main_thread()
    if not is_first or not callable(before):
        yield found
        return

    def note(number, frame):
        found.came = True
        return before(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield found
    finally:
        if signal.getsignal(signal.SIGINT) is note:
            signal.signal(signal.SIGINT, before)

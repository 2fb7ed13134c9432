"""Tell, once a batch, of 16-bit pixels that use little of their range."""

import threading
import warnings
from contextlib import contextmanager

import numpy as np

from imgfeat.sources._scale import white_of


class _Batch(threading.local):
    told = None


_batch = _Batch()


@contextmanager
def warned_once(told):
    """Let `note_range` warn in this thread, unless it has done so for the batch.

    Parameters
    ----------
    told : dict
        Empty at first, and shared by all threads that read a batch.
    """
    outer, _batch.told = _batch.told, told
    try:
        yield
    finally:
        _batch.told = outer


def note_range(pixels):
    """Warn if 16-bit pixels use less than a tenth of their range: 12 bits, perhaps.

    Parameters
    ----------
    pixels : ndarray
        As they are stored. 8 bits and floats say themselves what white is.

    Warns
    -----
    UserWarning
        Within `warned_once` only: whoever reads one image looks at it. The text is
        always the same, so that Python shows it once where a batch comes in chunks.
    """
    told = _batch.told
    if told is None or told or pixels.dtype != np.uint16:
        return
    ours = object()
    is_dim = 0 < pixels.max() < white_of(pixels.dtype) / 10
    # Setting a default is one step, whichever thread comes first.
    if is_dim and told.setdefault("by", ours) is ours:
        warnings.warn(
            "Images of 16 bits that use less than a tenth of 0..65535 are dark. If "
            "their white is another value, 4095 for 12 bits, say so: "
            "ImageReader(value_range=(0, 4095)).",
            stacklevel=2,
        )

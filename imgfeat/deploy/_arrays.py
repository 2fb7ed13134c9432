"""Arrays of a saved file, in numpy's format, whose headers may lie."""

import io
import math
from typing import NamedTuple

import numpy as np

from imgfeat.deploy._errors import BundleError

_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
# An array without values can still have a long axis, by which others are made.
MAX_EMPTY_BYTES = 64 << 20


class Header(NamedTuple):
    """What the header of an array says, which was found to be true."""

    shape: tuple
    dtype: np.dtype


def header_of(data):
    """Read the header of an array in `data`, and compare it with what follows.

    Raises
    ------
    BundleError
        If the header cannot be read, has objects, or says another size than there is.
    """
    file = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(file)
        shape, _, dtype = _READERS[version](file)
    except Exception as error:  # the header is Python text, which fails in many ways
        raise BundleError(f"an array has a broken header: {error!r:.80}.") from error
    if dtype.hasobject:
        raise BundleError("an array holds Python objects, which are never loaded.")
    n_bytes = math.prod(shape) * dtype.itemsize
    n_most = math.prod(max(1, length) for length in shape) * max(1, dtype.itemsize)
    if min(shape, default=0) < 0 or n_bytes != len(data) - file.tell():
        raise BundleError(
            f"an array says it is {dtype} of shape {shape!r:.60}, which is "
            f"{n_bytes} bytes; it has {len(data) - file.tell()}."
        )
    if n_bytes == 0 and n_most > MAX_EMPTY_BYTES:
        raise BundleError(f"an array without values says it is of shape {shape!r:.60}.")
    return Header(shape, dtype)


def read_array(data):
    """Return the array in `data`; its header is checked before memory is taken."""
    header_of(data)
    return np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)

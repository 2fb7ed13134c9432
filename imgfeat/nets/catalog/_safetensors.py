"""Read a safetensors file, or say in what way it is damaged."""

import json
import struct

from safetensors import SafetensorError
from safetensors.torch import load_file

# A net of ten thousand tensors needs about 1 MB. A damaged length must not make us
# read, and parse, gigabytes.
_MAX_HEADER = 25_000_000

# What comes of a header that is no JSON, or JSON of something else.
_HEADER_ERRORS = (ValueError, RecursionError, LookupError, TypeError, AttributeError)


def read_safetensors(path):
    """Return the tensors by name, mapped from disk.

    Raises
    ------
    ValueError
        If the file is cut short, or no safetensors file.
    """
    _check_length(path)
    try:
        return load_file(path, device="cpu")
    except (SafetensorError, KeyError) as error:
        raise ValueError(
            f"The weights file {path} cannot be read as safetensors: {error}. "
            "Download it again."
        ) from error


def _check_length(path):
    """Compare the length that the header tells with that of the file."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        start = file.read(8)
        n_header = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if not 2 <= n_header <= _MAX_HEADER:
            raise ValueError(
                f"The weights file {path} does not start as a safetensors file, with "
                f"the length of its header: 2 to {_MAX_HEADER} bytes. Got {n_header} "
                f"in a file of {size} bytes; it is damaged or of another kind."
            )
        header = file.read(n_header)
    if len(header) == n_header:
        needed = 8 + n_header + _end_of_tensors(header, path)
    else:
        needed = 8 + n_header
    if size < needed:
        raise ValueError(
            f"The weights file {path} is cut short: its header needs {needed} bytes "
            f"or more. Got {size}; download it again."
        )


def _end_of_tensors(header, path):
    try:
        tensors = json.loads(header)
        tensors.pop("__metadata__", None)
        return max((entry["data_offsets"][1] for entry in tensors.values()), default=0)
    except _HEADER_ERRORS as error:
        raise ValueError(
            f"The weights file {path} has a damaged header, which is not the list of "
            "tensors that safetensors writes. Download it again."
        ) from error

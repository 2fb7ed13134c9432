"""Powers and lengths of vectors, in place: what is done to codes at the end."""

import numpy as np

from imgfeat.kernels._jit import njit

_fast = njit(fastmath={"contract", "nnan", "nsz", "reassoc"})
# NaN must show.
_careful = njit(fastmath={"contract", "nsz", "reassoc"})


@_careful
def sum_of_squares(values):
    """Of a 2-D array of float32; NaN if there is one, infinity if it is too large."""
    total = np.float32(0)
    for row in range(values.shape[0]):
        for dim in range(values.shape[1]):
            total += values[row, dim] * values[row, dim]
    return total


def power_normalize(rows, power):
    """Replace numbers by ``sign(x) * |x|**power``, in place.

    Parameters
    ----------
    rows : ndarray, float32
        C-contiguous, finite.
    power : float in (0, 1]

    Returns
    -------
    ndarray
        `rows`
    """
    if power == 0.5:
        _square_roots(rows.reshape(-1))
    elif power != 1:
        np.copysign(np.abs(rows) ** power, rows, out=rows)
    return rows


def normalize_rows(rows, norm):
    """Bring vectors along the last axis to length one, in place; zeros stay.

    Parameters
    ----------
    rows : ndarray, float32
        C-contiguous, finite.
    norm : {"l1", "l2", None}

    Returns
    -------
    ndarray
        `rows`
    """
    if norm is not None and rows.size:
        _normalize(rows.reshape(-1, rows.shape[-1]), norm == "l1")
    return rows


@_fast
def _square_roots(numbers):
    for i in range(len(numbers)):
        numbers[i] = np.copysign(np.sqrt(np.abs(numbers[i])), numbers[i])


@_fast
def _normalize(rows, sum_sizes):
    for row in range(rows.shape[0]):
        # From the largest number, squares neither overflow nor vanish.
        largest = np.float32(0)
        for dim in range(rows.shape[1]):
            largest = max(largest, np.abs(rows[row, dim]))
        if largest == 0:
            continue
        unit = np.float32(1) / largest
        length = np.float32(0)
        if sum_sizes:
            for dim in range(rows.shape[1]):
                length += np.abs(rows[row, dim] * unit)
        else:
            for dim in range(rows.shape[1]):
                length += (rows[row, dim] * unit) * (rows[row, dim] * unit)
            length = np.sqrt(length)
        # Two factors: their product may be too large for a float32.
        scale = np.float32(1) / length
        for dim in range(rows.shape[1]):
            rows[row, dim] = (rows[row, dim] * unit) * scale

"""Sums over windows of what their parts contribute, each computed for all at once."""

import numpy as np

from imgfeat.kernels._jit import njit


@njit(error_model="numpy")
def add_parts(products, places, stride, total):
    """Add to every window what stands at some places relative to it.

    Parameters
    ----------
    products : ndarray of shape (n_places, n_decisions, n_rows, n_cols), float32
        What a part contributes, wherever it is, as the one at each place of a window.
    places : ndarray of int of shape (n_places, 2)
        Down and across from the first part.
    stride : (int, int)
        Parts from one window to the next, down and across.
    total : ndarray of shape (n_decisions, n_down, n_across), float64
        Changed in place.
    """
    n_places, n_decisions = products.shape[:2]
    n_down, n_across = total.shape[1:]
    for decision in range(n_decisions):
        for down in range(n_down):
            out = total[decision, down]
            for place in range(n_places):
                row = down * stride[0] + places[place, 0]
                part = products[place, decision, row, places[place, 1] :]
                if stride[1] == 1:
                    for across in range(n_across):
                        out[across] += np.float64(part[across])
                else:
                    for across in range(n_across):
                        out[across] += np.float64(part[across * stride[1]])

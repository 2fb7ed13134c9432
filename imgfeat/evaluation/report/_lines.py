"""Curves as points of an inline SVG of 100 x 100 units, y upwards."""

import numpy as np

N_POINTS = 200  # more than a picture of this size can show


def polyline(x, y):
    """Points of a curve, as SVG writes them; both coordinates are shares, 0..1.

    Parameters
    ----------
    x, y : array-like of shape (n_points,)

    Returns
    -------
    str
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    if len(x) > N_POINTS:
        kept = np.linspace(0, len(x) - 1, N_POINTS).round().astype(int)
        x, y = x[kept], y[kept]
    points = zip(100 * x, 100 * (1 - y), strict=True)
    return " ".join(f"{right:.1f},{down:.1f}" for right, down in points)

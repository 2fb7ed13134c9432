"""How bright, rich in contrast and sharp a picture is: a few numbers an image."""

import cv2
import numpy as np

# The re-blur of the edges' width, and the widest that it tells from no edge at all.
_SIGMA = 1.0
_WIDEST = 10.0
# Edges that count: the steepest ones, of which the sharpest tell.
_STEEPEST = 0.98
_SHARPEST = 0.25
LEAST_SIDE = 16  # pixels of a picture that has room for edges
# Levels of 255: what is less steep after the re-blur is noise.
_LEAST_STEP = 2.0


def measure_tones(gray):
    """Percentiles of the gray values, and how much is of one value.

    Parameters
    ----------
    gray : ndarray of shape (height, width), uint8

    Returns
    -------
    dict
        ``p1`` to ``p99``, in 0..1: so much of the picture is no brighter. ``contrast``
        is their distance. ``plain`` is the share of pixels within 2 levels of the most
        common value.
    """
    counts = np.bincount(gray.ravel(), minlength=256)
    sums = np.cumsum(counts)
    shares = (0.01, 0.05, 0.5, 0.95, 0.99)
    levels = np.searchsorted(sums, np.multiply(shares, sums[-1])) / 255
    padded = np.concatenate([[0], sums])
    mode = int(counts.argmax())
    near = padded[min(mode + 3, 256)] - padded[max(mode - 2, 0)]
    names = ("p1", "p5", "p50", "p95", "p99")
    return {
        **dict(zip(names, map(float, levels), strict=True)),
        "contrast": float(levels[-1] - levels[0]),
        "plain": float(near / sums[-1]),
    }


def measure_edge_width(gray):
    """How wide the sharpest of the strong edges are: a Gaussian's sigma, in pixels.

    A picture is blurred where even its sharpest part is; one with a blurred background
    is not. Contrast does not matter, nor does noise that is weaker than the edges.

    Parameters
    ----------
    gray : ndarray of shape (height, width), uint8

    Returns
    -------
    float
        NaN where there is no edge at all, or no room for one: below 16 pixels.

    References
    ----------
    S. Zhuo, T. Sim, "Defocus map estimation from a single image", Pattern Recognition
    44(9), 2011. doi:10.1016/j.patcog.2011.03.009. We take the ratio of gradients at the
    steepest pixels, and a quantile of what it gives, instead of a map.
    """
    if min(gray.shape) < LEAST_SIDE:
        return np.nan
    picture = gray.astype(np.float32)
    before = _steepness(picture)
    after = _steepness(cv2.GaussianBlur(picture, (0, 0), _SIGMA))
    # At the edges of the re-blurred picture, so that no speck of noise is one.
    strong = after >= max(np.quantile(after, _STEEPEST), _LEAST_STEP)
    if not strong.any():
        return np.nan
    ratio = before[strong] / after[strong]
    squared = np.maximum(ratio**2 - 1, (_SIGMA / _WIDEST) ** 2)
    return float(np.quantile(_SIGMA / np.sqrt(squared), _SHARPEST))


def _steepness(picture):
    dx = picture[1:-1, 2:] - picture[1:-1, :-2]
    dy = picture[2:, 1:-1] - picture[:-2, 1:-1]
    return np.hypot(dx, dy) / 2

"""Half precision for a net that bears it: a check against float32, once."""

import threading
import warnings

import numpy as np
import torch

from imgfeat.nets.inference._photographs import cosines

DTYPES = {
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
}

# Errors of rounding grow with depth: nets trained in float32 lose 0.5 to 7 of the
# type's own steps (float16 0.0005 to 0.005, bfloat16 0.005 to 0.053 of a row's largest
# value). More than ten steps is no rounding: values overflow or cancel.
_STEPS = 10
BOUNDS = {
    name: _STEPS * torch.finfo(dtype).eps
    for name, dtype in DTYPES.items()
    if name != "float32"
}

# What "auto" asks on a CPU, where float32 is the usual choice: of every row.
LEAST_COSINE = 0.999

# Of golden outputs, relative to the largest: a net that was saved in one precision may
# run in another.
_TOLERANCE, _TOLERANCE_OF_BFLOAT16 = 3e-2, 1e-1


def golden_tolerance(precision, on_cuda, found=None):
    """How far the outputs of a net may differ elsewhere.

    Parameters
    ----------
    precision : str
        What was asked for.
    on_cuda : str
        What "auto" is on CUDA.
    found : str, optional
        What "auto" was where the net has run.
    """
    lowest = precision
    if precision == "auto":
        lowest = "bfloat16" if found == "bfloat16" else on_cuda
    return _TOLERANCE_OF_BFLOAT16 if lowest == "bfloat16" else _TOLERANCE


class CheckedPrecision:
    """Runs a net in the precision that was asked for, or in float32 if that is off.

    The first batch decides. Its rows come from the same precision as all later ones.

    Parameters
    ----------
    asked : {"float32", "float16", "bfloat16"}
    check : {"bound", "cosine", None}, default="bound"
        What the first batch has to pass: an error of rounding and no more, or else a
        warning, for who asked for this precision; a cosine of `LEAST_COSINE` in every
        row for who left it open; nothing where that was decided before.

    Attributes
    ----------
    used : str
        What runs.
    error : float or None
        Largest difference from float32 in the first batch, of a row's largest value.
    cosine : float or None
        Least cosine with float32 in the first batch.
    """

    def __init__(self, asked, check="bound"):
        self.used = asked
        self.error = self.cosine = None
        self._asked, self._check = asked, check
        self._is_decided = asked == "float32" or check is None
        self._lock = threading.Lock()

    @property
    def info(self):
        """What runs, and how far it is off, as far as that is known by now."""
        known = {} if self.error is None else {"precision_error": self.error}
        if self.cosine is not None:
            known["precision_cosine"] = self.cosine
        return {"precision": self.used, **known}

    def run(self, images, forward):
        """Return the vectors.

        Parameters
        ----------
        images : ndarray
            Looked at only to tell whether there is something in them.
        forward : callable
            From the name of a precision to vectors of all images.

        Returns
        -------
        ndarray of shape (n, width), float32
        """
        if not self._is_decided:
            with self._lock:
                if not self._is_decided:
                    return self._decide(images, forward)
        features = forward(self.used)
        if self.used != "float32":
            beyond = ~np.isfinite(features).all(axis=1)
            if beyond.any():  # of float16's 65504: these rows are computed again
                features[beyond] = forward("float32")[beyond]
        return features

    def _decide(self, images, forward):
        exact = forward("float32")
        if images.min() == images.max():
            return exact  # a blank image, as one that measures a width, tells nothing
        rounded = forward(self._asked)
        self.error = _largest_error(rounded, exact)
        if self._passes(rounded, exact):
            self._is_decided = True
            return rounded
        self.used = "float32"
        self._is_decided = True
        if self._check == "cosine":  # float32 was as good a choice
            return exact
        warnings.warn(
            f"precision={self._asked!r} needs to stay within {BOUNDS[self._asked]:.2g} "
            "of float32, of a row's largest value. Got "
            f"{self.error:.2g} in the first batch, so this net runs in float32; set "
            "precision='float32'.",
            RuntimeWarning,
            stacklevel=2,
        )
        return exact

    def _passes(self, rounded, exact):
        if self._check == "bound":
            return self.error <= BOUNDS[self._asked]
        if not np.isfinite(self.error):
            return False
        self.cosine = float(cosines(rounded, exact).min())
        return self.cosine >= LEAST_COSINE


def _largest_error(rounded, exact):
    """Largest difference in any row, of its largest value; infinite for NaN."""
    if not np.isfinite(rounded).all():
        return float("inf")
    largest = np.maximum(np.abs(exact).max(axis=1), np.finfo(np.float32).tiny)
    error = float((np.abs(rounded - exact).max(axis=1) / largest).max())
    return error if np.isfinite(error) else float("inf")

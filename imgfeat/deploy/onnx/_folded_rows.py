"""Rows of numbers in a graph, and what is linear about them, folded in float64."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np


@dataclass(frozen=True)
class Affine:
    """``x * scale + shift``, or ``x @ matrix + shift``.

    Parameters
    ----------
    scale : ndarray of shape (n_in,), or (n_in, n_out)
    shift : ndarray of shape (n_out,)
    """

    scale: np.ndarray
    shift: np.ndarray

    def then(self, other) -> Self:
        """Both, one after the other, as one."""
        first, second = self.scale, other.scale
        if second.ndim == 1:
            shift = self.shift * second + other.shift
        else:
            shift = self.shift @ second + other.shift
        if first.ndim == 2 and second.ndim == 2:
            scale = first @ second
        elif first.ndim == 1 and second.ndim == 2:
            scale = first[:, None] * second
        else:
            scale = first * second
        return type(self)(scale, shift)


@dataclass(frozen=True)
class Rows:
    """Rows of numbers, of which the graph has `name`, and `pending` is still to come.

    Parameters
    ----------
    name : str
        Of float64 values of shape (n, n_in).
    width : int
        Columns, with what is pending.
    pending : Affine, optional
    """

    name: str
    width: int
    pending: Affine | None = None

    def apply(self, scale, shift) -> Self:
        """Go on with a linear step; see `Affine`."""
        scale = np.asarray(scale, dtype=np.float64)
        width = self.width if scale.ndim == 1 else scale.shape[1]
        shift = np.broadcast_to(np.asarray(shift, dtype=np.float64), width)
        step = Affine(scale, shift)
        pending = step if self.pending is None else self.pending.then(step)
        return replace(self, width=width, pending=pending)

    def value(self, graph) -> str:
        """Write down what is pending, and name the result."""
        if self.pending is None:
            return self.name
        kind = "Mul" if self.pending.scale.ndim == 1 else "MatMul"
        scaled = graph.op(kind, self.name, self.pending.scale)
        return graph.op("Add", scaled, self.pending.shift)

"""Patches of images compared with a dictionary of atoms, on the CPU.

One matrix product an image compares all patches with all atoms; what surrounds it is
fused here, so that no comparison is written to memory more than once.
"""

import math
from typing import NamedTuple

import numpy as np
import torch

from imgfeat.kernels._jit import njit

# Bytes of comparisons in flight in one thread: what a core's cache holds.
_SLAB_BYTES = 1 << 20

_ZERO = np.float32(0)

# Sums may be reordered and fused, which vectorizes them; nothing is approximated.
_jit = njit(fastmath={"contract", "nnan", "nsz", "reassoc"})


class Dictionary(NamedTuple):
    """What is learned, float32; arrays, or tensors on a device.

    Parameters
    ----------
    mean : (n_values,)
        Mean of the normalized patches; ``n_values = size * size * n_channels``.
    whitening : (n_values, n_components)
    atoms : (n_atoms, n_components)
        In whitened space.
    """

    mean: np.ndarray
    whitening: np.ndarray
    atoms: np.ndarray


def n_positions(shape, size, stride):
    """Patches down and across an image of `shape` pixels."""
    return tuple((side - size) // stride + 1 for side in shape[:2])


def cell_of_position(positions, grid):
    """Which pooling cell each patch belongs to, row by row."""
    rows, cols = (
        np.arange(n) * cells // n for n, cells in zip(positions, grid, strict=True)
    )
    return (rows[:, None] * grid[1] + cols).ravel()


def encode(images, dictionary, *, size, stride, norm_eps, encoding, grid):
    """Compare all patches of each image with the atoms; sum the outcome over cells.

    Parameters
    ----------
    images : ndarray of shape (n_samples, height, width, n_channels)
    dictionary : Dictionary of ndarrays
    size, stride : int
        Side of a patch and distance between patches, in pixels.
    norm_eps : float
        Added to the variance of a patch, in the squared unit of `images`.
    encoding : {"triangle", "hard"}
        With distances z of a patch to the atoms: ``max(0, mean(z) - z)``, or 1 for
        the nearest atom and 0 for all others.
    grid : tuple of (int, int)
        Pooling cells down and across.

    Returns
    -------
    ndarray of shape (n_samples, n_cells, n_atoms), float32
    """
    n_atoms = len(dictionary.atoms)
    cells = cell_of_position(n_positions(images.shape[1:], size, stride), grid)
    out = np.zeros((len(images), grid[0] * grid[1], n_atoms), dtype=np.float32)

    # Twice the product, so that a distance is one addition away.
    doubled_atoms = torch.from_numpy(2 * dictionary.atoms.T)
    atom_squares = np.square(dictionary.atoms).sum(axis=1)

    whole = whiten_each(
        images, dictionary.mean, dictionary.whitening, size, stride, norm_eps
    )
    slabs = in_slabs(len(cells), 4 * n_atoms)
    products = torch.empty((slabs[0].stop, n_atoms))
    pool = _pool_triangle if encoding == "triangle" else _pool_hard
    for (whitened, squares), pooled in zip(whole, out, strict=True):
        for rows in slabs:
            part = products[: rows.stop - rows.start]
            torch.mm(whitened[rows], doubled_atoms, out=part)
            pool(part.numpy(), squares[rows], atom_squares, cells[rows], pooled)
    return out


def whiten_each(images, mean, whitening, size, stride, norm_eps):
    """Yield the patches of each image in whitened space, and their squared lengths.

    Those of the next image take their place in memory. The products run in torch: it
    follows the number of threads that the caller sets.

    Parameters
    ----------
    images, size, stride, norm_eps
        As for `encode`.
    mean, whitening : ndarray
        Of a `Dictionary`.

    Yields
    ------
    whitened : tensor of shape (n_patches, n_components), float32
    squares : ndarray of shape (n_patches,), float32
    """
    _, *shape, n_channels = images.shape
    n_patches = math.prod(n_positions(shape, size, stride))
    whitening = torch.from_numpy(whitening)
    shift = torch.from_numpy(mean) @ whitening
    patches = np.empty((n_patches, size * size * n_channels), np.float32)
    whitened = torch.empty((n_patches, whitening.shape[1]))
    # A loop: every image takes the same path, alone or in a batch, to the last bit.
    for image in images:
        cut_patches(image, size, stride, np.float32(norm_eps), patches)
        torch.mm(torch.from_numpy(patches), whitening, out=whitened)
        whitened -= shift
        yield whitened, whitened.square().sum(dim=1).numpy()


def in_slabs(n_patches, n_bytes):
    """Slices of patches whose comparisons, of `n_bytes` each, fit into a cache."""
    slab = max(16, _SLAB_BYTES // n_bytes)
    return [
        slice(start, min(start + slab, n_patches))
        for start in range(0, n_patches, slab)
    ]


@_jit
def cut_patches(image, size, stride, norm_eps, out):
    """Copy patches to rows of `out`, free of their brightness and contrast.

    Parameters
    ----------
    image : ndarray of shape (height, width, n_channels)
    out : ndarray of shape (n_patches, size * size * n_channels), float32
        From top left, row by row; in a patch, channels vary fastest.
    """
    height, width, n_channels = image.shape
    n_values = out.shape[1]
    span = size * n_channels
    lines = image.reshape(height, width * n_channels)
    i = 0
    for top in range(0, height - size + 1, stride):
        for left in range(0, width - size + 1, stride):
            patch = out[i]
            i += 1
            total = _ZERO
            for row in range(size):
                line = lines[top + row, left * n_channels : left * n_channels + span]
                part = patch[row * span : (row + 1) * span]
                for k in range(span):
                    value = np.float32(line[k])
                    part[k] = value
                    total += value
            mean = total / np.float32(n_values)
            variance = _ZERO
            for k in range(n_values):
                patch[k] -= mean
                variance += patch[k] * patch[k]
            scale = np.float32(1) / np.sqrt(variance / np.float32(n_values) + norm_eps)
            for k in range(n_values):
                patch[k] *= scale


@_jit
def _pool_triangle(products, patch_squares, atom_squares, cells, pooled):
    n_patches, n_atoms = products.shape
    for i in range(n_patches):
        row = products[i]
        total = _ZERO
        for k in range(n_atoms):
            # Rounding may leave a patch that is an atom slightly below zero.
            distance = np.sqrt(max(patch_squares[i] + atom_squares[k] - row[k], _ZERO))
            row[k] = distance
            total += distance
        mean = total / np.float32(n_atoms)
        cell = pooled[cells[i]]
        for k in range(n_atoms):
            cell[k] += max(mean - row[k], _ZERO)


@_jit
def _pool_hard(products, patch_squares, atom_squares, cells, pooled):
    n_patches, n_atoms = products.shape
    for i in range(n_patches):
        row = products[i]
        nearest = 0
        for k in range(1, n_atoms):
            if atom_squares[k] - row[k] < atom_squares[nearest] - row[nearest]:
                nearest = k
        pooled[cells[i], nearest] += np.float32(1)

"""Patches of images and of their mirror images compared with atoms, in one go.

A mirror leaves some directions of whitened space as they are and turns others round,
if what was whitened was learned from patches and their mirror images. The products of a
mirrored patch with the atoms are those of the patch then, but for a sign.
"""

import numpy as np
import torch

from imgfeat.kernels.patches import (
    cell_of_position,
    in_slabs,
    n_positions,
    whiten_each,
)
from imgfeat.kernels.simd import jit

_ZERO = np.float32(0)


def mirrored_values(size, n_values):
    """Where each of the `n_values` of a patch comes from in its mirror image."""
    places = np.arange(n_values).reshape(size, size, -1)
    return places[:, ::-1].ravel()


def find_parities(dictionary, size):
    """What a mirror makes of each direction of whitened space.

    Parameters
    ----------
    dictionary : Dictionary of ndarrays
    size : int
        Side of a patch in pixels.

    Returns
    -------
    ndarray of shape (n_components,) or None
        1 where it stays, -1 where it is turned round; None if they are mixed up.
    """
    mean, whitening, _ = dictionary
    mirrored = mirrored_values(size, len(mean))
    parities = np.where((whitening * whitening[mirrored]).sum(axis=0) < 0, -1, 1)
    is_whole = np.array_equal(mean[mirrored], mean)
    is_whole &= np.array_equal(whitening[mirrored], whitening * parities)
    return parities if is_whole else None


def encode_with_mirror(images, dictionary, parities, *, size, stride, norm_eps, grid):
    """Sum what `encode` gives for each image and for its mirror image.

    Parameters
    ----------
    images : ndarray of shape (n_samples, height, width, n_channels)
        Patches have to end where they end, at both sides.
    dictionary : Dictionary of ndarrays
    parities : ndarray of shape (n_components,)
        By `find_parities`.
    size, stride, norm_eps, grid
        As for `imgfeat.kernels.patches.encode`; its encoding is "triangle".

    Returns
    -------
    ndarray of shape (n_samples, n_cells, n_atoms), float32
    """
    n_atoms = len(dictionary.atoms)
    positions = n_positions(images.shape[1:], size, stride)
    cells = cell_of_position(positions, grid)
    cells_of_mirror = cells.reshape(positions)[:, ::-1].ravel()
    out = np.zeros((len(images), grid[0] * grid[1], n_atoms), dtype=np.float32)

    # What stays comes first.
    order, n_alike = np.argsort(-parities, kind="stable"), int((parities > 0).sum())
    doubled_atoms = torch.from_numpy(2 * dictionary.atoms[:, order].T)
    atom_squares = np.square(dictionary.atoms).sum(axis=1)

    whitening = dictionary.whitening[:, order]
    whole = whiten_each(images, dictionary.mean, whitening, size, stride, norm_eps)
    slabs = in_slabs(len(cells), 8 * n_atoms)
    alike, opposed = torch.empty((2, slabs[0].stop, n_atoms))
    for (whitened, squares), pooled in zip(whole, out, strict=True):
        for rows in slabs:
            n = rows.stop - rows.start
            part = whitened[rows]
            torch.mm(part[:, :n_alike], doubled_atoms[:n_alike], out=alike[:n])
            torch.mm(part[:, n_alike:], doubled_atoms[n_alike:], out=opposed[:n])
            _pool_triangles(
                alike[:n].numpy(), opposed[:n].numpy(), squares[rows], atom_squares,
                cells[rows], cells_of_mirror[rows], pooled,
            )  # fmt: skip
    return out


@jit
def _pool_triangles(
    alike, opposed, patch_squares, atom_squares, cells, cells_of_mirror, pooled
):
    n_patches, n_atoms = alike.shape
    for i in range(n_patches):
        one, other = alike[i], opposed[i]
        total = total_of_mirror = _ZERO
        for k in range(n_atoms):
            square = patch_squares[i] + atom_squares[k] - one[k]
            # Rounding may leave a patch that is an atom slightly below zero.
            distance = np.sqrt(max(square - other[k], _ZERO))
            distance_of_mirror = np.sqrt(max(square + other[k], _ZERO))
            one[k], other[k] = distance, distance_of_mirror
            total += distance
            total_of_mirror += distance_of_mirror
        _add_nearer(one, total / np.float32(n_atoms), pooled[cells[i]])
        mean_of_mirror = total_of_mirror / np.float32(n_atoms)
        _add_nearer(other, mean_of_mirror, pooled[cells_of_mirror[i]])


@jit
def _add_nearer(distances, mean, cell):
    for k in range(len(distances)):
        cell[k] += max(mean - distances[k], _ZERO)

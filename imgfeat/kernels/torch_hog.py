"""Histograms of oriented gradients of a batch on a device, equal to `hog`'s.

What decides a bin is scikit-image's own arithmetic here too: 8-bit images look it up in
the same table, and of floats the few pixels that lie too close to the edge of a bin, or
between two channels, are decided by numpy on the host.
"""

import numpy as np
import torch

from imgfeat.kernels._block_norms import BLOCK_NORMS, CLIP, EPS
from imgfeat.kernels._hog_votes import REACH, STRIDE
from imgfeat.kernels.hog import bin_table, compass_bins, exact_bin

# What the arc tangent may be wrong by, as a part of a bin: a thousand times over.
_BIN_ERROR = 1e-12


def hog(
    images,
    *,
    orientations,
    pixels_per_cell,
    cells_per_block,
    block_norm,
    transform_sqrt,
):
    """Describe images by histograms of gradient directions.

    Parameters
    ----------
    images : tensor of shape (n, height, width) or (n, height, width, 3)
        uint8, uint16, float32 or float64; finite.
    orientations, pixels_per_cell, cells_per_block, block_norm, transform_sqrt
        As in `imgfeat.kernels.hog.hog`.

    Returns
    -------
    tensor of shape (n, block_rows, block_cols, cell_rows, cell_cols, orientations)
        float32, on the device of `images`.
    """
    if images.ndim == 3:
        images = images[..., None]
    in_bytes = images.dtype == torch.uint8 and not transform_sqrt
    if images.dtype != torch.float32:
        images = images.double()
    if transform_sqrt:
        images = images.sqrt()
    cells = [images.shape[1 + k] // pixels_per_cell[k] for k in range(2)]
    down, across = _gradients(images)
    voting = [cells[k] * pixels_per_cell[k] for k in range(2)]
    down = down[:, : voting[0], : voting[1]]
    across = across[:, : voting[0], : voting[1]]
    if in_bytes and orientations <= 256:
        table = torch.from_numpy(bin_table(orientations)).to(images.device)
        index = (down + REACH) * STRIDE + across + STRIDE // 2
        bins = table[index.long()]
    else:
        bins = _bins(down, across, orientations)
    length = (down.square() + across.square()).sqrt()
    histogram = _vote(bins, length, orientations, cells, pixels_per_cell)
    return _normalize(histogram, cells_per_block, block_norm)


def _gradients(images):
    """Central differences, zero at the border, of the channel where they are longest.

    Returns
    -------
    down, across : tensor of shape (n, height, width), float64
        Taken in the dtype of `images`, as scikit-image does.
    """
    down, across = torch.zeros_like(images), torch.zeros_like(images)
    down[:, 1:-1] = images[:, 2:] - images[:, :-2]
    across[:, :, 1:-1] = images[:, :, 2:] - images[:, :, :-2]
    longest = down[..., 0], across[..., 0]
    for channel in range(1, images.shape[3]):
        contender = down[..., channel], across[..., channel]
        is_longer = _is_longer(longest, contender)
        longest = [
            torch.where(is_longer, *pair)
            for pair in zip(contender, longest, strict=True)
        ]
    return [gradient.double() for gradient in longest]


def _is_longer(gradient, contender):
    """Whether a contender is longer by ``np.hypot``, where squares may tie."""
    down, across = (part.double().abs() for part in gradient)
    down2, across2 = (part.double().abs() for part in contender)
    square = down.square() + across.square()
    square2 = down2.square() + across2.square()
    is_longer = square2 > square
    # Written so that squares that overflowed count as near.
    is_near = ~((square2 - square).abs() > 1e-6 * square)
    is_same = (down == down2) & (across == across2)
    is_same |= (down == across2) & (across == down2)
    is_longer &= ~is_same
    open_ = is_near & ~is_same
    if open_.any():
        first, second = (
            np.hypot(*(part[open_].cpu().numpy() for part in pair))
            for pair in (gradient, contender)
        )
        is_longer[open_] = torch.from_numpy(second > first).to(open_.device)
    return is_longer


def _bins(down, across, orientations):
    """scikit-image's bin of each gradient; -1 where rounding leaves it in none."""
    position = torch.atan2(down, across) * (orientations / torch.pi)
    position = position.remainder(orientations)
    bins = position.int()
    # Directions that real images hold in masses lie on edges; these have a table.
    on_compass = (down == 0) | (across == 0) | (down.abs() == across.abs())
    compass = torch.from_numpy(compass_bins(orientations)).to(down.device)
    signs = [(part.sign() + 1).long() for part in (down, across)]
    bins = torch.where(on_compass, compass[signs[0], signs[1]], bins)
    is_close = (position - position.round()).abs() <= _BIN_ERROR * orientations
    open_ = is_close & ~on_compass
    if open_.any():
        exact = exact_bin(
            *(part[open_].cpu().numpy() for part in (down, across)), orientations
        )
        bins[open_] = torch.from_numpy(exact).to(bins.device)
    return bins


def _vote(bins, length, orientations, cells, pixels_per_cell):
    """Mean gradient length per direction, of shape (n, *cells, orientations)."""
    (rows, cols), (height, width) = cells, pixels_per_cell
    shape = len(bins), rows, height, cols, width
    histogram = length.new_empty((len(bins), rows, cols, orientations))
    # Bin by bin, not by adding pixels one by one where they belong: sums then have one
    # order, whatever else is in the batch.
    for bin_ in range(orientations):
        votes = torch.where(bins == bin_, length, 0).reshape(shape)
        histogram[..., bin_] = votes.mean(dim=(2, 4))
    return histogram


def _normalize(histogram, cells_per_block, block_norm):
    """Every block of cells, scaled by its own length."""
    height, width = cells_per_block
    blocks = histogram.unfold(1, height, 1).unfold(2, width, 1)
    blocks = blocks.permute(0, 1, 2, 4, 5, 3)
    norm = BLOCK_NORMS.index(block_norm)
    if norm < 2:
        blocks = blocks / (_total(blocks) + EPS)
        blocks = blocks.sqrt() if norm == 1 else blocks
    else:
        blocks = blocks / (_total(blocks.square()) + EPS**2).sqrt()
    if norm == 3:
        blocks = blocks.clamp(max=CLIP)
        blocks = blocks / (_total(blocks.square()) + EPS**2).sqrt()
    return blocks.float().contiguous()


def _total(blocks):
    return blocks.sum(dim=(3, 4, 5), keepdim=True)

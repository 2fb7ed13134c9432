"""Dense SIFT of a batch on a device: triangular windows as matrix products."""

import torch

from imgfeat.kernels.dense_sift import (
    ARC_TANGENT,
    CLIP,
    N_ORIENTATIONS,
    TINY,
    axis_windows,
    gaussian_means,
)


def dense_sift(images, *, step, bin_size, contrast_threshold=0.0, root=False):
    """Describe every `step`-th point of gray images by SIFT's histograms.

    Parameters
    ----------
    images : tensor of shape (n_samples, height, width), uint8, uint16 or float32
    step, bin_size, root
        As in `imgfeat.kernels.dense_sift.dense_sift`, which defines the descriptor.
    contrast_threshold : float or tensor of shape (n_samples,), default=0.0
        Mean gradient, in gray levels a pixel, at or below which a descriptor is zero.

    Returns
    -------
    tensor of shape (n_samples, n_rows, n_cols, 128), float32
        On the device of `images`.
    """
    maps = _orientation_maps(images.float())
    row_of_bin, rows = _windows(images.shape[1], step, bin_size, images.device)
    col_of_bin, cols = _windows(images.shape[2], step, bin_size, images.device)
    bins = rows @ maps @ cols.T
    window = torch.from_numpy(gaussian_means(bin_size)).to(images.device)
    # (n_samples, orientations, grid rows, bin rows, grid cols, bin cols)
    found = bins[:, :, row_of_bin][..., col_of_bin]
    found = found * window[:, None, None] * window
    found = found.permute(0, 2, 4, 3, 5, 1).flatten(start_dim=3)
    # What the contrast threshold is compared with is a sum; bring it there.
    scale = bin_size**2 * float(window.double().sum()) ** 2
    threshold = torch.as_tensor(contrast_threshold, device=images.device).float()
    threshold = (threshold * scale).reshape(-1, 1, 1, 1)
    return _normalize(found, threshold, root)


def _orientation_maps(images):
    """Gradient lengths shared between directions, (n, 8, height, width)."""
    d_row, d_col = torch.gradient(images, dim=(1, 2))
    length = (d_row.square() + d_col.square()).sqrt()
    turn = _eighths(d_row, d_col)
    maps = images.new_empty((len(images), N_ORIENTATIONS, *images.shape[1:]))
    for o in range(N_ORIENTATIONS):
        away = (turn - o).abs()
        away = torch.minimum(away, N_ORIENTATIONS - away)
        maps[:, o] = length * (1 - away).clamp(min=0)
    return maps


def _eighths(d_row, d_col):
    """Directions in eighths of a turn, 0..8, by the series of the CPU's kernel.

    It is exact along the axes and diagonals, which ``atan2`` need not be.
    """
    up, along = d_row.abs(), d_col.abs()
    low, high = torch.minimum(up, along), torch.maximum(up, along)
    slope = low / high.clamp(min=float(TINY))
    square = slope.square()
    series = torch.zeros_like(square)
    for coefficient in reversed(ARC_TANGENT):
        series = series * square + float(coefficient)
    turn = slope * (1 + (1 - square) * series)
    turn = torch.where(up > along, 2 - turn, turn)
    turn = torch.where(d_col < 0, 4 - turn, turn)
    return torch.where(d_row < 0, 8 - turn, turn)


def _windows(side, step, bin_size, device):
    """The bins of each descriptor along an axis, and what they see, as a matrix.

    Returns
    -------
    index : tensor of shape (n_descriptors, 4)
    matrix : tensor of shape (n_bins, side)
    """
    index, first, weights = axis_windows(side, step, bin_size)
    matrix = torch.zeros(len(first), side + weights.shape[1])
    pixels = torch.from_numpy(first)[:, None] + torch.arange(weights.shape[1])
    matrix.scatter_(1, pixels, torch.from_numpy(weights))
    return torch.from_numpy(index).to(device), matrix[:, :side].to(device)


def _normalize(found, threshold, root):
    """Bring descriptors to unit length, cut them at 0.2, bring them there again."""
    total = found.sum(dim=-1, keepdim=True)
    square = found.square().sum(dim=-1, keepdim=True)
    is_clear = (total > threshold) & (square > float(TINY))
    limit = torch.where(is_clear, float(CLIP) * square.sqrt(), 0)
    found = torch.minimum(found, limit)
    norm = found.sum(-1, keepdim=True) if root else found.norm(dim=-1, keepdim=True)
    found = torch.where(norm > 0, found / norm, 0)
    return (found.sqrt() if root else found).contiguous()

"""Pixels as nets see them: each channel shifted and scaled."""

import torch


def normalization(mean, std):
    """Numbers that normalize pixels of 0..255: ``pixels * scale + shift``.

    That is ``(pixels / 255 - mean) / std`` in one product and one sum.

    Parameters
    ----------
    mean, std : sequence of three floats
        Per channel, for pixels scaled to 0..1.

    Returns
    -------
    scale, shift : Tensor of shape (1, 3, 1, 1), float32
        Computed in float64, and rounded once.
    """
    mean, std = (
        torch.tensor(values, dtype=torch.float64).reshape(1, 3, 1, 1)
        for values in (mean, std)
    )
    return (1 / (255 * std)).float(), (-mean / std).float()

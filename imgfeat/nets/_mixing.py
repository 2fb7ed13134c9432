"""Mixup and CutMix: images of a batch, and their labels, mixed in pairs."""

import numpy as np


class Mixing:
    """Mix each image of a batch with another one of it.

    Parameters
    ----------
    mixup : float, default=0.0
        Both parameters of the beta distribution that shares are drawn from [1]_; 0 is
        none.
    cutmix : float, default=0.0
        The same for the area of a rectangle that is pasted from the other image [2]_.
        If both are positive, batches take one or the other.

    References
    ----------
    .. [1] H. Zhang et al., "mixup: beyond empirical risk minimization", ICLR 2018,
       :doi:`10.48550/arXiv.1710.09412`.
    .. [2] S. Yun et al., "CutMix", ICCV 2019, :doi:`10.1109/ICCV.2019.00612`.
    """

    def __init__(self, mixup=0.0, cutmix=0.0):
        self.mixup = mixup
        self.cutmix = cutmix

    def __call__(self, images, rng):
        """Mix a batch with itself, turned around by one.

        Parameters
        ----------
        images : Tensor of shape (n, 3, height, width)
            In any order, as batches are; values 0..255.
        rng : Generator of numpy

        Returns
        -------
        images : Tensor
        share : float
            Of each image's own label; the rest is that of image i - 1.
        """
        kinds = [kind for kind in ("mixup", "cutmix") if getattr(self, kind) > 0]
        if not kinds or len(images) < 2:
            return images, 1.0
        kind = kinds[rng.integers(len(kinds))]
        share = float(rng.beta(*[getattr(self, kind)] * 2))
        others = images.roll(1, 0)
        if kind == "mixup":
            return share * images.float() + (1 - share) * others.float(), share
        return _paste(images, others, share, rng)


def _paste(images, others, share, rng):
    height, width = images.shape[2:]
    # A rectangle with the shape of the image, of which the rest may lie outside.
    side = np.sqrt(1 - share)
    middle = rng.integers(height), rng.integers(width)
    spans = []
    for at, whole in zip(middle, (height, width), strict=True):
        half = int(side * whole) // 2
        spans.append(slice(max(0, at - half), min(whole, at + half)))
    images = images.clone()
    images[:, :, spans[0], spans[1]] = others[:, :, spans[0], spans[1]]
    area = np.prod([span.stop - span.start for span in spans])
    return images, 1 - float(area) / (height * width)

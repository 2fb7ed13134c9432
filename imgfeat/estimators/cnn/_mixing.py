"""Mixup and CutMix: images of a batch, and their labels, mixed in pairs."""

from imgfeat.nets.catalog._spec import library


def find_mixing(mixup, cutmix, n_classes):
    """Return what mixes each image of a batch with the one before it.

    Parameters
    ----------
    mixup : float
        Both parameters of the beta distribution that shares are drawn from [1]_; 0 is
        none.
    cutmix : float
        The same for the area of a rectangle that is pasted from the other image [2]_.
        If both are positive, batches take one or the other.
    n_classes : int

    Returns
    -------
    callable
        From images, (n, 3, height, width), in any order, and their labels, (n,), to
        images and shares of the classes, (n, n_classes); or to what it was given, if
        nothing is mixed. It draws from torch's global generator.

    References
    ----------
    .. [1] H. Zhang et al., "mixup: beyond empirical risk minimization", ICLR 2018,
       :doi:`10.48550/arXiv.1710.09412`.
    .. [2] S. Yun et al., "CutMix", ICCV 2019, :doi:`10.1109/ICCV.2019.00612`.
    """
    if not (mixup or cutmix):
        return unmixed
    v2 = library("torchvision.transforms.v2")
    kinds = [
        kind(alpha=alpha, num_classes=n_classes)
        for kind, alpha in ((v2.MixUp, mixup), (v2.CutMix, cutmix))
        if alpha
    ]
    mix = v2.RandomChoice(kinds)
    # A mean of images is none of whole numbers.
    return lambda images, labels: mix(images.float(), labels)


def unmixed(images, labels):
    """What `find_mixing` returns if nothing is mixed."""
    return images, labels

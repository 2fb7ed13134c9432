"""Augment a batch on its device, by torch: shifts, mirror images, colours, operations.

All that imports torch is here, so that nobody else in this room waits for it.
"""

import threading
from contextlib import contextmanager
from functools import lru_cache

import torch
from torchvision.transforms import v2

from imgfeat.preprocess._color_weights import color_weights

SHIFT = 8  # one part in this many, of height and of width
GRAY = 128  # what comes in from outside, as in the operations' first code
_LUMINANCE = 0.299, 0.587, 0.114

# torch has one global generator for all threads.
_turn = threading.Lock()


def augment_batch(policy, images, generator, *, translate, mirror):
    """`Policy.batch`, which says what it is.

    Parameters
    ----------
    policy : Policy
    images : torch.Tensor of shape (n, 3, height, width), uint8
    generator : torch.Generator
    translate, mirror : bool

    Returns
    -------
    torch.Tensor like `images`
    """
    n_images = len(images)
    if not n_images:
        return images
    mirrored = None
    if mirror and policy.mirrors:
        mirrored = _uniform(n_images, generator, images.device) < 0.5
    if translate and policy.least_area < 1:
        images = _shift(images, generator, mirrored)
    elif mirrored is not None:
        images = torch.where(mirrored[:, None, None, None], images.flip(3), images)
    if policy.color:
        images = _recolor(images, policy.color, generator)
    if policy.operations:
        images = _operate_on_each(images, policy.operations, generator)
    if policy.function:
        images = torch.stack([_call(policy, image) for image in images])
    return images


def operate_on_array(image, name, seed):
    """Random operations on one image; the same for the same seed.

    Parameters
    ----------
    image : ndarray of shape (height, width, 3), uint8
    name : {"randaugment", "trivialaugment"}
    seed : int

    Returns
    -------
    ndarray of the shape and dtype of `image`
    """
    pixels = torch.from_numpy(image).permute(2, 0, 1).contiguous()
    with _global_generator() as seeded:
        seeded(seed)
        pixels = _operations(name)(pixels)
    return pixels.permute(1, 2, 0).contiguous().numpy()


def _uniform(n_images, generator, device):
    """A number in [0, 1) an image, on `device`, wherever the generator is."""
    drawn = torch.rand(n_images, generator=generator, device=generator.device)
    return drawn.to(device)


def _shift(images, generator, mirrored):
    """Shift each image by its own steps down and across, and mirror some, in one go."""
    n_images, n_channels, height, width = images.shape
    rows = _shifted_places(height, n_images, generator, images.device)
    cols = _shifted_places(width, n_images, generator, images.device)
    if mirrored is not None:
        cols = torch.where(mirrored[:, None], cols.flip(1), cols)
    # One gather over whole images is three times as fast as one an axis.
    places = (rows[:, :, None] * width + cols[:, None, :]).view(n_images, 1, -1)
    flat = images.reshape(n_images, n_channels, -1)
    return flat.gather(2, places.expand(-1, n_channels, -1)).view(images.shape)


def _shifted_places(length, n_images, generator, device):
    """Where each pixel along one axis comes from, reflected at both ends."""
    reach = length // SHIFT
    steps = _uniform(n_images, generator, device).mul(2 * reach + 1).long()
    places = torch.arange(length, device=device) + (steps - reach)[:, None]
    return (length - 1) - ((length - 1) - places.abs()).abs()


def _recolor(images, reach, generator):
    factors = [
        1 + reach * (2 * _uniform(len(images), generator, images.device) - 1)
        for _ in range(3)
    ]
    a, b, c = (weight[:, None, None, None] for weight in color_weights(*factors))
    pixels = images.float()
    red, green, blue = pixels.split(1, dim=1)
    luminance = _LUMINANCE[0] * red + _LUMINANCE[1] * green + _LUMINANCE[2] * blue
    offset = b * luminance + c * luminance.mean(dim=(1, 2, 3), keepdim=True)
    return (pixels * a).add_(offset).round_().clamp_(0, 255).to(torch.uint8)


def _operate_on_each(images, name, generator):
    seeds = torch.randint(
        2**62, (len(images),), generator=generator, device=generator.device
    ).tolist()
    operations = _operations(name)
    found = torch.empty_like(images)
    # One at a time: every image has its own operations.
    with _global_generator() as seeded:
        for index, seed in enumerate(seeds):
            seeded(seed)
            found[index] = operations(images[index])
    return found


@lru_cache(maxsize=2)
def _operations(name):
    kind = {"randaugment": v2.RandAugment, "trivialaugment": v2.TrivialAugmentWide}
    return kind[name](interpolation=v2.InterpolationMode.BILINEAR, fill=GRAY)


@contextmanager
def _global_generator():
    """Lend torch's global generator; yields the function that seeds it.

    ``torch.manual_seed`` would also seed every device's.
    """
    with _turn, torch.random.fork_rng(devices=[]):
        yield torch.default_generator.manual_seed


def _call(policy, image):
    pixels = image.permute(1, 2, 0).cpu().contiguous().numpy()
    found = torch.from_numpy(policy.call_function(pixels).copy())
    return found.permute(2, 0, 1).to(image.device)

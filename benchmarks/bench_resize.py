"""Images per second of resizing against Pillow, torchvision and scikit-image.

All get the same photograph in memory as uint8, antialiased and with the bilinear
filter, in one thread and in turn. Pillow's image is made before; back to an array it
goes in the time, as ours is one. Ours equals Pillow but for rare pixels, which differ
by a level (checked here before anything is timed). torchvision rounds in its own way,
and scikit-image smooths with a Gaussian, so those are races to the same size, not to
the same pixels. OpenCV has no bilinear filter that counts every pixel: its INTER_AREA
is the nearest thing, and a simpler one.

python -m benchmarks.bench_resize --json benchmarks/results/bench_resize.json
"""

import argparse

import cv2
import numpy as np
import skimage.data
import skimage.transform
import torch
from PIL import Image
from torchvision.transforms.v2.functional import resize as resize_with_torch

from benchmarks._timing import race, save
from imgfeat.kernels.resize import resize

# Height and width before and after, in pixels.
CASES = [
    ((375, 500), (224, 224)),
    ((375, 500), (256, 341)),
    ((1500, 2000), (224, 224)),
    ((3000, 4000), (300, 400)),
    ((224, 224), (128, 128)),
    ((32, 32), (224, 224)),
]


def photograph(size, n_channels):
    """A photograph of a size."""
    photo = resize(skimage.data.astronaut(), size, interpolation="bicubic")
    return np.ascontiguousarray(photo if n_channels == 3 else photo[..., 1])


def with_skimage(photo, size):
    found = skimage.transform.resize(photo, size, anti_aliasing=True)
    return (255 * found).astype(np.uint8)


def compete(before, after, n_channels):
    photo = photograph(before, n_channels)
    pillow = Image.fromarray(photo)
    planes = photo[np.newaxis] if n_channels == 1 else photo.transpose(2, 0, 1)
    tensor = torch.from_numpy(np.ascontiguousarray(planes))

    def with_pillow():
        return np.asarray(pillow.resize(after[::-1], Image.Resampling.BILINEAR))

    off = np.abs(resize(photo, after).astype(int) - with_pillow()).max()
    assert off <= 1, f"pixels differ from Pillow's by {off} levels"
    kind = "RGB" if n_channels == 3 else "gray"
    case = f"{before[0]} x {before[1]} to {after[0]} x {after[1]}, {kind}"
    contenders = {
        "imgfeat": (1, lambda: resize(photo, after)),
        "Pillow": (1, with_pillow),
        "torchvision": (
            1,
            lambda: resize_with_torch(tensor, list(after), antialias=True),
        ),
        "OpenCV, INTER_AREA": (
            1,
            lambda: cv2.resize(photo, after[::-1], interpolation=cv2.INTER_AREA),
        ),
    }
    if before[0] <= 500:
        contenders["scikit-image"] = (1, lambda: with_skimage(photo, after))
    return race(case, contenders)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="PATH", help="also save the results here")
    args = parser.parse_args()

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    results = [row for case in CASES for n in (1, 3) for row in compete(*case, n)]
    if args.json:
        save(args.json, results)


if __name__ == "__main__":
    main()

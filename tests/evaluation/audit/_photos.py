"""Pieces of the photographs that ship with scikit-image and scikit-learn."""

import functools

import numpy as np
import skimage.data
from sklearn.datasets import load_sample_images

SIZE = (120, 160)  # pixels


@functools.cache
def photos():
    """Twelve photos of `SIZE`, RGB, no two of one thing."""
    whole = [skimage.data.astronaut(), skimage.data.chelsea(), skimage.data.coffee()]
    whole += [skimage.data.stereo_motorcycle()[0], *load_sample_images().images]
    height, width = SIZE
    found = []
    for picture in whole:
        bottom, right = picture.shape[0] - height, picture.shape[1] - width
        for top, left in ((bottom // 3, right // 4), (bottom * 2 // 3, right * 3 // 4)):
            found.append(picture[top : top + height, left : left + width])
    found = np.array(found)
    found.flags.writeable = False
    return found

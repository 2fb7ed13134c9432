"""People, who are noise, and images of them, with more noise."""

import numpy as np

from imgfeat.estimators import PairVerifier
from imgfeat.features import HOG


def people(n_people=16, n_images=4, noise=12, seed=0):
    """Images of 16 x 16 pixels, and whose they are."""
    rng = np.random.default_rng(seed)
    faces = rng.integers(60, 196, (n_people, 16, 16))
    who = np.repeat(np.arange(n_people), n_images)
    images = faces[who] + rng.normal(0, noise, (len(who), 16, 16))
    return images.clip(0, 255).astype(np.uint8), who


def verifier(**options):
    hog = HOG(pixels_per_cell=(4, 4), cells_per_block=(1, 1))
    return PairVerifier(hog, **{"false_accept_rate": 0.05} | options)

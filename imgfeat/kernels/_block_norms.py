"""How blocks of HOG are divided by their length, with scikit-image's constants."""

import numpy as np

from imgfeat.kernels._hog_votes import compiled

BLOCK_NORMS = ("L1", "L1-sqrt", "L2", "L2-Hys")
EPS = 1e-5
CLIP = 0.2


@compiled
def invert(energy, norm):
    """Turn sums into the factors that divide by the L1 or the L2 norm."""
    for k in range(len(energy)):
        if norm < 2:
            energy[k] = 1 / (energy[k] + EPS)
        else:
            energy[k] = 1 / np.sqrt(energy[k] + EPS**2)

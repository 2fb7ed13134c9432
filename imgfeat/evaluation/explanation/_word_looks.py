"""What each local descriptor adds to the decision of a linear classifier."""

import cv2
import numpy as np

from imgfeat.evaluation.explanation._look_of_image import Look
from imgfeat.evaluation.explanation._seen_part import part_behind
from imgfeat.evaluation.explanation._tail import Tail
from imgfeat.features import DenseSIFT

# Deviation of the spot that a keypoint of unknown size leaves, in pixels that it saw.
_SPOT = 4.0


class WordLooks:
    """Looks into a pipeline whose middle is a local feature and a vocabulary.

    Parameters
    ----------
    parts : Parts
    """

    batch_size = 64

    def __init__(self, parts):
        self._front = parts.front
        self._feature, self._vocabulary = parts.middle
        self._tail = Tail(parts.tail)

    def is_exact(self, given):
        """Whether all is a sum over descriptors."""
        if not self._vocabulary.is_sum:
            return False
        rows = self._vocabulary.transform(self._feature.transform(given[:1]))
        return self._tail.is_linear(rows.shape[1])

    def look(self, images, given, columns):
        """Look at some images; as `NetLooks.look`."""
        descriptors = self._feature.transform(given)
        rows = self._vocabulary.transform(descriptors).astype(np.float64)
        columns = self._tail.choose(rows) if columns is None else columns
        slopes, constants, decisions = self._tail.form(rows, columns)
        votes = self._vocabulary.votes(descriptors, rows, slopes)
        found = []
        for i, image in enumerate(images):
            part = part_behind(self._front, image.shape)
            first, last = descriptors.offsets[[i, i + 1]]
            places = part.to_image(descriptors.positions[first:last] * part.size)
            whole = _spots(places, votes[i], image.shape[:2], self._spot(part))
            whole += constants[i] / whole.size
            points = np.column_stack([places, votes[i]])
            whole = whole.astype(np.float32)
            found.append(Look(whole, columns[i], decisions[i], points=points))
        return found

    def _spot(self, part):
        """Deviation of spots, down and across, in pixels of the image."""
        seen = _SPOT
        if isinstance(self._feature, DenseSIFT):
            seen = float(np.mean(self._feature.bin_size))
        return [seen * scale for scale in part.scale]


def _spots(places, values, shape, deviations):
    """An image of spots whose sum is that of the values."""
    whole = np.zeros(shape, dtype=np.float32)
    pixels = np.clip(places.astype(np.intp), 0, np.array(shape) - 1)
    np.add.at(whole, (pixels[:, 0], pixels[:, 1]), values)
    # At the border spots are reflected, which keeps the sum.
    down, across = deviations
    border = cv2.BORDER_REFLECT
    return cv2.GaussianBlur(whole, (0, 0), across, sigmaY=down, borderType=border)

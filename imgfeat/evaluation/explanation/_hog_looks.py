"""What each cell of gradients adds to the decision of a linear classifier."""

import numpy as np

from imgfeat.estimators._linear_form import mean_features
from imgfeat.evaluation.explanation._look_of_image import Look
from imgfeat.evaluation.explanation._seen_part import part_behind
from imgfeat.evaluation.explanation._tail import Tail

# Strokes that are shorter than this, of the longest, are left out.
_LEAST = 0.1


class HOGLooks:
    """Looks into a pipeline whose middle is a `HOG`.

    Parameters
    ----------
    parts : Parts
    """

    batch_size = 64

    def __init__(self, parts):
        self._front = parts.front
        (self._hog,) = parts.middle
        self._tail = Tail(parts.tail)

    def is_exact(self, given):
        """Whether the classifier is linear in the features."""
        return self._tail.is_linear(self._rows(given[:1]).shape[1])

    def look(self, images, given, columns):
        """Look at some images; as `NetLooks.look`."""
        rows = self._rows(given)
        columns = self._tail.choose(rows) if columns is None else columns
        slopes, constants, decisions = self._tail.form(rows, columns)
        mean = mean_features(self._tail.steps, rows.shape[1])
        rest = constants + slopes @ mean
        found = []
        for i, image in enumerate(images):
            bins = self._by_cell(slopes[i] * (rows[i] - mean), given[i].shape)
            height, width = self._hog.pixels_per_cell
            part = part_behind(self._front, image.shape)
            part = part.cut((bins.shape[0] * height, bins.shape[1] * width))
            cells = bins.sum(axis=2)
            cells += rest[i] / cells.size
            whole = part.spread(cells, image.shape[:2]).astype(np.float32)
            strokes = _strokes(bins, part)
            found.append(Look(whole, columns[i], decisions[i], strokes=strokes))
        return found

    def _rows(self, given):
        return self._hog.transform(np.stack(given)).astype(np.float64)

    def _by_cell(self, values, shape):
        """Features as (cell rows, cell columns, orientations), summed over blocks."""
        (tall, wide), size = self._hog.cells_per_block, self._hog.pixels_per_cell
        n_rows, n_cols = (shape[k] // size[k] for k in range(2))
        blocks = n_rows - tall + 1, n_cols - wide + 1
        values = values.reshape(*blocks, tall, wide, self._hog.orientations)
        cells = np.zeros((n_rows, n_cols, self._hog.orientations))
        for row in range(tall):
            for col in range(wide):
                here = slice(row, row + blocks[0]), slice(col, col + blocks[1])
                cells[here] += values[:, :, row, col]
        return cells


def _strokes(bins, part):
    """Edges, across their gradients: where they are in the image, and their value."""
    n_rows, n_cols, n_bins = bins.shape
    most = np.abs(bins).max()
    row, col, k = np.nonzero(np.abs(bins) > _LEAST * most)
    values = bins[row, col, k]
    cell = part.size[0] / n_rows, part.size[1] / n_cols
    middle = np.stack([(row + 0.5) * cell[0], (col + 0.5) * cell[1]], axis=1)
    angle = (k + 0.5) * np.pi / n_bins
    half = min(cell) / 2 * np.sqrt(np.abs(values) / (most or 1.0))
    along = half[:, None] * np.stack([np.cos(angle), -np.sin(angle)], axis=1)
    ends = [part.to_image(middle + sign * along) for sign in (-1, 1)]
    return np.column_stack([*ends, values])

"""Windows judged by HOG and a linear classifier, from blocks that they share.

Blocks are computed once for a whole image, and multiplied at once with the weights that
a window has for each of its blocks. A window that is cut out has no pixels beyond its
edges, which changes the cells along them: there the blocks are others, of other kinds
of cells, and so every score is what the pipeline makes of the window by itself.
"""

from collections import defaultdict
from itertools import product

import numpy as np
from sklearn.preprocessing import Normalizer

from imgfeat.estimators._linear_form import NotLinearError, linear_form
from imgfeat.estimators._plain_steps import has_threshold, list_steps
from imgfeat.features import HOG
from imgfeat.kernels._block_norms import BLOCK_NORMS
from imgfeat.kernels.hog import level_cells
from imgfeat.kernels.window_scores import add_blocks, cell_energies
from imgfeat.preprocess import Grayscale
from imgfeat.sources import ImageReader

# Along the first of the cells of a window runs its first edge, along the last its last;
# a window of one cell has both.
_EDGES = [(False, False), (True, False), (False, True), (True, True)]


def hog_windows(pipeline, window, step):
    """`HogWindows` of a pipeline, or None if it is of another kind.

    It must consist of steps that work pixel by pixel, `HOG` without ``transform_sqrt``
    and with cells of 2 pixels and more, linear steps and a linear classifier.

    Parameters
    ----------
    pipeline : fitted classifier of images
    window, step : tuple of (int, int)
    """
    if not hasattr(pipeline, "decision_function") or has_threshold(pipeline):
        return None
    steps = list_steps(pipeline)
    place = next((i for i, one in enumerate(steps) if type(one) is HOG), None)
    if place is None:
        return None
    front, hog, tail = steps[:place], steps[place], steps[place + 1 :]
    is_alike = all(_is_pixelwise(one, window) for one in front)
    if not is_alike or not tail or any(isinstance(one, Normalizer) for one in tail):
        return None
    params = hog._kernel_params()
    too_many = params["orientations"] > 256
    if params["transform_sqrt"] or min(params["pixels_per_cell"]) < 2 or too_many:
        return None
    n_features = np.prod(hog._count_blocks(window)) * params["orientations"]
    n_features *= np.prod(params["cells_per_block"])
    n_classes = len(pipeline.classes_)
    columns = np.arange(n_classes) if n_classes > 2 else np.array([1])
    try:
        form = linear_form(tail, np.zeros((len(columns), n_features)), columns)
    except NotLinearError:
        return None
    return HogWindows(front, params, *form, window, step)


def _is_pixelwise(step, window):
    """Whether a step makes of a window what it makes of the pixels around it, too."""
    if type(step) is ImageReader:
        size = step.size
        size = (size, size) if isinstance(size, int) else size
        return size is None or tuple(size) == tuple(window)
    return type(step) is Grayscale


class HogWindows:
    """Scores of windows by HOG and a linear rule.

    Parameters
    ----------
    front : list of fitted transformer
        Pixel by pixel.
    params : dict
        Of the kernel of HOG.
    slopes : ndarray of shape (n_decisions, n_features)
    constants : ndarray of shape (n_decisions,)
    window, step : tuple of (int, int)
    """

    def __init__(self, front, params, slopes, constants, window, step):
        self._front = [
            one.__class__(**one.get_params() | {"size": None})
            if isinstance(one, ImageReader)
            else one
            for one in front
        ]
        self._cell = params["pixels_per_cell"]
        self._orientations = params["orientations"]
        self._norm = BLOCK_NORMS.index(params["block_norm"])
        self._constants = np.asarray(constants, dtype=np.float64)
        self._window = window
        self._step = step
        self._cells = [window[k] // self._cell[k] for k in (0, 1)]
        block = params["cells_per_block"]
        self._blocks = [self._cells[k] - block[k] + 1 for k in (0, 1)]
        # Pixels that no cell has lie between the last cell and the edge of the window.
        is_whole = [window[k] % self._cell[k] == 0 for k in (0, 1)]
        down, across = (_edges_of_cells(self._cells[k], is_whole[k]) for k in (0, 1))
        self._kinds = list(product(sorted(set(down)), sorted(set(across))))
        self._edges = np.array(
            [_EDGES[row] + _EDGES[col] for row, col in self._kinds], dtype=bool
        )
        self._patterns = self._gather(down, across, block, slopes)
        # Windows begin at as many places within a cell as steps reach.
        self._starts = [
            sorted({k * step[axis] % self._cell[axis] for k in range(self._cell[axis])})
            for axis in (0, 1)
        ]

    def _gather(self, down, across, block, slopes):
        """Of each pattern of kinds in a block: where in a window it is, and weights."""
        length = np.prod(block) * self._orientations
        weights = slopes.reshape(len(slopes), *self._blocks, length)
        places = defaultdict(list)
        for row, col in np.ndindex(*self._blocks):
            rows = down[row : row + block[0]]
            cols = across[col : col + block[1]]
            places[tuple(rows), tuple(cols)].append((row, col))
        patterns = []
        for (rows, cols), found in places.items():
            kinds = [[self._kinds.index((row, col)) for col in cols] for row in rows]
            of_places = [weights[:, row, col] for row, col in found]
            matrix = np.concatenate(of_places).astype(np.float32)
            patterns.append((np.array(kinds), np.array(found), matrix))
        return patterns

    def score(self, image):
        """Decisions about every window, as the pipeline makes them, or None.

        Parameters
        ----------
        image : ndarray of shape (height, width[, 3])
            A window fits into it.

        Returns
        -------
        ndarray of shape (n_windows, n_classes), float64
            Row by row. None if pixels have no 8 bits, whose gradients no table has.
        """
        for step in self._front:
            image = step.transform([image])[0]
        if image.dtype != np.uint8:
            return None
        grid = [(image.shape[k] - self._window[k]) // self._step[k] + 1 for k in (0, 1)]
        decisions = np.empty((len(self._constants), *grid))
        decisions[:] = self._constants[:, None, None]
        for starts in product(*self._starts):
            self._score_from(image, starts, decisions)
        decisions = decisions.reshape(len(self._constants), -1).T
        return decisions * [-1, 1] if decisions.shape[1] == 1 else decisions

    def _score_from(self, image, starts, decisions):
        """Add to the decisions about windows that begin so far into a cell."""
        own, first, stride = [], [], []
        for k in (0, 1):
            places = np.arange(decisions.shape[1 + k]) * self._step[k]
            mine = np.flatnonzero(places % self._cell[k] == starts[k])
            if not len(mine):
                return
            own.append(mine)
            cells = places[mine] // self._cell[k]
            first.append(cells[0])
            stride.append(int(cells[1] - cells[0]) if len(cells) > 1 else 1)
        cells = level_cells(
            np.ascontiguousarray(image[starts[0] :, starts[1] :]),
            orientations=self._orientations,
            pixels_per_cell=self._cell,
            edges=self._edges,
        )
        total = np.zeros((len(decisions), len(own[0]), len(own[1])))
        energies = cell_energies(cells, self._norm)
        where = tuple(first), tuple(stride)
        for kinds, places, weights in self._patterns:
            add_blocks(
                cells, energies, kinds, self._norm, weights, places, *where, total
            )
        decisions[:, own[0][:, None], own[1]] += total


def _edges_of_cells(n_cells, is_whole):
    """Which of `_EDGES` run along each cell of a window, in one direction."""
    last = n_cells - 1
    return [(k == 0) + 2 * (k == last and is_whole) for k in range(n_cells)]

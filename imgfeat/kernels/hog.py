"""Histograms of oriented gradients of a whole batch, equal to scikit-image's.

Two passes over each image: its pixels vote into cells, then blocks of cells are
normalised. What decides a bin is always scikit-image's own arithmetic: 8-bit images
look it up in a table, floats are binned by a polynomial, and the few pixels that lie
too close to the edge of a bin for it are binned by numpy afterwards.
"""

import math
from functools import lru_cache

import numpy as np

from imgfeat._threads import map_threads, row_slices
from imgfeat.kernels._block_norms import BLOCK_NORMS, CLIP, invert
from imgfeat.kernels._hog_edges import cells_at_edges
from imgfeat.kernels._hog_votes import REACH, STRIDE, vote_bytes, vote_floats
from imgfeat.kernels._jit import njit
from imgfeat.kernels.simd import LANES

# Images are voted in chunks of so many pixels: histograms stay in the cache, and the
# memory beside the result does not grow with the batch.
_CHUNK_PIXELS = 2**18


def hog(
    images,
    *,
    orientations,
    pixels_per_cell,
    cells_per_block,
    block_norm,
    transform_sqrt,
    n_threads=1,
):
    """Describe images by histograms of gradient directions.

    Parameters
    ----------
    images : ndarray of shape (n, height, width) or (n, height, width, 3)
        uint8, uint16, float32 or float64; C-contiguous, finite.
    orientations : int
        Bins over the half circle.
    pixels_per_cell, cells_per_block : (int, int)
        Down and across; at least one block fits into an image.
    block_norm : {"L1", "L1-sqrt", "L2", "L2-Hys"}
    transform_sqrt : bool
        Take the square root of each pixel first; no pixel is negative then.
    n_threads : int, default=1
        Threads that share the images.

    Returns
    -------
    ndarray of shape (n, block_rows, block_cols, cell_rows, cell_cols, orientations)
        float32. The cells are those of the block.
    """
    n, height, width = images.shape[:3]
    cells = height // pixels_per_cell[0], width // pixels_per_cell[1]
    blocks = [c - b + 1 for c, b in zip(cells, cells_per_block, strict=True)]
    features = np.empty((n, *blocks, *cells_per_block, orientations), np.float32)
    # Cells of one block row lie side by side in the histogram: one run of numbers.
    run = cells_per_block[1] * orientations
    runs = features.reshape(n, *blocks, cells_per_block[0], run)
    norm = BLOCK_NORMS.index(block_norm)
    chunk = max(1, _CHUNK_PIXELS // (height * width))

    def describe(rows):
        histogram = np.empty((min(chunk, n), *cells, orientations))
        for start in range(rows.start, rows.stop, chunk):
            some = slice(start, min(start + chunk, rows.stop))
            part = histogram[: some.stop - some.start]
            _vote(images[some], part, pixels_per_cell, transform_sqrt)
            _normalize(part, cells_per_block, norm, runs[some])

    # More parts than threads: whoever is held up leaves the rest to the others.
    n_parts = 1 if n_threads == 1 else max(n_threads, min(8 * n_threads, n // chunk))
    map_threads(describe, row_slices(n, n_parts), n_threads)
    return features


def cell_histograms(images, *, orientations, pixels_per_cell, transform_sqrt):
    """Mean gradient magnitude per direction in each cell, before blocks normalise it.

    Parameters are those of `hog`.

    Returns
    -------
    ndarray of shape (n, cell_rows, cell_cols, orientations), float64
    """
    cells = np.array(images.shape[1:3]) // pixels_per_cell
    histogram = np.empty((len(images), *cells, orientations))
    _vote(images, histogram, pixels_per_cell, transform_sqrt)
    return histogram


def level_cells(image, *, orientations, pixels_per_cell, edges):
    """Histograms of all cells of an image, as windows have them that are cut from it.

    A window ends at its edges: gradients across one are zero along it. So a cell that
    several windows share is another in the middle of one and at the edge of another.

    Parameters
    ----------
    image : ndarray of shape (height, width) or (height, width, 3)
        uint8, of any size that a cell fits into.
    orientations : int
        256 at most.
    pixels_per_cell : (int, int)
        2 at least.
    edges : ndarray of bool of shape (n_kinds, 4)
        Whether an edge of the window runs along the top, the bottom, the left and the
        right of a cell of each kind.

    Returns
    -------
    ndarray of shape (n_kinds, cell_rows, orientations, cell_cols + LANES), float32
        Columns beyond those of cells are zero.
    """
    rows, cols = (image.shape[k] // pixels_per_cell[k] for k in (0, 1))
    kinds = np.zeros((len(edges), rows, orientations, cols + LANES), np.float32)
    table = bin_table(orientations)
    cells_at_edges(image, pixels_per_cell, table, edges, kinds)
    return kinds


def _vote(images, histogram, pixels_per_cell, transform_sqrt):
    """Fill the histogram of every cell: mean gradient magnitude per direction."""
    orientations = histogram.shape[3]
    if images.dtype == np.uint8 and not transform_sqrt and orientations <= 256:
        vote_bytes(images, pixels_per_cell, bin_table(orientations), histogram)
        return
    # scikit-image's casting: only float32 stays float32.
    like = np.empty(0, np.float32 if images.dtype == np.float32 else np.float64)
    n_pixels = math.prod(images.shape[:3])
    undecided = np.empty(n_pixels, np.int32), *np.empty((2, n_pixels))
    settings = pixels_per_cell, transform_sqrt, like, compass_bins(orientations)
    none = np.empty(0, np.int32)
    n_undecided = vote_floats(images, *settings, none, undecided, histogram)
    if n_undecided:
        image, d_row, d_col = (column[:n_undecided] for column in undecided)
        bins = exact_bin(d_row, d_col, orientations)
        # Sums depend on their order, so these images vote once more from the start.
        again = np.unique(image)
        recount = np.empty((len(again), *histogram.shape[1:]))
        vote_floats(images[again], *settings, bins, undecided, recount)
        histogram[again] = recount


def exact_bin(d_row, d_col, orientations):
    """scikit-image's bin of each gradient; -1 where rounding leaves it in none."""
    degrees = np.rad2deg(np.arctan2(d_row, d_col)) % 180
    edges = 180.0 / orientations * np.arange(orientations + 1)
    bins = np.searchsorted(edges, degrees, side="right") - 1
    return np.where(bins < orientations, bins, -1).astype(np.int32)


@lru_cache(maxsize=16)
def bin_table(orientations):
    """Bins of all gradients of 8-bit images, by ``d_row * 512 + d_col``, shifted."""
    d_row, d_col = np.mgrid[-REACH : REACH + 1, -STRIDE // 2 : STRIDE // 2] * 1.0
    bins = exact_bin(d_row.ravel(), d_col.ravel(), orientations)
    return bins.astype(np.uint8)


@lru_cache(maxsize=16)
def compass_bins(orientations):
    """Bins of the eight directions that real images hold in masses, by signs + 1."""
    d_row, d_col = np.mgrid[-1:2, -1:2] * 1.0
    return exact_bin(d_row.ravel(), d_col.ravel(), orientations).reshape(3, 3)


@njit(error_model="numpy", fastmath={"reassoc", "contract"})
def _normalize(histogram, cells_per_block, norm, blocks):
    """Write every block of cells, scaled by its own length."""
    n, cell_rows, cell_cols, orientations = histogram.shape
    block_rows, block_cols = blocks.shape[1:3]
    height, width = cells_per_block
    run = width * orientations
    energy = np.empty((cell_rows, cell_cols))
    # A row of blocks at a time, so that roots and quotients are vectors.
    scale = np.empty(block_cols)
    rescale = np.ones(block_cols)
    for i in range(n):
        rows = histogram[i].reshape(cell_rows, cell_cols * orientations)
        for row in range(cell_rows):
            for col in range(cell_cols):
                total = 0.0
                for value in histogram[i, row, col]:
                    total += value if norm < 2 else value * value
                energy[row, col] = total
        for row in range(block_rows):
            for col in range(block_cols):
                total = 0.0
                for cell in range(height):
                    for step in range(width):
                        total += energy[row + cell, col + step]
                scale[col] = total
            invert(scale, norm)
            if norm == 3:
                for col in range(block_cols):
                    factor, total = scale[col], 0.0
                    for cell in range(height):
                        values = rows[row + cell, col * orientations :][:run]
                        for k in range(run):
                            value = min(values[k] * factor, CLIP)
                            total += value * value
                    rescale[col] = total
                invert(rescale, norm)
            clip = CLIP if norm == 3 else np.inf
            for col in range(block_cols):
                factor, again = scale[col], rescale[col]
                for cell in range(height):
                    values = rows[row + cell, col * orientations :][:run]
                    out = blocks[i, row, col, cell]
                    if norm == 1:
                        for k in range(run):
                            out[k] = np.sqrt(values[k] * factor)
                    else:
                        for k in range(run):
                            out[k] = min(values[k] * factor, clip) * again

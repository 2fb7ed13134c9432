"""Local descriptors against a vocabulary: nearest words, codes, VLAD's sums."""

from typing import NamedTuple

import numpy as np

from imgfeat.kernels.simd import (
    LANES,
    highest,
    jit,
    load,
    lowest_bit,
    maximum,
    splat,
    where_above,
)
from imgfeat.kernels.tiles import TILE, in_blocks, load_tile, multiply_tile, padded

# Below every score that finite descriptors have: what pads the words to full registers.
_NEVER = np.float32(-1e38)
# Of a score, in units of the squared lengths that it is made of.
_ROUNDING = np.float32(1e-6)
# Of the squared lengths of a descriptor and its word: k-means in float32 leaves words
# off the means of equal descriptors by some 1e-5 of their lengths.
_ON_WORD = np.float32(1e-8)


class WordTables(NamedTuple):
    """Words in the order that the kernels read them; see `word_tables`."""

    words: np.ndarray
    center: np.ndarray
    blocks: np.ndarray
    bias: np.ndarray


def word_tables(words):
    """Lay words out for the functions below.

    Parameters
    ----------
    words : ndarray of shape (n_words, n_dims), float32

    Returns
    -------
    WordTables
    """
    # Distances to words are the same from any origin; from the middle of the words
    # the numbers are small and float32 holds them best.
    center = words.mean(axis=0, dtype=np.float64)
    shifted = words - center
    bias = np.full(padded(len(words)), _NEVER, dtype=np.float32)
    bias[: len(words)] = -0.5 * np.einsum("kd,kd->k", shifted, shifted)
    return WordTables(
        np.ascontiguousarray(words, dtype=np.float32),
        center.astype(np.float32),
        in_blocks(shifted),
        bias,
    )


def nearest_words(values, tables):
    """Find the word nearest to each descriptor.

    Parameters
    ----------
    values : ndarray of shape (n_descriptors, n_dims), float32
        C-contiguous, finite.
    tables : WordTables

    Returns
    -------
    ndarray of shape (n_descriptors,), int32
    """
    labels = np.empty(len(values), dtype=np.int32)
    _nearest(values, *tables, labels)
    return labels


def neighbor_words(values, tables, n_neighbors):
    """Find the `n_neighbors` words nearest to each descriptor.

    Returns
    -------
    labels : ndarray of shape (n_descriptors, n_neighbors), int32
        Nearest first.
    squared : ndarray of shape (n_descriptors, n_neighbors), float32
        Squared distances.
    """
    labels = np.zeros((len(values), n_neighbors), dtype=np.int32)
    squared = np.empty((len(values), n_neighbors), dtype=np.float32)
    _neighbors(values, *tables, labels, squared)
    return labels, squared


def llc_weights(values, labels, words, regularization):
    """Weigh the words in `labels` so that they rebuild the descriptor.

    The approximated locality-constrained linear coding of Wang et al. (2010), section
    3: weights of sum one that minimize the distance from the descriptor to the weighted
    sum of its words.

    Parameters
    ----------
    values : ndarray of shape (n_descriptors, n_dims), float32
    labels : ndarray of shape (n_descriptors, n_neighbors), int32
    words : ndarray of shape (n_words, n_dims), float32
    regularization : float
        Added to the diagonal of the covariance, in units of its trace.

    Returns
    -------
    ndarray of shape (n_descriptors, n_neighbors), float32
    """
    offsets = (words[labels] - values[:, None]).astype(np.float64)
    covariance = offsets @ offsets.transpose(0, 2, 1)
    trace = np.trace(covariance, axis1=1, axis2=2)
    # A descriptor that is a word several times over has no trace to take a part of.
    ridge = np.where(trace > 0, regularization * trace, 1.0)
    diagonal = np.arange(labels.shape[1])
    covariance[:, diagonal, diagonal] += ridge[:, None]
    weights = np.linalg.solve(covariance, np.ones((*labels.shape, 1)))[..., 0]
    weights /= weights.sum(axis=1, keepdims=True)
    return weights.astype(np.float32)


def sum_codes(labels, weights, cells, n_cells, n_words):
    """Add up the weight that each word gets in each cell of the image.

    Parameters
    ----------
    labels : ndarray of shape (n_descriptors, n_neighbors), int32
    weights : ndarray of shape (n_descriptors, n_neighbors), float32
    cells : ndarray of shape (n_levels, n_descriptors), int32
        The cell that a descriptor belongs to at each level of the pyramid.

    Returns
    -------
    ndarray of shape (n_cells, n_words), float32
    """
    out = np.zeros((n_cells, n_words), dtype=np.float32)
    _sum_codes(labels, weights, cells, out)
    return out


def max_codes(labels, weights, cells, n_cells, n_words):
    """As `sum_codes`, with the largest weight in place of the sum; at least zero."""
    out = np.zeros((n_cells, n_words), dtype=np.float32)
    _max_codes(labels, weights, cells, out)
    return out


def count_words(labels, cells, n_cells, n_words):
    """Count the descriptors of each word in each cell: hard assignment.

    Parameters
    ----------
    labels : ndarray of shape (n_descriptors,), int32
    cells : ndarray of shape (n_levels, n_descriptors), int32

    Returns
    -------
    ndarray of shape (n_cells, n_words), float32
    """
    out = np.zeros((n_cells, n_words), dtype=np.float32)
    _count(labels, cells, out)
    return out


def vlad_sums(values, labels, words, cells, n_cells):
    """Sum, for each word and cell, what separates its descriptors from the word.

    A descriptor that lies on its word but for rounding adds nothing: normalized later,
    the rounding would become a vector of unit length.

    Returns
    -------
    ndarray of shape (n_cells, n_words, n_dims), float32
    """
    out = np.zeros((n_cells, *words.shape), dtype=np.float32)
    _sum_residuals(values, labels, words, cells, _are_off(values, labels, words), out)
    return out


@jit
def _squared_distance(values, row, words, word):
    total = np.float32(0)
    for dim in range(words.shape[1]):
        difference = values[row, dim] - words[word, dim]
        total += difference * difference
    return total


@jit
def _nearest(values, words, center, blocks, bias, labels):
    tile = np.empty((TILE, len(center)), dtype=np.float32)
    scores = np.empty((TILE, len(bias)), dtype=np.float32)
    longest = np.float32(-2) * bias[: len(words)].min()
    for first in range(0, len(values), TILE):
        load_tile(values, first, center, tile)
        # x . word - |word|^2 / 2, which falls with the distance to the word
        multiply_tile(tile, blocks, bias, scores)
        for lane in range(min(TILE, len(values) - first)):
            start, stop = lane * len(bias), (lane + 1) * len(bias)
            best = load(scores, start)
            for at in range(start + LANES, stop, LANES):
                best = maximum(best, load(scores, at))
            length = np.float32(0)
            for dim in range(len(center)):
                length += tile[lane, dim] * tile[lane, dim]
            # The scores are rounded. Words this near the best are measured again, so
            # that a tie is decided by the distances as anyone would compute them.
            low = splat(highest(best) - _ROUNDING * (length + longest))
            row, found, least = first + lane, -1, np.float32(-1)
            for at in range(start, stop, LANES):
                near = where_above(load(scores, at), low)
                while near:
                    word = at - start + lowest_bit(near)
                    near &= near - np.uint64(1)
                    if found < 0:
                        found = word
                        continue
                    if least < 0:
                        least = _squared_distance(values, row, words, found)
                    distance = _squared_distance(values, row, words, word)
                    if distance < least:
                        found, least = word, distance
            if found < 0:
                found = _first_of_highest(scores[lane], words)
            labels[row] = found


@jit
def _first_of_highest(scores, words):
    """The word to take where the limit is no lower than the scores: all are the same.

    As those of words that are equal, or of one word and a descriptor, at the origin.
    """
    found = 0
    for word in range(1, len(words)):
        if scores[word] > scores[found]:
            found = word
    return found


@jit
def _neighbors(values, words, center, blocks, bias, labels, squared):
    last = labels.shape[1] - 1
    tile = np.empty((TILE, len(center)), dtype=np.float32)
    scores = np.empty((TILE, len(bias)), dtype=np.float32)
    top = np.empty(labels.shape[1], dtype=np.float32)
    for first in range(0, len(values), TILE):
        load_tile(values, first, center, tile)
        multiply_tile(tile, blocks, bias, scores)
        for lane in range(min(TILE, len(values) - first)):
            row, start = first + lane, lane * len(bias)
            # Insertion into a short sorted list: after the first few words hardly any
            # is good enough.
            top[:] = _NEVER
            for at in range(0, len(bias), LANES):
                near = where_above(load(scores, start + at), splat(top[last]))
                while near:
                    word = at + lowest_bit(near)
                    near &= near - np.uint64(1)
                    score, place = scores[lane, word], last
                    if score <= top[last]:
                        continue
                    while place > 0 and score > top[place - 1]:
                        top[place] = top[place - 1]
                        labels[row, place] = labels[row, place - 1]
                        place -= 1
                    top[place] = score
                    labels[row, place] = word
            for place in range(last + 1):
                squared[row, place] = _squared_distance(
                    values, row, words, labels[row, place]
                )


@jit
def _count(labels, cells, out):
    for level in range(len(cells)):
        for row in range(len(labels)):
            out[cells[level, row], labels[row]] += 1


@jit
def _sum_codes(labels, weights, cells, out):
    for level in range(len(cells)):
        for row in range(len(labels)):
            cell = out[cells[level, row]]
            for place in range(labels.shape[1]):
                cell[labels[row, place]] += weights[row, place]


@jit
def _max_codes(labels, weights, cells, out):
    for level in range(len(cells)):
        for row in range(len(labels)):
            cell = out[cells[level, row]]
            for place in range(labels.shape[1]):
                word = labels[row, place]
                cell[word] = max(cell[word], weights[row, place])


@jit
def _are_off(values, labels, words):
    """Which descriptors are farther from their word than rounding explains."""
    off = np.empty(len(labels), dtype=np.bool_)
    for row in range(len(labels)):
        x, word = values[row], words[labels[row]]
        distance = length = np.float32(0)
        for dim in range(len(x)):
            difference = x[dim] - word[dim]
            distance += difference * difference
            length += x[dim] * x[dim] + word[dim] * word[dim]
        off[row] = distance > _ON_WORD * length
    return off


@jit
def _sum_residuals(values, labels, words, cells, are_off, out):
    for level in range(len(cells)):
        for row in range(len(labels)):
            if not are_off[row]:
                continue
            x, word = values[row], words[labels[row]]
            total = out[cells[level, row], labels[row]]
            for dim in range(len(x)):
                total[dim] += x[dim] - word[dim]

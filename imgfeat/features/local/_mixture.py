"""A mixture of Gaussians with diagonal covariances, fitted to many descriptors fast."""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from imgfeat._progress import progress
from imgfeat._threads import count_threads, map_threads, row_slices
from imgfeat.features.local._vocabulary import learn_words
from imgfeat.kernels.encode import nearest_words, word_tables
from imgfeat.kernels.fisher import fisher_sums, mixture_tables

# Descriptors summed up in float32 before float64 takes over.
_CHUNK = 2048
# Shares of 1e-4 and less do not move a mean.
_CUTOFF = 9.2
_LEAST_WEIGHT = 1e-6


class Mixture(NamedTuple):
    """A mixture of Gaussians with diagonal covariances."""

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray


def fit_mixture(
    sample,
    n_components,
    *,
    variance_floor,
    max_iter,
    tol,
    random_state,
    n_jobs,
    verbose,
):
    """Fit a mixture by expectation maximization, from k-means.

    Parameters
    ----------
    sample : ndarray of shape (n_descriptors, n_dims), float32
    n_components : int
    variance_floor : float
        Least variance of a component, in units of the sample's, for each dimension.
    max_iter : int
    tol : float
        Stop when the mean log likelihood of a descriptor rises by less.
    random_state : RandomState
    n_jobs, verbose : int or None

    Returns
    -------
    mixture : Mixture
        float64.
    log_likelihood : float
        Mean over the descriptors, before the last step.
    n_iter : int
    """
    mean = sample.mean(axis=0, dtype=np.float64)
    variance = sample.var(axis=0, dtype=np.float64)
    floor = variance_floor * _without_zeros(variance)
    mixture = _from_words(
        sample - mean.astype(np.float32),
        learn_words(sample, n_components, random_state, n_jobs)
        - mean.astype(np.float32),
        floor,
    )
    mixture = mixture._replace(means=mixture.means + mean)
    constant = 0.5 * sample.shape[1] * np.log(2 * np.pi)
    before, n_iter = -np.inf, 0
    with progress("Fitting the mixture", max_iter, verbose) as advance:
        while n_iter < max_iter:
            n_iter += 1
            log_likelihood, sums = _expect(sample, mixture, n_jobs)
            log_likelihood = log_likelihood / len(sample) - constant
            mixture = _maximize(mixture, *sums, floor)
            advance()
            if abs(log_likelihood - before) < tol:
                break
            before = log_likelihood
    return mixture, log_likelihood, n_iter


def _without_zeros(variance):
    """Let dimensions that never change have the mean variance of those that do."""
    changes = variance > 1e-10 * variance.max()
    return np.where(changes, variance, variance[changes].mean() if changes.any() else 1)


def _from_words(sample, words, floor):
    labels = nearest_words(sample, word_tables(words))
    n_samples = len(sample)
    shape = (len(words), n_samples)
    members = csr_array(
        (np.ones(n_samples, dtype=np.float32), (labels, np.arange(n_samples))), shape
    )
    counts = np.maximum(np.bincount(labels, minlength=len(words)), 1)[:, None]
    means = (members @ sample) / counts
    second = members @ np.square(sample)
    covariances = np.maximum(second / counts - means**2, floor)
    return Mixture(_as_weights(counts[:, 0] / n_samples), means, covariances)


def _expect(sample, mixture, n_jobs):
    tables = mixture_tables(*mixture)

    def total(rows):
        """Sum chunks in float64, so that the number of threads changes little."""
        parts = None
        for start in range(rows.start, rows.stop, _CHUNK):
            chunk = sample[start : min(start + _CHUNK, rows.stop)]
            cells = np.zeros((1, len(chunk)), dtype=np.int32)
            log_likelihood, *sums = fisher_sums(chunk, cells, 1, tables, cutoff=_CUTOFF)
            sums = [log_likelihood, *(part[0].astype(np.float64) for part in sums)]
            parts = (
                sums
                if parts is None
                else [a + b for a, b in zip(parts, sums, strict=True)]
            )
        return parts

    slices = row_slices(len(sample), count_threads(n_jobs, -(-len(sample) // _CHUNK)))
    parts = map_threads(total, slices, n_jobs)
    log_likelihood, *sums = (sum(part) for part in zip(*parts, strict=True))
    return log_likelihood, sums


def _maximize(mixture, shares, first, second, floor):
    """The sums are of standardized numbers, around the means that they correct."""
    weights = _as_weights(shares / shares.sum())
    # A component that nothing belongs to stays where it is.
    share = np.maximum(shares, 1e-10)[:, None]
    step = first / share
    deviations = np.sqrt(mixture.covariances)
    means = mixture.means + deviations * step
    covariances = mixture.covariances * (1 + second / share - step**2)
    kept = (shares > 1e-3)[:, None]
    return Mixture(
        weights,
        np.where(kept, means, mixture.means),
        np.maximum(np.where(kept, covariances, mixture.covariances), floor),
    )


def _as_weights(weights):
    weights = np.maximum(weights, _LEAST_WEIGHT)
    return weights / weights.sum()

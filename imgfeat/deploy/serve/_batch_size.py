"""How many images to run at once, told from how long batches took."""

import math

_START = 8  # until batches of two sizes have been seen
_LEAST = 4  # below, one slow batch would teach to take images one by one
_SHARE = 0.95  # of the highest rate there can be
_MEMORY = 0.97  # what an observation is worth when the next has come


class BatchSize:
    """Learns that a batch of n images takes ``a + b * n`` seconds, and chooses n.

    The smallest n that gets 95 % of the rate of endless batches: more images at once
    would make everybody wait longer for next to nothing. The line is fitted by least
    squares, in which older batches count less and less.

    Parameters
    ----------
    most : int
        Never more.
    longest_s : float
        Never more than what takes so long.
    """

    def __init__(self, most=64, longest_s=math.inf):
        self._most = most
        self._longest_s = longest_s
        self._weight = self._n = self._nn = self._t = self._nt = 0.0

    def note(self, n_images, seconds):
        """Learn from a batch."""
        for name in ("_weight", "_n", "_nn", "_t", "_nt"):
            setattr(self, name, getattr(self, name) * _MEMORY)
        self._weight += 1
        self._n += n_images
        self._nn += n_images * n_images
        self._t += seconds
        self._nt += n_images * seconds

    def choose(self):
        """How many images the next batch should have, if so many wait."""
        start, each = self._line()
        if not each or self._spread() < 0.05:
            return min(_START, self._most)
        size = max(_LEAST, math.ceil(_SHARE / (1 - _SHARE) * start / each))
        if math.isfinite(self._longest_s):
            size = min(size, round((self._longest_s - start) / each))
        return max(1, min(size, self._most))

    def seconds(self, n_images):
        """How long so many images will take, in batches; 0 as long as nothing ran."""
        start, each = self._line()
        return each * n_images + start * math.ceil(n_images / self.choose())

    def _line(self):
        """Seconds for each batch, and for each image in it."""
        if not self._weight:
            return 0.0, 0.0
        mean_n, mean_t = self._n / self._weight, self._t / self._weight
        if (spread := self._spread()) < 0.05:
            return 0.0, mean_t / mean_n
        each = (self._nt / self._weight - mean_n * mean_t) / spread
        each = min(max(each, 0.05 * mean_t / mean_n), mean_t / mean_n)
        return mean_t - each * mean_n, each

    def _spread(self):
        """Variance of the sizes seen."""
        return self._nn / self._weight - (self._n / self._weight) ** 2

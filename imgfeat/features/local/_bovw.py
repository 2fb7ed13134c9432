"""Bags of visual words: how often each word of a vocabulary occurs in an image."""

from numbers import Integral, Real

import numpy as np

from imgfeat._sklearn import Interval, StrOptions
from imgfeat.features.local._vocabulary import Vocabulary, learn_words
from imgfeat.kernels.encode import (
    count_words,
    llc_weights,
    max_codes,
    nearest_words,
    neighbor_words,
    sum_codes,
    word_tables,
)

# What Wang et al. (2010) use, in units of the trace.
_LLC_REGULARIZATION = 1e-4


class BagOfVisualWords(Vocabulary):
    """Histogram of the visual words in an image.

    Words are the clusters of descriptors that k-means finds; an image is described by
    how much of each word it holds [1]_.

    Parameters
    ----------
    n_words : int, default=512
        Words of the vocabulary.
    assignment : {"hard", "soft", "llc"}, default="hard"
        What a descriptor gives to the words. ``"hard"``: one to the nearest.
        ``"soft"``: shares to the `n_neighbors` nearest that fall with the distance as
        a Gaussian does [2]_. ``"llc"``: the weights with which the `n_neighbors`
        nearest rebuild it best, and in place of its sum a word has its largest weight
        in the image [3]_.
    n_neighbors : int, default=5
        Words that a descriptor is shared among; hard assignment has one.
    bandwidth : float, default=None
        Deviation of the Gaussian of soft assignment, in the unit of the descriptors.
        None is a third of the root mean square distance to the nearest word.
    tfidf : bool, default=False
        Weigh words by ``log((1 + n_images) / (1 + n_images_with_the_word)) + 1``.
    power : float in (0, 1], default=0.5
        Raise the numbers to this power: with 0.5 and `normalize`, inner products become
        Hellinger's kernel. 1 leaves them alone.
    normalize : {"l2", "l1", None}, default="l2"
        Length that vectors are brought to at the end: one, their sum, or as it comes.
    n_components_pca : int, default=None
        Reduce descriptors to so many numbers by PCA first. None keeps them.
    whiten : bool, default=False
        Bring the PCA's numbers to unit variance.
    max_descriptors : int, default=200_000
        Learn from so many descriptors at most, drawn evenly from all images.
    spatial_pyramid : sequence of int or (int, int), default=None
        Levels of cells, down and across, that are encoded one by one, normalized and
        joined: ``(1, 2, 4)`` is the whole image, 2 x 2 and 4 x 4 cells;
        ``((1, 1), (3, 1))`` the whole and three bands. None is the whole image.
    random_state : int, RandomState instance or None, default=None
        Draws the sample and starts k-means.
    n_jobs : int, default=None
        Threads. None is 1, -1 every core.
    verbose : int, default=0
        Show progress if positive.

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (n_words, n_dims)
        The words, float32, of `n_components_pca` or else `n_features_in_` numbers.
    bandwidth_ : float
        Deviation of the Gaussian; only with ``assignment="soft"``.
    idf_ : ndarray of shape (n_words,)
        Weights of the words, float32; only with ``tfidf=True``.
    pca_ : PCA or None
        What reduces the descriptors; its own ``whiten`` is off whatever ours is.
    n_features_in_ : int
        Numbers a descriptor.

    See Also
    --------
    VLAD : Where in the words the descriptors lie; better with few words.

    Notes
    -----
    The order of an image's descriptors does not matter, beyond rounding, and a row
    does not depend on the other rows. An image without descriptors is zeros. The
    images with a word are counted over those of `fit`, which takes a second reading of
    them.

    References
    ----------
    .. [1] G. Csurka, C. Dance, L. Fan, J. Willamowski and C. Bray, "Visual
       categorization with bags of keypoints", ECCV workshop 2004.
    .. [2] L. Liu, L. Wang and X. Liu, "In defense of soft-assignment coding", ICCV
       2011, :doi:`10.1109/ICCV.2011.6126534`. They take the largest share; we the sum.
    .. [3] J. Wang, J. Yang, K. Yu, F. Lv, T. Huang and Y. Gong, "Locality-constrained
       linear coding for image classification", CVPR 2010,
       :doi:`10.1109/CVPR.2010.5540018`, the approximation of section 3.

    Examples
    --------
    >>> import numpy as np
    >>> from imgfeat.features import BagOfVisualWords
    >>> dark, bright = np.zeros((6, 3)), np.ones((6, 3))
    >>> bags = [dark, bright, np.concatenate([dark, bright])]
    >>> words = BagOfVisualWords(n_words=2, normalize="l1", power=1, random_state=0)
    >>> np.sort(words.fit_transform(bags), axis=1)
    array([[0. , 1. ],
           [0. , 1. ],
           [0.5, 0.5]], dtype=float32)
    >>> words.get_feature_names_out()
    array(['bovw_w0', 'bovw_w1'], dtype=object)
    """

    _size_param = "n_words"
    _parameter_constraints: dict = {
        **Vocabulary._parameter_constraints,
        "n_words": [Interval(Integral, 1, None, closed="left")],
        "assignment": [StrOptions({"hard", "soft", "llc"})],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "bandwidth": [Interval(Real, 0, None, closed="neither"), None],
        "tfidf": ["boolean"],
        "normalize": [StrOptions({"l1", "l2"}), None],
    }

    def __init__(
        self,
        n_words=512,
        *,
        assignment="hard",
        n_neighbors=5,
        bandwidth=None,
        tfidf=False,
        power=0.5,
        normalize="l2",
        n_components_pca=None,
        whiten=False,
        max_descriptors=200_000,
        spatial_pyramid=None,
        random_state=None,
        n_jobs=None,
        verbose=0,
    ):
        self.n_words = n_words
        self.assignment = assignment
        self.n_neighbors = n_neighbors
        self.bandwidth = bandwidth
        self.tfidf = tfidf
        self.power = power
        self.normalize = normalize
        self.n_components_pca = n_components_pca
        self.whiten = whiten
        self.max_descriptors = max_descriptors
        self.spatial_pyramid = spatial_pyramid
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    @property
    def is_sum(self) -> bool:
        """Whether all but powers and norms is a sum over descriptors."""
        return self.assignment != "llc"

    def _learn(self, sample, random_state):
        self.cluster_centers_ = learn_words(
            sample, self.n_words, random_state, self.n_jobs
        )
        if self.assignment == "soft":
            self.bandwidth_ = self.bandwidth or self._typical_distance(sample) / 3

    def _typical_distance(self, sample):
        _, squared = neighbor_words(sample, word_tables(self.cluster_centers_), 1)
        # Descriptors that all are words leave no distance to take a part of.
        return float(np.sqrt(squared.mean(dtype=np.float64))) or 1.0

    def _learn_from_images(self, bags):
        if not self.tfidf:
            return
        holds = np.zeros((len(bags), self.n_words), dtype=bool)

        def look(image, values, tables):
            cells = np.zeros((1, len(values)), dtype=np.int32)
            holds[image] = self._encode_plain(values, cells, 1, tables)[0] > 0

        self._for_each_image(look, bags)
        n_images_with = holds.sum(axis=0)
        self.idf_ = (np.log((1 + len(bags)) / (1 + n_images_with)) + 1).astype(
            np.float32
        )

    def _tables(self):
        return word_tables(self.cluster_centers_)

    def _encode(self, values, cells, n_cells, tables):
        code = self._encode_plain(values, cells, n_cells, tables)
        if self.tfidf:
            code *= self.idf_
        return code

    def _encode_plain(self, values, cells, n_cells, tables):
        n_words = len(tables.words)
        if self.assignment == "hard":
            labels = nearest_words(values, tables)
            return count_words(labels, cells, n_cells, n_words)
        n_neighbors = min(self.n_neighbors, n_words)
        labels, squared = neighbor_words(values, tables, n_neighbors)
        if self.assignment == "llc":
            weights = llc_weights(values, labels, tables.words, _LLC_REGULARIZATION)
            return max_codes(labels, weights, cells, n_cells, n_words)
        # Measured from the nearest, the largest weight is one and none underflows.
        nearer = squared - squared.min(axis=1, keepdims=True)
        weights = np.exp(nearer * np.float32(-0.5 / self.bandwidth_**2))
        weights /= weights.sum(axis=1, keepdims=True)
        return sum_codes(labels, weights, cells, n_cells, n_words)

    def _cell_width(self):
        return len(self.cluster_centers_)

    def _cell_names(self):
        return [f"bovw_w{word}" for word in range(len(self.cluster_centers_))]

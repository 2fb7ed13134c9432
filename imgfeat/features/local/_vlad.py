"""VLAD: how an image's descriptors lie around the words they are nearest to."""

from numbers import Integral

from imgfeat._sklearn import Interval
from imgfeat.features.local._vocabulary import Vocabulary, learn_words
from imgfeat.kernels.encode import nearest_words, vlad_sums, word_tables
from imgfeat.kernels.normalize import normalize_rows, power_normalize


class VLAD(Vocabulary):
    """Vectors of locally aggregated descriptors.

    Every descriptor goes to its nearest word; a word's part of the vector is the sum
    of what separates its descriptors from it [1]_.

    Parameters
    ----------
    n_words : int, default=64
        Words of the vocabulary, found by k-means.
    normalize_components : bool, default=True
        Bring each word's part to length one (intra-normalization [2]_), so that a
        texture that fills the image does not drown the rest.
    power : float in (0, 1], default=0.5
        Replace each number x by ``sign(x) * |x|**power``, before the components are
        normalized; 1 leaves the numbers alone.
    normalize : {"l2", None}, default="l2"
        Length that vectors are brought to at the end: one, or as it comes.
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
    pca_ : PCA or None
        What reduces the descriptors; its own ``whiten`` is off whatever ours is.
    n_features_in_ : int
        Numbers a descriptor.

    See Also
    --------
    FisherVector : Soft assignment and second moments; longer, usually more accurate.
    BagOfVisualWords : Counts the words alone; shorter.

    Notes
    -----
    The order of an image's descriptors does not matter, beyond rounding, and a row
    does not depend on the other rows. An image without descriptors is zeros.

    References
    ----------
    .. [1] H. Jegou, M. Douze, C. Schmid and P. Perez, "Aggregating local descriptors
       into a compact image representation", CVPR 2010,
       :doi:`10.1109/CVPR.2010.5540039`. Theirs has no power or intra-normalization.
    .. [2] R. Arandjelovic and A. Zisserman, "All about VLAD", CVPR 2013,
       :doi:`10.1109/CVPR.2013.207`.

    Examples
    --------
    >>> import numpy as np
    >>> from imgfeat.features import VLAD
    >>> rng = np.random.default_rng(0)
    >>> bags = [rng.normal(size=(n, 3)) for n in (40, 30, 0)]
    >>> vlad = VLAD(n_words=2, random_state=0)
    >>> vlad.fit_transform(bags).shape
    (3, 6)
    >>> print(*vlad.get_feature_names_out()[:4])
    vlad_w0_d000 vlad_w0_d001 vlad_w0_d002 vlad_w1_d000
    """

    _size_param = "n_words"
    _parameter_constraints: dict = {
        **Vocabulary._parameter_constraints,
        "n_words": [Interval(Integral, 1, None, closed="left")],
        "normalize_components": ["boolean"],
    }

    def __init__(
        self,
        n_words=64,
        *,
        normalize_components=True,
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
        self.normalize_components = normalize_components
        self.power = power
        self.normalize = normalize
        self.n_components_pca = n_components_pca
        self.whiten = whiten
        self.max_descriptors = max_descriptors
        self.spatial_pyramid = spatial_pyramid
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    def _learn(self, sample, random_state):
        self.cluster_centers_ = learn_words(
            sample, self.n_words, random_state, self.n_jobs
        )

    def _tables(self):
        return word_tables(self.cluster_centers_)

    def _encode(self, values, cells, n_cells, tables):
        labels = nearest_words(values, tables)
        return vlad_sums(values, labels, tables.words, cells, n_cells)

    def _normalize(self, code):
        power_normalize(code, self.power)
        if self.normalize_components:
            normalize_rows(code, "l2")
        return normalize_rows(code.reshape(len(code), -1), self.normalize)

    def _cell_width(self):
        return self.cluster_centers_.size

    def _cell_names(self):
        n_words, n_dims = self.cluster_centers_.shape
        return [f"vlad_w{w}_d{d:03d}" for w in range(n_words) for d in range(n_dims)]

"""What the encodings of local descriptors share: learn a vocabulary, encode images."""

from numbers import Integral, Real
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.cluster import kmeans_plusplus
from sklearn.decomposition import PCA
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from imgfeat._progress import progress
from imgfeat._sklearn import Interval, StrOptions, fit_context
from imgfeat._threads import map_threads, one_blas_thread, row_slices
from imgfeat._traits import Traits
from imgfeat.features.local._bags import Bags
from imgfeat.features.local._pyramid import Pyramid
from imgfeat.kernels.kmeans import learn_centers
from imgfeat.kernels.normalize import normalize_rows, power_normalize
from imgfeat.kernels.tiles import affine_map, affine_tables
from imgfeat.sources._frame import keep_index

# Images that a thread takes at a time.
_CHUNK = 16
# Descriptors, at least, among which k-means finds its first words, and its iterations:
# more of either move the words by less than another sample would.
_N_START, _N_ITER = 2000, 10


class Vocabulary(TransformerMixin, BaseEstimator):
    """Base of the transformers from `Descriptors` to one vector an image.

    A subclass says in ``_size_param`` which parameter counts its words, learns them in
    ``_learn``, lays them out for the kernels in ``_tables``, encodes one image in
    ``_encode``, and counts and names the features of a cell in ``_cell_width`` and
    ``_cell_names``.
    """

    # Whether a code is a mean over its descriptors, not a sum.
    _averages = False
    _parameter_constraints: dict = {
        "power": [Interval(Real, 0, 1, closed="right")],
        "normalize": [StrOptions({"l2"}), None],
        "n_components_pca": [Interval(Integral, 1, None, closed="left"), None],
        "whiten": ["boolean"],
        "max_descriptors": [Interval(Integral, 1, None, closed="left")],
        "spatial_pyramid": [tuple, list, None],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None) -> Self:
        """Learn the vocabulary from a sample of the descriptors.

        Parameters
        ----------
        X : Descriptors, array-like or list of n_images array-likes
            What `SIFT` and `DenseSIFT` return, an array of shape (n_images,
            n_descriptors, n_dims), or an array of shape (n_descriptors, n_dims) for
            each image. Only `Descriptors` have the positions for a spatial pyramid.
        y : Ignored

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If there are fewer descriptors than words, some are NaN or infinite, or
            the spatial pyramid is finer than the descriptors lie.
        """
        name = type(self).__name__
        self._check_params()
        pyramid = Pyramid(self.spatial_pyramid)
        bags = Bags(X, name)
        self._check_enough(bags)
        pyramid.check_fits(bags, name)
        self.n_features_in_ = bags.n_dims
        random_state = check_random_state(self.random_state)
        sample = bags.sample(self.max_descriptors, random_state)
        self.pca_ = self._fit_pca(sample)
        project = self._projection()
        self._learn(project(sample), random_state)
        self._learn_from_images(bags)
        return self

    def transform(self, X) -> np.ndarray:
        """Encode the descriptors of each image.

        Parameters
        ----------
        X : Descriptors, array-like or list of n_images array-likes
            As in `fit`, with as many numbers a descriptor.

        Returns
        -------
        ndarray of shape (n_images, n_features_out), float32
            An image without descriptors is a row of zeros.

        Raises
        ------
        ValueError
            If descriptors have another width than in `fit`, some are NaN or infinite,
            or the spatial pyramid finds no positions.
        """
        check_is_fitted(self)
        name = type(self).__name__
        pyramid = Pyramid(self.spatial_pyramid)
        bags = Bags(X, name)
        if bags.n_dims != self.n_features_in_:
            # scikit-learn's words, which its checks look for.
            raise ValueError(
                f"X has {bags.n_dims} features, but {name} is expecting "
                f"{self.n_features_in_} features as input: numbers a descriptor. "
                "Describe the images as they were for fit."
            )
        pyramid.check_positions(bags, name)
        width = pyramid.n_cells * self._cell_width()
        codes = np.zeros((len(bags), width), dtype=np.float32)

        def encode(image, values, tables):
            cells = pyramid.cells(bags, image)
            code = self._encode(values, cells, pyramid.n_cells, tables)
            codes[image] = self._normalize(code).ravel()

        self._for_each_image(encode, bags)
        if pyramid.n_cells > 1:
            normalize_rows(codes, self.normalize)
        return keep_index(self, codes, bags.index)

    def get_feature_names_out(self, input_features=None) -> np.ndarray:
        """Name the features by word, after the cell if there is a spatial pyramid."""
        check_is_fitted(self)
        names = self._cell_names()
        prefixes = Pyramid(self.spatial_pyramid).prefixes()
        return np.asarray([p + name for p in prefixes for name in names], dtype=object)

    def votes(self, X, features, slopes) -> list[np.ndarray]:
        """Tell what each descriptor adds to a sum of products with the features.

        Powers and norms count as factors: a number's descriptors share it as they share
        what it was before. Only where `is_sum`.

        Parameters
        ----------
        X : as in `transform`
        features : ndarray of shape (n_images, n_features_out)
            What `transform` makes of it.
        slopes : ndarray of shape (n_images, n_features_out)

        Returns
        -------
        list of ndarray of shape (n_descriptors,)
            One an image; its sum is that of ``slopes * features``.
        """
        pyramid, bags = Pyramid(self.spatial_pyramid), Bags(X, type(self).__name__)
        votes = [np.zeros(count) for count in bags.counts]

        def vote(image, values, tables):
            cells, n_cells = pyramid.cells(bags, image), pyramid.n_cells
            before = self._encode(values, cells, n_cells, tables).reshape(n_cells, -1)
            after = features[image].reshape(before.shape)
            factors = np.divide(after, before, np.zeros(after.shape), where=before != 0)
            factors *= slopes[image].reshape(factors.shape)
            if self._averages:
                counts = np.bincount(cells.ravel(), minlength=n_cells)
                factors /= np.maximum(counts, 1)[:, None]
            # In a cell of its own each descriptor gets a code of its own.
            own = np.arange(len(values), dtype=np.int32)[None]
            codes = self._encode(values, own, len(values), tables)
            codes = codes.reshape(len(values), -1)
            votes[image] = sum(
                np.einsum("nd,nd->n", codes, factors[level]) for level in cells
            )

        self._for_each_image(vote, bags)
        return votes

    @property
    def is_sum(self) -> bool:
        """Whether all but powers and norms is a sum, or a mean, over descriptors."""
        return True

    def _check_params(self):
        """Check what ``_parameter_constraints`` cannot say."""

    def _check_enough(self, bags):
        n_words = getattr(self, self._size_param)
        available = bags.counts.sum()
        n_descriptors = min(available, self.max_descriptors)
        if n_descriptors < n_words:
            limit = ""
            if available > n_descriptors:
                limit = f" after max_descriptors={self.max_descriptors}"
            raise ValueError(
                f"{self._size_param}={n_words} needs at least {n_words} descriptors to "
                f"learn from. Got {n_descriptors} of {len(bags)} images{limit}; use "
                "fewer words, more images or denser descriptors."
            )

    def _fit_pca(self, sample):
        if self.n_components_pca is None:
            return None
        most = min(sample.shape)
        if self.n_components_pca > most:
            raise ValueError(
                f"n_components_pca={self.n_components_pca} is more than {most}, the "
                f"most that {len(sample)} descriptors of {sample.shape[1]} numbers "
                "have; use fewer components."
            )
        # The covariance of float32 numbers far from zero needs float64.
        pca = PCA(self.n_components_pca, svd_solver="covariance_eigh")
        with one_blas_thread():  # one product, over before threads have met
            return pca.fit(sample.astype(np.float64))

    def _projection(self):
        """Return the function that takes descriptors to where the words are."""
        if self.pca_ is None:
            return lambda values: values
        projection = self.pca_.components_
        if self.whiten:
            # Directions without variance would be noise blown up.
            variance = self.pca_.explained_variance_
            least = 1e-6 * variance.max() or 1.0
            projection = projection / np.sqrt(np.maximum(variance, least))[:, None]
        tables = affine_tables(projection, self.pca_.mean_)
        return lambda values: affine_map(values, tables)

    def _normalize(self, code):
        """Finish cells, each like an image of its own, in place."""
        power_normalize(code, self.power)
        return normalize_rows(code.reshape(len(code), -1), self.normalize)

    def _learn_from_images(self, bags):
        """Learn what needs every image; most encodings have nothing of the kind."""

    def _for_each_image(self, function, bags):
        """Call ``function(image, values, tables)`` for images with descriptors."""
        tables, project = self._tables(), self._projection()
        with progress("Encoding", len(bags), self.verbose) as advance:

            def work(rows):
                for image in range(rows.start, rows.stop):
                    if bags.counts[image]:
                        function(image, project(bags.values(image)), tables)
                advance(rows.stop - rows.start)

            chunks = row_slices(len(bags), -(-len(bags) // _CHUNK))
            map_threads(work, chunks, self.n_jobs)

    def __imgfeat_traits__(self):
        return Traits(learns_without_labels=True)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def learn_words(sample, n_words, random_state, n_jobs):
    """Cluster descriptors by k-means.

    Parameters
    ----------
    sample : ndarray of shape (n_descriptors, n_dims), float32
    n_words : int
    random_state : RandomState
    n_jobs : int or None

    Returns
    -------
    ndarray of shape (n_words, n_dims), float32
    """
    few = random_state.permutation(len(sample))[: max(_N_START, 4 * n_words)]
    with one_blas_thread():  # many small products, which threads only delay
        first, _ = kmeans_plusplus(
            sample[np.sort(few)], n_words, random_state=random_state
        )
    return learn_centers(sample, first, _N_ITER, n_jobs)

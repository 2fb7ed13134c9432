"""Fisher vectors: how an image would move a mixture of Gaussians."""

from numbers import Integral, Real

import numpy as np

from imgfeat._sklearn import Interval
from imgfeat.features.local._bags import LARGEST
from imgfeat.features.local._mixture import fit_mixture
from imgfeat.features.local._vocabulary import Vocabulary
from imgfeat.kernels.fisher import fisher_vectors, mixture_tables
from imgfeat.kernels.normalize import sum_of_squares

# In deviations of a component; squares of more, summed up, do not fit in float32.
_FARTHEST = 1e17
_PARTS = ("weights", "means", "variances")


class FisherVector(Vocabulary):
    """Fisher vectors of local descriptors.

    A mixture of Gaussians with diagonal covariances says how descriptors are
    distributed in all images. An image is described by the gradient of its own
    descriptors' log likelihood with respect to the mixture [1]_, normalized as in the
    improved Fisher vector [2]_.

    Parameters
    ----------
    n_components : int, default=64
        Gaussians of the mixture.
    parts : sequence of str, default=("means", "variances")
        Gradients to keep, of "weights", "means" and "variances"; they come in this
        order whatever order is asked for.
    power : float in (0, 1], default=0.5
        Replace each number x by ``sign(x) * |x|**power``; 1 leaves the numbers alone.
    normalize : {"l2", None}, default="l2"
        Length that vectors are brought to at the end: one, or as it comes.
    variance_floor : float, default=1e-3
        Least variance of a component, in units of the variance of all descriptors, for
        each dimension.
    max_iter : int, default=50
        Most steps of expectation maximization.
    tol : float, default=1e-3
        Stop when the mean log likelihood of a descriptor changes by less.
    n_components_pca : int, default=None
        Reduce descriptors to so many numbers by PCA first, which also makes the
        diagonal covariances a better fit; 64 suits SIFT. None keeps them.
    whiten : bool, default=False
        Bring the PCA's numbers to unit variance.
    max_descriptors : int, default=200_000
        Learn from so many descriptors at most, drawn evenly from all images.
    spatial_pyramid : sequence of int or (int, int), default=None
        Levels of cells, down and across, that are encoded one by one, normalized and
        joined: ``(1, 2, 4)`` is the whole image, 2 x 2 and 4 x 4 cells;
        ``((1, 1), (3, 1))`` the whole and three bands. None is the whole image.
    random_state : int, RandomState instance or None, default=None
        Draws the sample and starts k-means, which starts the mixture.
    n_jobs : int, default=None
        Threads. None is 1, -1 every core.
    verbose : int, default=0
        Show progress if positive.

    Attributes
    ----------
    weights_ : ndarray of shape (n_components,)
        float64, as the two below.
    means_, covariances_ : ndarray of shape (n_components, n_dims)
        Of the Gaussians, in `n_components_pca` or else `n_features_in_` dimensions;
        covariances are the diagonals.
    lower_bound_ : float
        Mean log likelihood of a descriptor at the last step.
    n_iter_ : int
        Steps of expectation maximization.
    pca_ : PCA or None
        What reduces the descriptors; its own ``whiten`` is off whatever ours is.
    n_features_in_ : int
        Numbers a descriptor.

    See Also
    --------
    VLAD : Hard assignment and first moments; half as long.
    skimage.feature.fisher_vector : The same numbers for one image.

    Notes
    -----
    With ``g`` the share of descriptor x in component k, ``z = (x - mean) / deviation``
    and means taken over the N descriptors of the image, the parts are

    - weights: ``(mean(g) - w) / sqrt(w)``
    - means: ``mean(g * z) / sqrt(w)``
    - variances: ``mean(g * (1 - z**2)) / sqrt(2 * w)``

    as in scikit-image, whose ``improved=True`` is our default and whose other form is
    ``power=1, normalize=None``. The variances have the opposite sign in [2]_, which no
    kernel or linear classifier can tell. Components with less than 2e-8 of a
    descriptor are left out for it.

    The order of an image's descriptors does not matter, beyond rounding, and a row
    does not depend on the other rows. An image without descriptors is zeros.

    References
    ----------
    .. [1] F. Perronnin and C. Dance, "Fisher kernels on visual vocabularies for image
       categorization", CVPR 2007, :doi:`10.1109/CVPR.2007.383266`.
    .. [2] F. Perronnin, J. Sanchez and T. Mensink, "Improving the Fisher kernel for
       large-scale image classification", ECCV 2010,
       :doi:`10.1007/978-3-642-15561-1_11`.

    Examples
    --------
    >>> import numpy as np
    >>> from imgfeat.features import FisherVector
    >>> rng = np.random.default_rng(0)
    >>> bags = [rng.normal(size=(n, 3)) for n in (40, 30, 0)]
    >>> fisher = FisherVector(n_components=2, random_state=0)
    >>> fisher.fit_transform(bags).shape
    (3, 12)
    >>> print(*fisher.get_feature_names_out()[::5])
    fv_mean_k0_d0 fv_mean_k1_d2 fv_var_k1_d1
    """

    _size_param = "n_components"
    _averages = True
    _parameter_constraints: dict = {
        **Vocabulary._parameter_constraints,
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "parts": [tuple, list],
        "variance_floor": [Interval(Real, 0, 1, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        n_components=64,
        *,
        parts=("means", "variances"),
        power=0.5,
        normalize="l2",
        variance_floor=1e-3,
        max_iter=50,
        tol=1e-3,
        n_components_pca=None,
        whiten=False,
        max_descriptors=200_000,
        spatial_pyramid=None,
        random_state=None,
        n_jobs=None,
        verbose=0,
    ):
        self.n_components = n_components
        self.parts = parts
        self.power = power
        self.normalize = normalize
        self.variance_floor = variance_floor
        self.max_iter = max_iter
        self.tol = tol
        self.n_components_pca = n_components_pca
        self.whiten = whiten
        self.max_descriptors = max_descriptors
        self.spatial_pyramid = spatial_pyramid
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    def _check_params(self):
        if not self.parts or not set(self.parts) <= set(_PARTS):
            raise ValueError(f"parts must be some of {_PARTS}. Got {self.parts!r}.")

    def _learn(self, sample, random_state):
        mixture, self.lower_bound_, self.n_iter_ = fit_mixture(
            sample,
            self.n_components,
            variance_floor=self.variance_floor,
            max_iter=self.max_iter,
            tol=self.tol,
            random_state=random_state,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
        )
        self.weights_, self.means_, self.covariances_ = mixture

    def _tables(self):
        return mixture_tables(self.weights_, self.means_, self.covariances_)

    def _encode(self, values, cells, n_cells, tables):
        if tables.finest * LARGEST > _FARTHEST:  # only if the Gaussians are tiny
            self._check_reach(values, tables)
        parts = {part: part in self.parts for part in _PARTS}
        return fisher_vectors(values, cells, n_cells, tables, **parts)

    def _check_reach(self, values, tables):
        reach = np.sqrt(sum_of_squares(values)) * tables.finest
        if reach > _FARTHEST:
            raise ValueError(
                f"Descriptors lie {reach:.0e} deviations from the mixture that fit "
                "found; describe the images as they were for fit."
            )

    def _cell_width(self):
        n_numbers = {"weights": len(self.weights_)}
        return sum(n_numbers.get(part, self.means_.size) for part in set(self.parts))

    def _cell_names(self):
        n_components, n_dims = self.means_.shape
        of_all = [f"k{k}_d{d}" for k in range(n_components) for d in range(n_dims)]
        names = []
        if "weights" in self.parts:
            names += [f"fv_weight_k{k}" for k in range(n_components)]
        if "means" in self.parts:
            names += [f"fv_mean_{name}" for name in of_all]
        if "variances" in self.parts:
            names += [f"fv_var_{name}" for name in of_all]
        return names

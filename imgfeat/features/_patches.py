"""Single-layer features: a dictionary of small patches, learned without labels."""

from numbers import Integral, Real
from typing import Self

import numpy as np
import torch
from sklearn.utils import check_random_state
from sklearn.utils.random import sample_without_replacement
from sklearn.utils.validation import check_is_fitted

from imgfeat._devices import find_device
from imgfeat._progress import progress
from imgfeat._sklearn import Interval, RealNotInt, StrOptions, fit_context
from imgfeat._threads import count_threads, map_threads, row_slices
from imgfeat._traits import Traits
from imgfeat._validation import check_shape_param, size_text
from imgfeat.features._image_feature import ImageFeature
from imgfeat.kernels import patches as on_cpu
from imgfeat.kernels import torch_patches as on_device
from imgfeat.kernels.kmeans import learn_centers
from imgfeat.kernels.mirrored_patches import (
    encode_with_mirror,
    find_parities,
    mirrored_values,
)
from imgfeat.nets.inference._torch import torch_threads
from imgfeat.sources._scale import white_of


class PatchDictionary(ImageFeature):
    """Similarity of an image's patches to a learned dictionary, summed over cells.

    Small patches are cut at random from the images, freed of brightness and contrast,
    whitened, and clustered by k-means; the centres are the atoms of the dictionary.
    An image is described by how strongly its patches, one around every pixel, resemble
    each atom, summed over a coarse grid [1]_. A linear classifier on top sees textures,
    edges and colours, and roughly where they are. No labels are used.

    Parameters
    ----------
    n_atoms : int, default=1600
        Atoms in the dictionary. More are better, with diminishing returns.
    patch_size : int, default=6
        Side of a patch in pixels.
    stride : int, default=1
        Distance between neighbouring patches of an image, in pixels. Small is better;
        2 takes a quarter of the time.
    grid : tuple of (int, int), default=(2, 2)
        Cells down and across over which similarities are summed.
    encoding : {"triangle", "hard"}, default="triangle"
        ``"triangle"``: how much nearer than the average atom an atom is, or 0 if it
        is not. ``"hard"``: 1 for the nearest atom, as in a bag of visual words.
    mirror : bool, default=False
        Learn from mirror images too, and add their features. Takes a quarter more time,
        twice it where `encoding` is "hard" or the last patch of a row ends before the
        image does, and is much better where left and right mean nothing, as in most
        photos.
    max_patches : int, default=100_000
        Patches to learn from, or all there are if these are fewer.
    norm_eps : float, default=10
        Added to the variance of a patch, in squared levels of 0..255, before dividing
        by its root: keeps the noise of flat patches down.
    whiten_eps : float, default=1
        Added to the variances of normalized patches in whitening. Larger values damp
        fine detail, which is noise for the most part, as in JPEG files.
    n_components : int, float or None, default=0.95
        Directions kept in whitening: as many as given, or as hold this share of the
        whitened variance, or all. Time is proportional to it.
    max_iter : int, default=10
        Iterations of k-means.
    image_shape : tuple or list of (height, width) or (height, width, 3), optional
        Shape in pixels of the images in a 2-D X that are not square.
    random_state : int, RandomState instance or None, default=None
        Draws the patches and the first atoms.
    device : str, default="auto"
        Where the work is done: ``"cpu"``, ``"cuda"`` or another device of torch;
        ``"auto"`` is CUDA if there is any.
    batch_size : int, default=32
        Images at a time on a device. On the CPU, a thread works on one at a time.
    n_jobs : int, default=None
        Number of CPU threads; -1 uses all cores.
    verbose : bool or int, default=False
        Show progress.

    Attributes
    ----------
    mean_ : ndarray of shape (n_values,), float32
        Mean of the normalized patches, ``n_values = patch_size ** 2 * n_channels``.
    whitening_ : ndarray of shape (n_values, n_components), float32
        Takes a normalized patch, less `mean_`, to whitened space.
    atoms_ : ndarray of shape (n_atoms, n_components), float32
        The dictionary, in whitened space.
    image_shape_in_ : tuple of int
        Shape of the images seen in `fit`.
    n_features_in_ : int
        Values in one image.

    See Also
    --------
    BagOfVisualWords : The same idea over SIFT descriptors.

    Notes
    -----
    Features come cell by cell, and in each atom by atom. Put square roots and a
    `StandardScaler` between these features and a linear classifier. Two dictionaries
    side by side, of patches of 6 and 10 pixels, are better than one with as many atoms.

    Whitening is by principal components here and by ZCA in [1]_. The two differ by a
    rotation, which changes no distance, so the features are the same, except that
    `n_components` drops directions that hardly count. Coates et al. use
    ``whiten_eps=0.1``, on photos that were not compressed.

    With ``mirror=True`` an image and its mirror image have the same features, up to
    rounding; Coates et al. do not have this.

    Integers mean 0..255 (16-bit: 0..65535) and floats 0..1; all give the same
    features. On the CPU a row does not depend on the others, to the last bit; on a
    device it does not up to rounding. The fitted dictionary is plain NumPy, wherever
    it was learned.

    References
    ----------
    .. [1] A. Coates, H. Lee and A. Y. Ng, "An analysis of single-layer networks in
       unsupervised feature learning", AISTATS 2011,
       https://proceedings.mlr.press/v15/coates11a.html

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from imgfeat.features import PatchDictionary
    >>> images = load_digits().images / 16
    >>> patches = PatchDictionary(n_atoms=20, patch_size=4, random_state=0)
    >>> patches.fit_transform(images).shape  # 2 x 2 cells of 20 atoms
    (1797, 80)
    """

    _parameter_constraints: dict = {
        **ImageFeature._parameter_constraints,
        "n_atoms": [Interval(Integral, 1, None, closed="left")],
        "patch_size": [Interval(Integral, 1, None, closed="left")],
        "stride": [Interval(Integral, 1, None, closed="left")],
        "grid": [tuple, list],
        "encoding": [StrOptions({"triangle", "hard"})],
        "mirror": ["boolean"],
        "max_patches": [Interval(Integral, 1, None, closed="left")],
        "norm_eps": [Interval(Real, 0, None, closed="neither")],
        "whiten_eps": [Interval(Real, 0, None, closed="neither")],
        "n_components": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="neither"),
            None,
        ],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "random_state": ["random_state"],
        "device": [str],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "verbose": ["verbose"],
    }

    _needs_unit_range = True

    def __init__(
        self,
        n_atoms=1600,
        *,
        patch_size=6,
        stride=1,
        grid=(2, 2),
        encoding="triangle",
        mirror=False,
        max_patches=100_000,
        norm_eps=10.0,
        whiten_eps=1.0,
        n_components=0.95,
        max_iter=10,
        image_shape=None,
        random_state=None,
        device="auto",
        batch_size=32,
        n_jobs=None,
        verbose=False,
    ):
        self.n_atoms = n_atoms
        self.patch_size = patch_size
        self.stride = stride
        self.grid = grid
        self.encoding = encoding
        self.mirror = mirror
        self.max_patches = max_patches
        self.norm_eps = norm_eps
        self.whiten_eps = whiten_eps
        self.n_components = n_components
        self.max_iter = max_iter
        self.image_shape = image_shape
        self.random_state = random_state
        self.device = device
        self.batch_size = batch_size
        self.n_jobs = n_jobs
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None) -> Self:
        """Learn the dictionary.

        Parameters
        ----------
        X : images of shape (n_samples, height, width[, 3])
        y : Ignored

        Returns
        -------
        self : PatchDictionary

        Raises
        ------
        ValueError
            If a parameter is out of range, the images are too small for the patches or
            the grid, or hold fewer patches than `n_atoms`.
        """
        self._check_params()
        self._learn(self._read(self._images(X, reset=True)))
        return self

    def get_feature_names_out(self, input_features=None) -> np.ndarray:
        """Name features by cell and atom, as in ``"patch_row0_col1_atom12"``."""
        check_is_fitted(self)
        n_rows, n_cols = self.grid
        names = [
            f"patch_row{row}_col{col}_atom{atom}"
            for row in range(n_rows)
            for col in range(n_cols)
            for atom in range(len(self.atoms_))
        ]
        return np.asarray(names, dtype=object)

    def _check_params(self):
        check_shape_param(self.grid, "grid")

    def _check_room(self, X):
        grid = check_shape_param(self.grid, "grid")
        needed = tuple(self.patch_size + (cells - 1) * self.stride for cells in grid)
        if X.shape[1] < needed[0] or X.shape[2] < needed[1]:
            raise ValueError(
                f"patch_size={self.patch_size}, stride={self.stride} and "
                f"grid={grid} need images of at least {size_text(needed)} pixels. "
                f"Got {size_text(X.shape[1:])}; use smaller patches, a coarser grid or "
                "larger images."
            )

    def _learn(self, X):
        norm_eps = self._norm_eps(X)
        rng = check_random_state(self.random_state)
        drawn = self._draw_patches(X, rng)
        first = rng.permutation(len(drawn))[: self.n_atoms]
        mirrored = None
        if self.mirror:
            mirrored = mirrored_values(self.patch_size, drawn.shape[1])
        with (
            torch_threads(count_threads(self.n_jobs)),
            progress("Learning patches", self.max_iter, self.verbose) as advance,
        ):
            drawn = torch.from_numpy(drawn).to(find_device(self.device))
            drawn = on_device.normalize(drawn, norm_eps)
            mean, directions, variances = on_device.whitening(
                drawn, self.whiten_eps, mirrored
            )
            directions = directions[:, : self._count_components(variances)].contiguous()
            points = (drawn - mean) @ directions
            self.atoms_ = self._learn_atoms(points, points[first], advance)
        self.mean_, self.whitening_ = mean.cpu().numpy(), directions.cpu().numpy()

    def _learn_atoms(self, points, first, advance):
        if points.device.type == "cpu":
            arrays = points.numpy(), first.numpy()
            return learn_centers(*arrays, self.max_iter, self.n_jobs, advance)
        atoms = on_device.learn_atoms(points, first, self.max_iter, advance)
        return atoms.cpu().numpy()

    def _describe(self, X):
        how = {
            "size": self.patch_size,
            "stride": self.stride,
            "norm_eps": self._norm_eps(X),
            "encoding": self.encoding,
            "grid": check_shape_param(self.grid, "grid"),
        }
        X = X[..., None] if X.ndim == 3 else X
        n_cells = how["grid"][0] * how["grid"][1]
        features = np.empty((len(X), n_cells, len(self.atoms_)), dtype=np.float32)
        device = find_device(self.device)
        with progress("Encoding patches", len(X), self.verbose) as advance:
            if device == "cpu":
                self._encode_on_cpu(X, how, features, advance)
            else:
                self._encode_on_device(X, how, features, device, advance)
        return features.reshape(len(X), -1)

    def _norm_eps(self, X):
        """`norm_eps` in the unit of X, so that no pixel needs scaling."""
        return self.norm_eps * (white_of(X.dtype) / 255) ** 2

    def _draw_patches(self, X, rng):
        """Cut different patches, `max_patches` at most, at random places: one a row."""
        size = self.patch_size
        places = (len(X), *on_cpu.n_positions(X.shape[1:], size, 1))
        n_places = int(np.prod(places, dtype=np.int64))
        n_drawn = min(self.max_patches, n_places)
        if n_drawn < self.n_atoms:
            raise ValueError(
                f"n_atoms={self.n_atoms} needs as many patches to learn from. Got "
                f"{n_drawn} from max_patches={self.max_patches} and {len(X)} images; "
                "use fewer atoms or more images."
            )
        place = sample_without_replacement(n_places, n_drawn, random_state=rng)
        image, top, left = (
            index[:, None, None] for index in np.unravel_index(place, places)
        )
        offset = np.arange(size)
        drawn = X[image, top + offset[:, None], left + offset]
        return drawn.reshape(n_drawn, -1).astype(np.float32)

    def _count_components(self, variances):
        if self.n_components is None:
            return len(variances)
        if isinstance(self.n_components, Integral):
            return min(self.n_components, len(variances))
        share = variances.cumsum(0) / variances.sum()
        return int((share < self.n_components).sum()) + 1

    def _encode_on_cpu(self, X, how, features, advance):
        dictionary = on_cpu.Dictionary(self.mean_, self.whitening_, self.atoms_)

        parities = self._find_parities(X, dictionary)
        both = {name: value for name, value in how.items() if name != "encoding"}

        def encode(rows):
            if parities is not None:
                features[rows] = encode_with_mirror(
                    X[rows], dictionary, parities, **both
                )
            else:
                features[rows] = on_cpu.encode(X[rows], dictionary, **how)
                if self.mirror:
                    mirrored = np.ascontiguousarray(X[rows, :, ::-1])
                    features[rows] += on_cpu.encode(mirrored, dictionary, **how)
            advance(rows.stop - rows.start)

        n_threads = count_threads(self.n_jobs, len(X))
        n_parts = max(n_threads, len(X) // 64)
        # One thread of torch in each of ours.
        with torch_threads(1):
            map_threads(encode, row_slices(len(X), n_parts), n_threads)

    def _find_parities(self, X, dictionary):
        """For one pass over images and mirror images; None where it takes two.

        As for patches that do not end at both sides, and for dictionaries of earlier
        versions.
        """
        ends = (X.shape[2] - self.patch_size) % self.stride == 0
        if not (self.mirror and self.encoding == "triangle" and ends):
            return None
        return find_parities(dictionary, self.patch_size)

    def _encode_on_device(self, X, how, features, device, advance):
        dictionary = on_cpu.Dictionary(
            *(
                torch.from_numpy(array).to(device)
                for array in (self.mean_, self.whitening_, self.atoms_)
            )
        )
        for rows in row_slices(len(X), -(-len(X) // self.batch_size)):
            images = torch.from_numpy(X[rows]).to(device).float()
            encoded = on_device.encode(images, dictionary, **how)
            if self.mirror:
                encoded += on_device.encode(images.flip(2), dictionary, **how)
            features[rows] = encoded.cpu().numpy()
            advance(rows.stop - rows.start)

    def __imgfeat_traits__(self):
        return Traits(device_param="device", learns_without_labels=True)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = True
        return tags

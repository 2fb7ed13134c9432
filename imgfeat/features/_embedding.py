"""CNN embeddings: what a pretrained net sees in an image, as a vector."""

from dataclasses import asdict
from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from torch import nn

from imgfeat._progress import progress
from imgfeat._sklearn import Interval, StrOptions, fit_context
from imgfeat.nets._backbones import find_backbone
from imgfeat.nets._engine import PRECISIONS, open_engine, plan_inference
from imgfeat.nets._readout import POOLINGS, Readout
from imgfeat.nets._schedule import share_out, usable_threads
from imgfeat.sources._batch import (
    check_images,
    is_sequence_of_sources,
    item_name,
    list_sources,
    read_source,
)


class CNNEmbedding(TransformerMixin, BaseEstimator):
    """Describe images by the last feature maps of a pretrained net, pooled.

    Works offline: the weights of the default net are installed with the library.
    Nothing is learned, so `transform` works without `fit`. Images of any size and kind
    are brought to what the net was trained on.

    Parameters
    ----------
    backbone : str or torch.nn.Module, default="efficientnet_lite0"
        The net: "efficientnet_lite0", "resnet18", "resnet50", "vgg16", "inception_v3",
        "efficientnet_b0" or "convnext_tiny". A module of your own takes normalized
        pixels (n, 3, height, width), returns feature maps or vectors, and states its
        preprocessing, as attribute ``preprocessing`` of type
        `imgfeat.nets.Preprocessing`, or as timm's nets do. It is never changed: a copy
        of it runs.
    weights : {"default", None}, default="default"
        ImageNet weights. Those of "efficientnet_lite0" are installed; those of the
        others must be on disk, where torchvision puts them or below ``IMGFEAT_HOME``,
        and are never downloaded. None is random weights, the same every time.
    pooling : {"avg", "max"}, default="avg"
        How each feature map becomes one number.
    size : int or tuple of (int, int), optional
        Height and width in pixels that the net sees, instead of those that its weights
        were trained for.
    batch_size : int, default=32
        Most images in one run of the net. A CPU is fastest with a few, which its
        caches hold, and gets at most 4 at a time.
    device : str, default="auto"
        "cpu", "cuda", "cuda:1"; "auto" is CUDA where there is a device.
    engine : {"auto", "torch", "onnx"}, default="auto"
        "onnx" is ONNX Runtime, several times as fast on a CPU; it comes with the extra
        ``imgfeat[onnx]``. A net is exported at its first use, which takes some seconds,
        and kept below ``IMGFEAT_HOME``. "auto" takes it on a CPU where it is
        installed, but runs a module of your own in torch.
    precision : {"auto", "float32", "float16", "bfloat16"}, default="auto"
        "auto" is float32 on a CPU and float16 autocast on CUDA.
    n_jobs : int, optional
        Threads in total, for decoding and for the net. None is all cores that this
        process may use, or ``OMP_NUM_THREADS``: nets are worth it, and joblib's worker
        processes share the machine by that variable.
    verbose : int, default=0
        Show progress.
    image_shape : tuple of (height, width) or (height, width, 3), optional
        Shape in pixels of the images in a 2-D X that are not square.

    Attributes
    ----------
    weights_info_ : dict
        ``name``, ``tag``, ``sha256`` and ``preprocessing`` of the weights. After
        `fit`, weights of another hash are refused.
    inference_info_ : dict
        ``engine``, ``device``, ``precision``, ``threads`` and ``batch_size`` as chosen.
    n_features_in_ : int
        Pixels and channels an image, when `fit` has seen an array.
    image_shape_in_ : tuple
        Shape of an image, when `fit` has seen an array; `transform` takes others.

    See Also
    --------
    HOG : No net, much faster, for shapes in images of one size.

    Notes
    -----
    A row does not depend on the others: alone, in any batch and for any `n_jobs` it is
    the same within 1e-5 of its largest value on one device. Both engines agree within
    1e-4 of it in float32. Paths, bytes, PIL images and arrays with the same pixels give
    the same row, gray images that of their RGB copies, and floats that of
    ``round(255 * x)``: nets see 8 bits.

    Files are decoded by the threads that run the net, a few images ahead of it, so
    memory does not grow with their number. Nets are kept per process, for all
    estimators; clones and pickles hold no weights, except a module of your own.

    The default net [1]_ was trained by Google on ImageNet, whose classes are everyday
    things. Unlike torchvision's and timm's own loops this runs in eval mode always, and
    images shrink antialiased.

    References
    ----------
    .. [1] M. Tan and Q. Le, "EfficientNet: Rethinking model scaling for convolutional
       neural networks", ICML 2019, :doi:`10.48550/arXiv.1905.11946`. The "lite"
       variant has no squeeze-and-excitation and clips at 6.

    Examples
    --------
    >>> import numpy as np
    >>> from imgfeat.features import CNNEmbedding
    >>> images = np.zeros((2, 40, 60, 3), dtype=np.uint8)
    >>> embedding = CNNEmbedding(engine="torch", n_jobs=1).fit(images)
    >>> embedding.transform(images).shape
    (2, 1280)
    >>> embedding.get_feature_names_out()[17]
    'efficientnet_lite0_0017'
    """

    _parameter_constraints: dict = {
        "backbone": [str, nn.Module],
        "weights": [StrOptions({"default"}), None],
        "pooling": [StrOptions(set(POOLINGS))],
        "size": [Interval(Integral, 1, None, closed="left"), tuple, None],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "device": [str],
        "engine": [StrOptions({"auto", "torch", "onnx"})],
        "precision": [StrOptions({"auto", *PRECISIONS})],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
        "image_shape": [tuple, None],
    }

    def __init__(
        self,
        backbone="efficientnet_lite0",
        *,
        weights="default",
        pooling="avg",
        size=None,
        batch_size=32,
        device="auto",
        engine="auto",
        precision="auto",
        n_jobs=None,
        verbose=0,
        image_shape=None,
    ):
        self.backbone = backbone
        self.weights = weights
        self.pooling = pooling
        self.size = size
        self.batch_size = batch_size
        self.device = device
        self.engine = engine
        self.precision = precision
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.image_shape = image_shape

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Find the weights and check the images; nothing is learned.

        Files are not read before `transform`.

        Parameters
        ----------
        X : images
            Paths, bytes, PIL images or arrays, of any sizes; or one array of shape
            (n_samples, height, width[, 3]), integers or floats in 0..1.
        y : Ignored

        Returns
        -------
        self : CNNEmbedding

        Raises
        ------
        FileNotFoundError
            If the weights are not on this machine.
        ModuleNotFoundError
            If ``engine="onnx"`` and the extra is not installed.
        ValueError
            If a parameter names what does not exist, or X is not a batch of images.
        """
        self._check(X, reset=True)
        backbone, plan = self._find_backbone(), self._plan()
        self._n_features_out = self._width(backbone, plan)
        self.weights_info_ = backbone.info()
        self.inference_info_ = asdict(plan)
        return self

    def transform(self, X):
        """Run the net over the images.

        Parameters
        ----------
        X : images
            As in `fit`; sizes may differ from those that `fit` has seen.

        Returns
        -------
        ndarray of shape (n_samples, width), float32
            C-contiguous; one row an image.

        Raises
        ------
        ImageDecodeError
            If an image cannot be read.
        ValueError
            If floats are outside 0..1, or the weights are not those of `fit`.
        """
        is_fitted = hasattr(self, "weights_info_")
        if not is_fitted:
            self._validate_params()
        items = self._check(X, reset=False)
        is_named = is_fitted and isinstance(self.backbone, str)
        sha256 = self.weights_info_["sha256"] if is_named else None
        backbone, plan = self._find_backbone(sha256), self._plan()
        engine = open_engine(backbone, self._readout(), plan)
        width = backbone.width or _measure_width(engine, backbone)
        features = np.empty((len(items), width), dtype=np.float32)
        n_workers, n_intra, pieces = plan.split(len(items))
        with (
            engine.running(n_intra) as run,
            progress("Embedding images", len(items), self.verbose) as advance,
        ):

            def make_worker():
                prepare = backbone.preprocessing.apply
                shape = plan.batch_size, *backbone.preprocessing.size, 3
                buffer = np.empty(shape, dtype=np.uint8)

                def embed(piece):
                    batch = buffer[: piece.stop - piece.start]
                    for row, view in enumerate(batch, piece.start):
                        prepare(self._read(items, row), view)
                    features[piece] = run(batch)

                return embed

            share_out(make_worker, pieces, n_workers, advance)
        return features

    def get_feature_names_out(self, input_features=None):
        """Name features by net and position, as in ``"efficientnet_lite0_0017"``."""
        if hasattr(self, "_n_features_out"):
            name, width = self.weights_info_["name"], self._n_features_out
        else:
            backbone = self._find_backbone()
            name, width = backbone.name, self._width(backbone, self._plan())
        prefix = name.lower()
        names = [f"{prefix}_{column:04d}" for column in range(width)]
        return np.asarray(names, dtype=object)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def _find_backbone(self, sha256=None):
        return find_backbone(self.backbone, self.weights, size=self.size, sha256=sha256)

    def _readout(self):
        return Readout(self.pooling)

    def _plan(self):
        return plan_inference(
            engine=self.engine,
            device=self.device,
            precision=self.precision,
            threads=usable_threads(self.n_jobs),
            batch_size=self.batch_size,
            own_module=not isinstance(self.backbone, str),
        )

    def _width(self, backbone, plan):
        """Length of the embedding; a module of the user's own is run to learn it."""
        if backbone.width is not None:
            return backbone.width
        return _measure_width(open_engine(backbone, self._readout(), plan), backbone)

    def _check(self, X, *, reset):
        """Return X as an array of images, or as a list of sources that are unread."""
        if is_sequence_of_sources(X):
            if reset:
                for name in ("image_shape_in_", "n_features_in_"):
                    self.__dict__.pop(name, None)
            return list_sources(X)
        X = check_images(
            self, X, reset=reset, image_shape=self.image_shape, any_size=True
        )
        _check_scale(X, type(self).__name__, "X")
        return X

    def _read(self, items, row):
        if isinstance(items, np.ndarray):
            return items[row]
        image = read_source(items[row], row)
        _check_scale(image, type(self).__name__, item_name(items[row], row))
        return image


def _measure_width(engine, backbone):
    image = np.zeros((1, *backbone.preprocessing.size, 3), dtype=np.uint8)
    with engine.running(1) as run:
        return run(image).shape[1]


def _check_scale(pixels, name, where):
    if pixels.dtype.kind != "f":
        return
    low, high = pixels.min(), pixels.max()
    if np.isnan(low):
        raise ValueError(
            f"{name} needs finite pixels. Got NaN in {where}; drop the image or "
            "replace the values."
        )
    if low < 0 or high > 1:
        raise ValueError(
            f"{name} reads float pixels as 0..1. Got {low:g} to {high:g} in {where}; "
            "divide 0..255 by 255, or convert to uint8."
        )

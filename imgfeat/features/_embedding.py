"""CNN embeddings: what a pretrained net sees in an image, as a vector."""

import os
from numbers import Integral, Real
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from torch import nn

from imgfeat._progress import progress
from imgfeat._sklearn import Interval, Options, StrOptions, fit_context
from imgfeat._threads import usable_threads
from imgfeat._traits import Traits
from imgfeat.features._finds_net import FindsNet
from imgfeat.features._portable_net import PortableNet
from imgfeat.kernels.resize import INTERPOLATIONS
from imgfeat.nets._pooling import POOLINGS, layer_names
from imgfeat.nets._preprocessing import VIEWS
from imgfeat.nets.inference._engines import ENGINES, PRECISIONS
from imgfeat.nets.inference._precision import golden_tolerance
from imgfeat.nets.inference._run import empty_features, run_net
from imgfeat.nets.inference._stock import open_engine
from imgfeat.sources._images import Images


class CNNEmbedding(FindsNet, PortableNet, TransformerMixin, BaseEstimator):
    """Describe images by what a pretrained net makes of them.

    Works offline: the weights of the default net are installed with the library.
    Nothing is learned, so `transform` works without `fit`. Images of any size and kind
    are brought to what the net was trained on.

    Parameters
    ----------
    backbone : str or torch.nn.Module, default="efficientnet_lite0"
        The net: the default, "efficientnet_lite1" and "efficientnet_lite2", which see
        more pixels (extra ``imgfeat[nets]``), any classification net of torchvision
        ("resnet18", "vit_b_16"), any of timm's as "timm/NAME", or one that was
        registered by `imgfeat.nets.register_backbone`; `imgfeat.nets.list_backbones`
        lists them. A module of your own takes normalized pixels (n, 3, height, width),
        returns feature maps, tokens or vectors, and states its preprocessing, as
        attribute ``preprocessing`` of type `imgfeat.nets.Preprocessing`, or as timm's
        nets do. It is never changed: a copy of it runs.
    layer : str or sequence of str, optional
        Dotted names of inner modules whose outputs are taken instead of the embedding,
        side by side from one pass; `imgfeat.nets.list_layers` lists them. Of a module
        that runs several times, the last output.
    weights : {"default", None}, tag or path, default="default"
        "default" is ImageNet weights. Those of "efficientnet_lite0" are installed, and
        of its larger ones with their extra; those of others must be on disk (``imgfeat
        weights fetch``), and are never downloaded here; "resnet9" and the like have
        none. A tag of torchvision or timm names others, a path is a safetensors or
        ``.pth`` file, and None is random weights, the same every time.
    pooling : {"auto", "avg", "max", "avgmax", "gem", "cls", None}, default="auto"
        How feature maps, or a transformer's tokens, become a vector: their average,
        maximum, the mean of both, or generalized mean with power 3 [2]_; or the class
        token. "auto" is the net's own way (DINOv2's class token, SigLIP's attention),
        and the average for an inner `layer`. None keeps every place, channel by
        channel. CLIP's vectors beside those of texts are its layer "head".
    size : int, tuple or list of (int, int), optional
        Height and width in pixels that the net sees, instead of those that its weights
        were trained for. timm's plain vision transformers (DINOv2, CLIP, SigLIP) get
        their positions interpolated; each side is a multiple of their patches.
    crop : float, optional
        The share of a resized image's sides that the net sees, instead of the weights'
        own.
    interpolation : {"nearest", "box", "bilinear", "bicubic", "lanczos"}, optional
        How images are resized, antialiased, instead of the weights' own.
    n_views : {1, 2, 5, 10}, default=1
        Views of an image whose vectors are averaged: the middle; with its mirror image;
        the middle and the four corners of the resized image; with their mirror images.
        Takes so many times as long.
    fast_decode : bool, default=False
        Let JPEG files that are at least four times as large as the net's view be
        decoded at 1/2, 1/4 or 1/8 of their size, to twice that view or more. Large
        photos are read several times as fast; vectors change slightly, see Notes.
    batch_size : int, default=32
        Most images in one run of the net. A CPU is fastest with a few, which its
        caches hold, and gets at most 4 at a time.
    device : str, default="auto"
        "cpu", "cuda", "cuda:1"; "auto" is CUDA where there is a device.
    engine : {"auto", "torch", "onnx", "openvino"}, default="auto"
        "onnx" is ONNX Runtime, several times as fast on a CPU; it comes with the extra
        ``imgfeat[onnx]``. A net is exported at its first use, which takes some seconds,
        and kept below ``IMGFEAT_HOME``. "openvino" runs the same exported net on a CPU,
        in bfloat16 too, though not in a process that was forked from one that has used
        it; it comes with ``imgfeat[openvino]``. "auto" is torch on CUDA; on a CPU what
        is the fastest of those that are installed, timed for about two seconds the
        first time a net is fitted on a machine, and kept (``imgfeat info``). A net that
        cannot be exported, or is a module of your own, runs in torch.
    precision : {"auto", "float32", "float16", "bfloat16", "int8"}, default="auto"
        "auto" is float16 autocast on CUDA; on a CPU float32, or bfloat16 where the CPU
        computes in it, that is faster, and every row of the first batch has a cosine of
        at least 0.999 with float32. A fitted model keeps what that was. Half precision
        that is asked for is checked against float32 on the first batch, which takes
        over if they differ. "int8" is for ONNX Runtime on a CPU, about twice as fast
        and less exact: how well vectors agree is in ``inference_info_``.
    compile : bool, default=False
        Let torch compile the net: some seconds or minutes before the first image, then
        faster than plain torch. On a CPU, ONNX Runtime needs no such wait.
    n_jobs : int, optional
        Threads in total, for decoding and for the net. None is all cores that this
        process may use, or ``OMP_NUM_THREADS``: nets are worth it, and joblib's worker
        processes share the machine by that variable.
    verbose : int, default=0
        Show progress.
    image_shape : tuple or list of (height, width) or (height, width, 3), optional
        Shape in pixels of the images in a 2-D X that are not square.

    Attributes
    ----------
    weights_info_ : dict
        ``name``, ``tag``, ``sha256`` and ``preprocessing`` of the weights. After
        `fit`, weights of another hash are refused.
    inference_info_ : dict
        ``engine``, ``device``, ``precision``, ``threads``, ``batch_size`` and so on, as
        chosen; after `transform` also what the engine measured.
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
    the same within 1e-5 of its largest value on one device, and all engines agree
    within 1e-4 of it, both in float32. Paths, bytes, PIL images and arrays with the
    same pixels give the same row, gray images that of their RGB copies, and floats that
    of ``round(255 * x)``: nets see 8 bits.

    Files are decoded by the threads that run the net, a few images ahead of it, so
    memory does not grow with their number. With `fast_decode` vectors of photos of 1500
    x 1125 pixels had a cosine of 0.997 with the exact ones (bench_embedding.py). Nets
    are kept per process, for all estimators; clones and pickles hold no weights, except
    a module of your own.

    The default net [1]_ was trained by Google on ImageNet, whose classes are everyday
    things. Unlike torchvision's and timm's own loops this runs in eval mode always, and
    images shrink antialiased.

    References
    ----------
    .. [1] M. Tan and Q. Le, "EfficientNet: Rethinking model scaling for convolutional
       neural networks", ICML 2019, :doi:`10.48550/arXiv.1905.11946`. The "lite"
       variant has no squeeze-and-excitation and clips at 6.
    .. [2] F. Radenovic, G. Tolias and O. Chum, "Fine-tuning CNN image retrieval with no
       human annotation", TPAMI 41(7), 2019, :doi:`10.1109/TPAMI.2018.2846566`. The
       power is learned there and fixed here.

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
    >>> inner = CNNEmbedding(layer="blocks.3", engine="torch", n_jobs=1).fit(images)
    >>> inner.transform(images).shape
    (2, 80)
    """

    _parameter_constraints: dict = {
        "backbone": [str, nn.Module],
        "layer": [str, list, tuple, None],
        "weights": [str, os.PathLike, None],
        "pooling": [StrOptions(set(POOLINGS)), None],
        "size": [Interval(Integral, 1, None, closed="left"), tuple, list, None],
        "crop": [Interval(Real, 0, 1, closed="right"), None],
        "interpolation": [StrOptions(set(INTERPOLATIONS)), None],
        "n_views": [Options(Integral, set(VIEWS))],
        "fast_decode": ["boolean"],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "device": [str],
        "engine": [StrOptions({"auto", *ENGINES})],
        "precision": [StrOptions({"auto", *PRECISIONS})],
        "compile": ["boolean"],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
        "image_shape": [tuple, list, None],
    }

    def __init__(
        self,
        backbone="efficientnet_lite0",
        *,
        layer=None,
        weights="default",
        pooling="auto",
        size=None,
        crop=None,
        interpolation=None,
        n_views=1,
        fast_decode=False,
        batch_size=32,
        device="auto",
        engine="auto",
        precision="auto",
        compile=False,
        n_jobs=None,
        verbose=0,
        image_shape=None,
    ):
        self.backbone = backbone
        self.layer = layer
        self.weights = weights
        self.pooling = pooling
        self.size = size
        self.crop = crop
        self.interpolation = interpolation
        self.n_views = n_views
        self.fast_decode = fast_decode
        self.batch_size = batch_size
        self.device = device
        self.engine = engine
        self.precision = precision
        self.compile = compile
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.image_shape = image_shape

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None) -> Self:
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
            If the extra of the `engine` is not installed.
        RuntimeError
            If the `engine` does not run in this process, which was forked.
        ValueError
            If a parameter names what does not exist, or X is not a batch of images.
        """
        self._images(X, reset=True)
        net = self._find_net().settled(self.verbose)
        self._widths = net.widths
        self.weights_info_ = net.backbone.info()
        self.inference_info_ = net.plan.info() | {
            "n_views": self.n_views,
            "fast_decode": self.fast_decode,
        }
        self._ready = self._key(), net
        return self

    def transform(self, X) -> np.ndarray:
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
        images = self._images(X, reset=False)
        net = self._ready_net()
        engine = open_engine(net.backbone, net.readout, net.plan, self.verbose)
        seen = net.backbone.preprocessing
        features = empty_features(len(images), net.width, self.pooling)
        # Resizing to half or less leaves little of what a decoder does differently.
        at_least = 2 * seen.shorter_side() if self.fast_decode else None

        def read(row):
            return images.read(row, at_least)

        with progress("Embedding images", len(images), self.verbose) as advance:
            views = VIEWS[self.n_views]
            run_net(engine, net.plan, read, seen, views, features, advance)
        if is_fitted:
            self._note(engine.info, net.plan)
        return features

    def get_feature_names_out(self, input_features=None) -> np.ndarray:
        """Name features by net, layer and position: ``"efficientnet_lite0_0017"``.

        With `layer`, ``"resnet18_layer3_0017"``.
        """
        if hasattr(self, "_widths"):
            name, widths = self.weights_info_["name"], self._widths
        else:
            net = self._find_net()
            name, widths = net.backbone.name, net.widths
        names = [
            f"{prefix}_{column:04d}"
            for prefix, width in zip(self._prefixes(name), widths, strict=True)
            for column in range(width)
        ]
        return np.asarray(names, dtype=object)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def __imgfeat_traits__(self):
        return Traits(
            holds_net=True,
            takes_any_size=True,
            device_param="device",
            tolerance=golden_tolerance(
                self.precision,
                on_cuda="float16",
                found=getattr(self, "inference_info_", {}).get("precision"),
            ),
        )

    def _cache_facts(self):
        """What "default" weights and "auto" devices are here, for they differ."""
        fitted = getattr(self, "weights_info_", {})
        is_named = isinstance(self.backbone, str)
        sha256 = fitted.get("sha256") if is_named else None
        net = self._find_net(sha256).settled(self.verbose)
        backbone, plan = net.backbone, net.plan
        return {
            "weights": backbone.info(),
            "code": backbone.code,  # a user's own, edited as they go
            "runs_as": [plan.engine, plan.device.split(":")[0], plan.precision],
        }

    def _images(self, X, *, reset):
        return Images(
            self, X, reset=reset, image_shape=self.image_shape, unit_range=True
        )

    def _prefixes(self, name):
        name = name.lower()
        return [f"{name}_{layer}" for layer in layer_names(self.layer)] or [name]

    def _ready_net(self):
        """The net of `fit`; looked up again only where something of it has changed."""
        if not (hasattr(self, "weights_info_") and isinstance(self.backbone, str)):
            # A module may have been trained since.
            return self._find_net().settled(self.verbose)
        key, net = self.__dict__.get("_ready", (None, None))
        if key != self._key():
            net = self._find_net(self.weights_info_["sha256"]).settled(self.verbose)
            self._ready = self._key(), net
        return net

    def _key(self):
        """All that the net of a fitted estimator depends on."""
        params = repr(self.get_params(deep=False))  # lists among them can change
        sha256 = self.weights_info_["sha256"]
        # Some engines do not run in a process that is forked.
        return params, usable_threads(self.n_jobs), sha256, os.getpid()

    def _note(self, info, plan):
        """Keep what has run: it runs so from now on, and wherever this is loaded."""
        self.inference_info_.update(info)
        if info["precision"] != plan.precision:
            self._ready = None, None

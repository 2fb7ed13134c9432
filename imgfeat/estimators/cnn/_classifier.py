"""Nets that learn: from scratch, or from pretrained weights."""

import os
from numbers import Integral, Real
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted
from torch import nn

from imgfeat._frames import make_frame
from imgfeat._sklearn import Interval, Options, StrOptions, fit_context
from imgfeat._traits import Traits
from imgfeat._typing import Axes
from imgfeat.estimators._several_labels import SeveralLabels
from imgfeat.estimators.cnn import _training
from imgfeat.estimators.cnn._history import draw_history
from imgfeat.estimators.cnn._judging import Judging, predict_proba
from imgfeat.estimators.cnn._lr_schedules import SCHEDULES
from imgfeat.estimators.cnn._skorch import SkorchNet
from imgfeat.nets._preprocessing import VIEWS
from imgfeat.nets.inference._precision import golden_tolerance
from imgfeat.preprocess._augment import POLICIES, Policy

_TABLES = {"history_", "errors_"}


class CNNClassifier(Judging, SeveralLabels, BaseEstimator):
    """Train a convolutional net on images, from scratch or from pretrained weights.

    Behaves as any classifier of scikit-learn, in pipelines, cross-validation and
    searches. Files are read lazily, epoch by epoch. Inside is a skorch net, `net_`.

    Parameters
    ----------
    backbone : str or torch.nn.Module, default="efficientnet_lite0"
        "simple_cnn" (a few convolutions, sized to the images), "resnet9" and the wider
        "resnet9_w32" are trained from scratch. All other names are pretrained nets, as
        for `CNNEmbedding`, which get a new head; so does a module of your own, which is
        copied.
    weights : {"default", None}, tag or path, default="default"
        Of a pretrained net, as for `CNNEmbedding`; None trains all of it from scratch.
    trainable : {"head", "all", "staged"} or sequence of str, default="staged"
        What learns in a pretrained net. "head" is the new last layer; the rest runs
        only once if images do not change by augmentation or mixing. "staged" first
        fits the head as a logistic regression on the frozen features, which is quick,
        and then trains all layers, early ones at lower rates [1]_. Patterns such as
        ``"layer4.*"`` name layers, besides the head.
    max_epochs : int, default=20
        Times that training sees every image.
    batch_size : int, default=64
        Images in a training step. A last batch of one joins the one before.
    lr : float or "auto", default="auto"
        Highest learning rate, of the head or a net from scratch. "auto" is, for 64
        images a batch, 0.01 for a net from scratch and 0.001 for a new head with
        "adamw", ten times that with "sgd", in proportion to the root of `batch_size`.
    backbone_lr_factor : float, default=0.1
        Share of `lr` that pretrained layers get.
    optimizer : {"adamw", "sgd"}, default="adamw"
        SGD has Nesterov's momentum of 0.9.
    weight_decay : float, default=0.01
        Of weights, not of biases and norms.
    schedule : {"onecycle", "cosine", None}, default="onecycle"
        How the rate goes: up for a quarter of the steps and down, down only, constant.
    dropout : float, default=0.2
        Share of the features in front of the head that are left out at random.
    label_smoothing : float, default=0.0
        Share of a label that is spread over all classes.
    class_weight : dict or "balanced", optional
        Weights of classes, by label; of several, of images with it against others.
    augment : str, Policy or callable, default="none"
        "none", "light", "standard", "randaugment", "trivialaugment", a
        `imgfeat.preprocess.Policy`, or a function from a uint8 image (height, width, 3)
        to another. Those named, but for "none", mirror images, which letters and digits
        do not survive.
    mixup, cutmix : float, default=0.0
        Parameter of the beta distribution by which images are mixed; 0 is off.
    early_stopping : bool or int, default=False
        End when so many epochs, 5 for True, brought no lower validation loss, and go
        back to the best one.
    validation_fraction : float, default=0.1
        Share of the images, of each class, that early stopping is judged by.
    n_views : {1, 2, 5, 10}, default=1
        Views whose probabilities prediction averages, as for `CNNEmbedding`.
    size : int or tuple of (int, int), optional
        Height and width in pixels that the net sees. None is what its weights were
        trained for, or, from scratch, the size of the first image, at most 128. New
        ResNets and VGGs for 64 pixels or less get first layers that keep them.
    device : str, default="auto"
        "cpu", "cuda", "cuda:1"; "auto" is CUDA where there is a device. "accelerate"
        lets all processes of ``accelerate launch`` train together; see Notes.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        "auto" is bfloat16 autocast on CUDA and float32 on a CPU, where bfloat16 is two
        to four times as fast if it has AMX.
    compile : bool, default=False
        Let torch compile the net for training.
    on_error : {"raise", "skip"}, default="raise"
        "skip" leaves out of training what cannot be read, and lists it in `errors_`.
    checkpoint_dir : path, optional
        Gets a folder for each training, known by all that shapes it: images too.
    resume : bool, default=False
        Go on from the same training, if it is there; needs a `random_state`.
    warm_start : bool, default=False
        Let `fit` begin with the weights of the last one, which had the same net.
    callbacks : list of skorch callbacks, optional
    random_state : int, RandomState instance or None, default=None
        Draws first weights, order, augmentation and the validation part. The same int
        gives the same weights on the same machine, on a CPU.
    n_jobs : int, optional
        Threads, for reading and for the net; None is all cores this process may use.
    verbose : int or bool, default=0
        Print a line an epoch.
    image_shape : tuple or list of (height, width) or (height, width, 3), optional
        Shape in pixels of the images in a 2-D X that are not square.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted; of several an image, names or numbers of the columns of y.
    multilabel_ : bool
        Whether y gave an image several labels.
    net_ : skorch net
        Its ``module_`` is torch's, from uint8 images (n, 3, height, width) to logits.
    history_ : DataFrame
        A row an epoch: ``epoch``, ``train_loss``, ``lr``, ``dur`` in seconds, and with
        early stopping ``valid_loss``, ``valid_acc`` and ``is_best``.
    errors_ : DataFrame with columns ``row``, ``path`` and ``reason``
        Images that were skipped.
    n_features_in_ : int
        Values in an image, when `fit` has seen an array.

    See Also
    --------
    CNNEmbedding : Frozen features for any other classifier: quicker, often as good.

    Notes
    -----
    Batch norms of pretrained nets keep the statistics of their weights; those of nets
    from scratch learn them. Frozen layers run as in prediction.

    Ctrl-C is raised once the weights so far, with early stopping the best, are kept. A
    pickle and a saved file hold the weights, but not the optimizer.

    Several GPUs: set ``device="accelerate"`` and start the script, a process a GPU, by
    ``accelerate launch --num_processes 4 script.py``. Each process passes all images
    and trains on its share of every batch of `batch_size`; so the result is that of one
    process, but for batch norms from scratch, which know the first one's shares, and
    for random draws. After `fit` all hold the same net; let one save it.

    References
    ----------
    .. [1] A. Kumar et al., "Fine-tuning can distort pretrained features and
       underperform out-of-distribution", ICLR 2022, :doi:`10.48550/arXiv.2202.10054`.
       Lower rates for early layers are added here, after J. Howard and S. Ruder,
       "Universal language model fine-tuning", ACL 2018, :doi:`10.18653/v1/P18-1031`.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from imgfeat.estimators import CNNClassifier
    >>> images, y = load_digits().images / 16, load_digits().target
    >>> cnn = CNNClassifier("simple_cnn", max_epochs=5, random_state=0, n_jobs=1)
    >>> bool(cnn.fit(images[:1000], y[:1000]).score(images[1000:], y[1000:]) > 0.85)
    True
    """

    # Of scikit-learn's metadata routing: groups are wanted, wherever there are any.
    __metadata_request__fit = {"groups": True}

    _parameter_constraints: dict = {
        "backbone": [str, nn.Module],
        "weights": [str, os.PathLike, None],
        "trainable": [StrOptions({"head", "all", "staged"}), list, tuple],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 2, None, closed="left")],
        "lr": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
        "backbone_lr_factor": [Interval(Real, 0, None, closed="left")],
        "optimizer": [StrOptions({"adamw", "sgd"})],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "schedule": [Options(object, set(SCHEDULES))],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "augment": [StrOptions(set(POLICIES)), callable, Policy],
        "mixup": [Interval(Real, 0, None, closed="left")],
        "cutmix": [Interval(Real, 0, None, closed="left")],
        "early_stopping": ["boolean", Interval(Integral, 1, None, closed="left")],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_views": [Options(Integral, set(VIEWS))],
        "size": [Interval(Integral, 1, None, closed="left"), tuple, list, None],
        "device": [str],
        "precision": [StrOptions({"auto", "float32", "bfloat16"})],
        "compile": ["boolean"],
        "on_error": [StrOptions({"raise", "skip"})],
        "checkpoint_dir": [str, os.PathLike, None],
        "resume": ["boolean"],
        "warm_start": ["boolean"],
        "callbacks": [list, tuple, None],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
        "image_shape": [tuple, list, None],
    }

    def __init__(
        self,
        backbone="efficientnet_lite0",
        *,
        weights="default",
        trainable="staged",
        max_epochs=20,
        batch_size=64,
        lr="auto",
        backbone_lr_factor=0.1,
        optimizer="adamw",
        weight_decay=0.01,
        schedule="onecycle",
        dropout=0.2,
        label_smoothing=0.0,
        class_weight=None,
        augment="none",
        mixup=0.0,
        cutmix=0.0,
        early_stopping=False,
        validation_fraction=0.1,
        n_views=1,
        size=None,
        device="auto",
        precision="auto",
        compile=False,
        on_error="raise",
        checkpoint_dir=None,
        resume=False,
        warm_start=False,
        callbacks=None,
        random_state=None,
        n_jobs=None,
        verbose=0,
        image_shape=None,
    ):
        self.backbone = backbone
        self.weights = weights
        self.trainable = trainable
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.backbone_lr_factor = backbone_lr_factor
        self.optimizer = optimizer
        self.weight_decay = weight_decay
        self.schedule = schedule
        self.dropout = dropout
        self.label_smoothing = label_smoothing
        self.class_weight = class_weight
        self.augment = augment
        self.mixup = mixup
        self.cutmix = cutmix
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_views = n_views
        self.size = size
        self.device = device
        self.precision = precision
        self.compile = compile
        self.on_error = on_error
        self.checkpoint_dir = checkpoint_dir
        self.resume = resume
        self.warm_start = warm_start
        self.callbacks = callbacks
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.image_shape = image_shape

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, groups=None) -> Self:
        """Train the net.

        Parameters
        ----------
        X : images
            Paths, bytes, PIL images or arrays, of any sizes; or one array of shape
            (n_samples, height, width[, 3]), integers or floats in 0..1.
        y : array-like of shape (n_samples,), or (n_samples, n_classes)
            Labels of at least two classes. Of several labels an image (0 and 1, or a
            list of names for each), the loss is the binary cross-entropy of each.
        sample_weight : array-like of shape (n_samples,), optional
        groups : array-like of shape (n_samples,), optional
            Images that share one are not parted by the split of early stopping.

        Returns
        -------
        self : CNNClassifier

        Raises
        ------
        ImageDecodeError
            If an image cannot be read, unless ``on_error="skip"``.
        ValueError
            If a parameter or y is out of range, the loss is no longer finite, a
            checkpoint is damaged, or a warm start of another net.
        """
        go_on = self.warm_start and hasattr(self, "classes_")
        options = {"n_epochs": self.max_epochs, "groups": groups}
        return _training.train(self, X, y, sample_weight, go_on=go_on, **options)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None) -> Self:
        """Train for one more epoch, at a constant rate.

        Parameters
        ----------
        X, y, sample_weight : as in `fit`
        classes : array-like of shape (n_classes,), optional
            All labels that will come; needed at the first call unless y has all.

        Returns
        -------
        self : CNNClassifier
        """
        go_on = hasattr(self, "classes_")
        options = {"n_epochs": 1, "classes": classes, "is_partial": True}
        return _training.train(self, X, y, sample_weight, go_on=go_on, **options)

    def predict_proba(self, X) -> np.ndarray:
        """Probabilities of the classes.

        Parameters
        ----------
        X : images
            As in `fit`; sizes may differ.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), float32; of one label, rows sum to 1
        """
        return predict_proba(self, X)

    def predict(self, X) -> np.ndarray:
        """Label images by their most probable class, or by all above one half.

        Parameters
        ----------
        X : images

        Returns
        -------
        ndarray of shape (n_samples,), or (n_samples, n_classes) of 0 and 1
        """
        return self._decide(self.predict_proba(X))

    def plot_history(self, ax=None) -> Axes:
        """Draw losses and, with early stopping, accuracy against epochs.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        Axes
        """
        check_is_fitted(self)
        return draw_history(self.history_, ax)

    @property
    def net_(self) -> SkorchNet:
        """The skorch net; after loading, made when it is first asked for."""
        check_is_fitted(self)
        if "_net" not in self.__dict__:
            self._net = _training.rebuild(self)
        return self._net

    def __getstate__(self):
        state = super().__getstate__().copy()
        net = state.pop("_net", None)
        if net is not None:
            state["_tensors"] = _training.as_arrays(net.module_)
        for table in _TABLES & state.keys():
            state[table] = state[table].to_dict("list")  # plain, for saved files
        return state

    def __setstate__(self, state):
        tables = {name: make_frame(state[name]) for name in _TABLES & state.keys()}
        super().__setstate__(state | tables)

    def __imgfeat_traits__(self):
        # Launched processes have devices of their own.
        return Traits(
            holds_net=True,
            takes_any_size=True,
            device_param=None if self.device == "accelerate" else "device",
            tolerance=golden_tolerance(self.precision, on_cuda="bfloat16"),
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags

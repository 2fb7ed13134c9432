"""Classify images by vectors of what their classes are called, without any image."""

import os
from collections.abc import Mapping
from numbers import Real
from typing import Self

import numpy as np
from scipy.special import expit, log_expit, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from imgfeat._sklearn import Interval, StrOptions, fit_context
from imgfeat._target import refuse_several
from imgfeat.estimators._class_vectors import read_class_vectors


def _is_sigmoid(classifier):
    return classifier.activation == "sigmoid"


class ZeroShotClassifier(ClassifierMixin, BaseEstimator):
    """Classify vectors of images by the stored vector of each class nearest in angle.

    For nets that were trained to put images beside texts, such as CLIP and SigLIP. The
    vectors of the texts are made once, anywhere; no text tower runs here, and no image
    of any class is needed.

    Parameters
    ----------
    class_vectors : mapping, array-like or path
        From labels, all text or all integers, to vectors of shape (n_features,), or
        (n_prompts, n_features) for several prompts a class, whose directions are
        averaged. Or an array of shape (n_classes, n_features), or (n_classes,
        n_prompts, n_features), with `classes`. Or the path of an ``.npz`` or
        ``.safetensors`` file of such arrays by label.
    classes : array-like of shape (n_classes,), optional
        Labels of an array's rows.
    logit_scale : float, default=100.0
        What cosines are multiplied by: the exponential of the ``logit_scale`` that the
        net was trained with. 100 is that of CLIP.
    logit_bias : float, default=0.0
        What is added then: ``logit_bias`` of SigLIP.
    activation : {"softmax", "sigmoid"}, default="softmax"
        "softmax" is CLIP's: one of the classes is right. "sigmoid" is SigLIP's: each
        text suits the image or not; see `match_proba`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    class_vectors_ : ndarray of shape (n_classes, n_features)
        Of unit length, in the order of ``classes_``, in the dtype of X.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        If X had column names, all text.

    See Also
    --------
    PrototypeClassifier : For one image of each class, or a few.
    imgfeat.features.CNNEmbedding : Gives the vectors of images; those that CLIP
        compares with texts are its ``layer="head"``.

    Notes
    -----
    Images and texts are made by two halves of one net: vectors of another net may be as
    long, and say nothing. `fit` learns nothing from images. It keeps the vectors, so
    that a saved file carries them, and needs no other.

    Image vectors of zeros are as near to all classes.

    References
    ----------
    .. [1] A. Radford et al., "Learning transferable visual models from natural language
       supervision", ICML 2021, :doi:`10.48550/arXiv.2103.00020`. Prompts are averaged
       as there.
    .. [2] X. Zhai, B. Mustafa, A. Kolesnikov and L. Beyer, "Sigmoid loss for language
       image pre-training", ICCV 2023, :doi:`10.48550/arXiv.2303.15343`.

    Examples
    --------
    >>> import numpy as np
    >>> from imgfeat.estimators import ZeroShotClassifier
    >>> texts = {"ant": [1.0, 0.0, 0.2], "bee": [[0.0, 1.0, 0.1], [0.1, 0.9, 0.0]]}
    >>> images = np.array([[0.9, 0.1, 0.3], [0.2, 3.0, 0.0]])
    >>> classifier = ZeroShotClassifier(texts).fit(images)
    >>> classifier.predict(images)
    array(['ant', 'bee'], dtype='<U3')
    """

    _parameter_constraints: dict = {
        "class_vectors": [Mapping, "array-like", str, os.PathLike],
        "classes": ["array-like", None],
        "logit_scale": [Interval(Real, 0, None, closed="neither")],
        "logit_bias": [Real],
        "activation": [StrOptions({"softmax", "sigmoid"})],
    }

    def __init__(
        self,
        class_vectors,
        *,
        classes=None,
        logit_scale=100.0,
        logit_bias=0.0,
        activation="softmax",
    ):
        self.class_vectors = class_vectors
        self.classes = classes
        self.logit_scale = logit_scale
        self.logit_bias = logit_bias
        self.activation = activation

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None) -> Self:
        """Keep the class vectors, if they suit those of images; nothing is learned.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Vectors of images, of which only the length and the dtype count.
        y : array-like of shape (n_samples,), optional
            Labels, each of which needs a class vector.

        Returns
        -------
        self : ZeroShotClassifier

        Raises
        ------
        ValueError
            If a row has several labels; the class vectors are of another length than
            those of images, of several, not finite or zero; there is one class, or one
            twice; or a label in y has no vector.
        FileNotFoundError
            If there is no such file.
        """
        refuse_several(y, "ZeroShotClassifier")
        X = validate_data(self, X, dtype=[np.float64, np.float32])
        classes, vectors = read_class_vectors(self.class_vectors, self.classes)
        if vectors.shape[1] != X.shape[1]:
            raise ValueError(
                f"ZeroShotClassifier needs class vectors of {X.shape[1]} numbers, as "
                f"images have. Got {vectors.shape[1]}; take the image tower that "
                "belongs to the text tower, with its projection: of CLIP, "
                "CNNEmbedding(..., layer='head')."
            )
        if y is not None:
            _check_known(classes, y)
        self.classes_ = classes
        self.class_vectors_ = vectors.astype(X.dtype)
        return self

    def decision_function(self, X) -> np.ndarray:
        """Scale the cosines of image vectors and class vectors.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or (n_samples,) for two classes
            Cosine times `logit_scale` plus `logit_bias`; for two classes, what the
            second has more than the first.
        """
        logits = self._logits(X)
        return logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits

    def predict(self, X) -> np.ndarray:
        """Predict the class whose vector is nearest in angle.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return self.classes_[self._logits(X).argmax(axis=1)]

    def predict_proba(self, X) -> np.ndarray:
        """Predict the probability of each class, if one of them is right.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``; rows sum to 1. With
            ``activation="sigmoid"`` what `match_proba` gives, divided by its sum.
        """
        logits = self._logits(X)
        # By logarithms, for SigLIP's probabilities may all be next to nothing.
        return softmax(log_expit(logits) if _is_sigmoid(self) else logits, axis=1)

    @available_if(_is_sigmoid)
    def match_proba(self, X) -> np.ndarray:
        """Predict, for each class by itself, whether its text suits the image.

        Of an image of something else all are small. Only with ``activation="sigmoid"``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``.
        """
        return expit(self._logits(X))

    def _logits(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        lengths = np.linalg.norm(X, axis=1, keepdims=True)
        cosines = (X / np.where(lengths > 0, lengths, 1)) @ self.class_vectors_.T
        return self.logit_scale * cosines + self.logit_bias

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = False
        return tags


def _check_known(classes, y):
    unknown = np.setdiff1d(np.asarray(y).ravel(), classes).tolist()
    if unknown:
        raise ValueError(
            "ZeroShotClassifier needs a class vector for every label. Got "
            f"{unknown[0]!r} in y, which has none; its classes are "
            f"{', '.join(map(str, classes))}."
        )

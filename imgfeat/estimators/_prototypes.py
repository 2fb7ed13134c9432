"""Classify by the nearest mean of a class, from one row a class on."""

from numbers import Real
from typing import Self

import numpy as np
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from imgfeat._clear_labels import refuse_unclear
from imgfeat._sklearn import check_sample_weight, fit_context
from imgfeat._target import refuse_several
from imgfeat._threads import blas_threads_for
from imgfeat.estimators._class_scatter import ClassScatter
from imgfeat.estimators._linear_rule import LinearRule, check_every_class
from imgfeat.estimators._temperature import fit_temperature, probabilities

_SHRINKAGES = (0.1, 0.3, 0.5, 0.7, 0.9, 0.97, 0.99, 0.997, 0.999, 1.0)
# In units of the mean square of rows, less their mean, where none can be left out.
# It is near the best for one image a class of CIFAR-10, and of ants and bees.
_UNMEASURED = 0.15
_TINY = np.finfo(np.float64).tiny


class PrototypeClassifier(LinearRule):
    """Classify vectors by the nearest mean of a class, from one row a class on.

    Distances are less along directions in which rows of one class differ anyway: by a
    pooled covariance, shrunk towards a sphere. How far is chosen by leaving each row
    out, exactly, in closed form. With one row a class there is nothing to leave out:
    distances are plain.

    Parameters
    ----------
    shrinkage : float or array-like of shape (n_shrinkages,), optional
        How much of a sphere is in the covariance: above 0, up to 1, which is plain
        distances. Of several the one with the least log loss on rows left out is taken;
        of equals the largest. None is ten of them, from 0.1 to 1.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    prototypes_ : ndarray of shape (n_classes, n_features)
        The means of the classes, in the dtype of X.
    coef_ : ndarray of shape (n_classes, n_features), or (1, n_features) for two classes
        Slopes of the decisions, in the dtype of X.
    intercept_ : ndarray of shape (n_classes,), or (1,) for two classes
    shrinkage_ : float
        The chosen one; 1 where no class has two rows.
    loo_scores_ : ndarray of shape (n_shrinkages,), or None
        Minus the log loss on rows left out, for each shrinkage in the order given, of
        rows whose class has others; None if there are none. Higher is better.
    temperature_ : float
        What decisions are divided by before `predict_proba` makes them shares.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        If X had column names, all text.

    See Also
    --------
    RidgeProbe : For more rows a class.
    sklearn.neighbors.NearestCentroid : Plain distances, chosen by nothing.
    sklearn.discriminant_analysis.LinearDiscriminantAnalysis : The same rule, with
        a shrinkage that comes from a formula and probabilities of a Gaussian.
    make_recipe : ``"prototype"`` puts this behind a pretrained net.

    Notes
    -----
    Classes count alike, however many rows they have. Means of embeddings are what
    prototypical networks [1]_ classify by; there a net is trained for it, here it is
    taken as it is. Rows of unit length are advised [2]_: put ``Normalizer()`` in front,
    as the recipe does, so that distances are those of cosines. Nothing need be
    subtracted, for distances do not see where zero is. In the paper the mean of many
    other images is, before the length is taken. That of the few themselves won a point
    with one image of each of ten classes, and lost eight with one of each of two
    (benchmarks/bench_few_shot.py).

    The mean of few rows is off by their noise, so that squared distances to it are too
    long, by the variance over their number. That is taken off: a class of one row and
    one of ten are as near to what lies between them.

    A row is left out of the mean of its class and of the covariance. Steps in front see
    it, though not its label. Of a class with one row nothing is left out: its mean is
    only what rows of others are held against.

    Probabilities are a softmax of minus half the squared distances, with the scale that
    has the least log loss on left-out rows [3]_. Where each class has one row there are
    none, and the temperature is 0.15 times the mean square of what rows differ from
    their mean by, which is near the best for the images of the benchmark.

    References
    ----------
    .. [1] J. Snell, K. Swersky and R. Zemel, "Prototypical networks for few-shot
       learning", NeurIPS 2017, :doi:`10.48550/arXiv.1703.05175`.
    .. [2] Y. Wang, W.-L. Chao, K. Weinberger and L. van der Maaten, "SimpleShot:
       Revisiting nearest-neighbor classification for few-shot learning", 2019,
       :doi:`10.48550/arXiv.1911.04623`. The covariance is ours.
    .. [3] C. Guo, G. Pleiss, Y. Sun and K. Weinberger, "On calibration of modern neural
       networks", ICML 2017, :doi:`10.48550/arXiv.1706.04599`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from imgfeat.estimators import PrototypeClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> one_each = PrototypeClassifier().fit(X[::50], y[::50])
    >>> float(round(one_each.score(X, y), 2))
    0.9
    >>> ten_each = PrototypeClassifier().fit(X[::5], y[::5])
    >>> ten_each.loo_scores_.shape
    (10,)
    """

    _parameter_constraints: dict = {"shrinkage": [Real, "array-like", None]}

    def __init__(self, shrinkage=None):
        self.shrinkage = shrinkage

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None) -> Self:
        """Take the means of the classes, and choose how to tell distances from them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Finite numbers.
        y : array-like of shape (n_samples,)
            Labels of at least two classes: text or integers. One row each is enough.
        sample_weight : array-like of shape (n_samples,), optional
            Not negative. A row of weight 0 is as if it were not there.

        Returns
        -------
        self : PrototypeClassifier

        Raises
        ------
        ValueError
            If a row has several labels, there is one class only, a class without
            weight, a shrinkage or a weight out of range, or X is sparse or not finite.
        """
        refuse_several(y, "PrototypeClassifier")
        refuse_unclear(y, "PrototypeClassifier")
        X, y = validate_data(self, X, y, dtype=[np.float64, np.float32])
        check_classification_targets(y)
        shrinkages = _check_shrinkages(self.shrinkage)
        weights = check_sample_weight(
            sample_weight, X, dtype=np.float64, ensure_non_negative=True
        )
        self.classes_ = np.unique(y)
        here = weights > 0
        if not here.all():
            X, y, weights = X[here], y[here], weights[here]
        check_every_class(self.classes_, y, "PrototypeClassifier")
        labels = np.searchsorted(self.classes_, y)

        with blas_threads_for(X.size * min(X.shape)):
            scatter = ClassScatter(X, labels, weights)
            self.shrinkage_, self.loo_scores_, scale = _choose(scatter, shrinkages)
            coef, intercept = scatter.rule(self.shrinkage_)
        if len(self.classes_) == 2:
            coef, intercept = coef[1:] - coef[:1], intercept[1:] - intercept[:1]
        self.prototypes_ = (scatter.means + scatter.center).astype(X.dtype)
        self.coef_ = np.ascontiguousarray(coef, dtype=X.dtype)
        self.intercept_ = intercept.astype(X.dtype)
        self.temperature_ = 1 / scale
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = False
        return tags


def _choose(scatter, shrinkages):
    """The best shrinkage, the scores of all, and the scale of the probabilities."""
    here = scatter.can_leave
    if not here.any():
        return 1.0, None, 1 / (_UNMEASURED * scatter.mean_square())
    labels, weights = scatter.labels[here], scatter.weights[here]
    scores, scales = np.empty((2, len(shrinkages)))
    for i, shrinkage in enumerate(shrinkages):
        decisions = scatter.left_out(shrinkage)[here]
        scales[i] = fit_temperature(decisions, labels, weights)
        shares = probabilities(decisions, scales[i])[np.arange(len(labels)), labels]
        scores[i] = weights @ np.log(shares.clip(_TINY)) / weights.sum()
    best = _best_of(scores, shrinkages)
    return float(shrinkages[best]), scores, scales[best]


def _best_of(scores, shrinkages):
    """Index of the best score, and among equals of the largest shrinkage."""
    equal = scores >= scores.max() - 1e-12
    return int(np.argmax(np.where(equal, shrinkages, 0)))


def _check_shrinkages(given):
    """Those to choose from, as an array; the usual ones for None."""
    values = np.atleast_1d(np.asarray(_SHRINKAGES if given is None else given, float))
    if values.ndim != 1 or not values.size:
        raise ValueError(
            "PrototypeClassifier needs shrinkage as one number or a list of them. Got "
            f"shape {values.shape}."
        )
    bad = ~((values > 0) & (values <= 1))
    if bad.any():
        raise ValueError(
            "PrototypeClassifier needs a shrinkage above 0, up to 1. Got "
            f"{values[bad][0]:g}; for nearly none give a small one, such as 1e-3."
        )
    return values

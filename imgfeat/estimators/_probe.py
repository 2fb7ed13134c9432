"""A linear probe: how much of the labels a linear map reads from the features."""

from numbers import Real
from typing import Self

import numpy as np
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from imgfeat._clear_labels import check_groups, refuse_unclear
from imgfeat._sklearn import StrOptions, fit_context
from imgfeat._target import is_several
from imgfeat._threads import blas_threads_for
from imgfeat.estimators._leave_one_out import leave_one_out
from imgfeat.estimators._linear_rule import (
    LinearRule,
    by_class,
    validate_several,
)
from imgfeat.estimators._probe_by_chunks import ByChunks
from imgfeat.estimators._ridge_choice import (
    best_of,
    check_alphas,
    check_enough_classes,
    refuse_class_weight,
    sum_scores,
    targets_of,
)
from imgfeat.estimators._temperature import fit_temperature, fit_temperatures


class RidgeProbe(ByChunks, LinearRule):
    """Classify vectors by ridge regression, its penalty chosen by leave-one-out.

    One ridge regression a class, of +1 for the class and -1 for the others. One
    eigendecomposition gives, exactly and for every penalty, what a fit without a row
    predicts for that row. So the penalty needs no search, and the probabilities no
    held-out folds.

    Parameters
    ----------
    alphas : float or array-like of shape (n_alphas,), optional
        Penalties to choose from, positive. None is ``np.logspace(-2, 5, 15)``, which
        suits standardized features.
    fit_intercept : bool, default=True
        Add an intercept, which is not penalized.
    scoring : {"accuracy", "neg_mean_squared_error"}, default="accuracy"
        What the chosen alpha does best on rows left out: name their class, or decide
        about several labels, or come near +1 and -1. Of equals the largest alpha is
        taken.
    class_weight : dict or "balanced", optional
        Weights of classes, by label; 1 if not given. "balanced" gives all classes the
        same total.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted; of several a row, names or numbers of the columns of y.
    multilabel_ : bool
        Whether y gave a row several labels.
    coef_ : ndarray of shape (n_classes, n_features), or (1, n_features) for two classes
        Slopes, in the dtype of X. Of several labels, a row a label in any case.
    intercept_ : ndarray of shape (n_classes,), or (1,) for two classes
    alpha_ : float
        The chosen penalty.
    loo_scores_ : ndarray of shape (n_alphas,)
        Leave-one-out score for each alpha, in the order given: share of weight that is
        labelled right, or minus the mean squared error. Higher is better.
    loo_decisions_ : ndarray of shape (n_samples, n_classes), or (n_samples,)
        For each row of X, the decision of a fit with ``alpha_`` without that row, or
        without its group; in the dtype of X.
    temperature_ : float, or ndarray of shape (n_classes,) of several labels
        What decisions are divided by before `predict_proba` makes them shares.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        If X had column names, all text.

    See Also
    --------
    sklearn.linear_model.RidgeClassifierCV : The same choice, at many times the cost for
        more rows than features; no probabilities.
    make_recipe : ``"cnn-ridge"`` puts this behind a pretrained net.

    Notes
    -----
    Leaving a row out also leaves it out of the mean that the intercept is; no fit is
    repeated for it [1]_. The decomposition is of X'X for more rows than features and of
    XX' otherwise, so time is n d min(n, d) and does not grow with the number of alphas
    by much. It is in float64 for any X, of which no full copy is made. For float32 X
    of many rows the alphas are scored with float32 products, as exact as X is.

    Weights, of rows and of classes, count in the fit, in the scores and in the
    probabilities. A row is left out with all its weight, so a weight of 2 is not the
    same as the row twice. A row of weight 0 is as if it were not there.

    Where there are groups, such as photos of one scene, all rows of one are left out
    together, exactly too: by the block of the hat matrix that belongs to them. That
    takes the cube of their number, a group.

    Probabilities are a softmax of the decisions, with the scale that has the least log
    loss on the leave-one-out decisions [2]_. The most probable class is always the
    predicted one. They were calibrated after alpha had been chosen on the same rows,
    which makes them surer than they should be by very little: one number was chosen.

    Rows that memory does not hold are given in chunks: `partial_fit` for each, then
    `choose_alpha` with all of them again, give what `fit` gives, up to rounding. Fewer
    rows than features are decomposed the long way then.

    Several labels a row are as many ridge regressions with one alpha, all by the same
    decomposition; each label is decided by itself, and has a scale of its own.

    Scaling all features by a number scales alpha by its square. `StandardScaler` in
    front is advised; it sees the row left out, though not its label.

    References
    ----------
    .. [1] R. Rifkin and R. Lippert, "Notes on regularized least squares",
       MIT-CSAIL-TR-2007-025, 2007. Dropping the intercept's own direction instead of
       subtracting its share is ours.
    .. [2] C. Guo, G. Pleiss, Y. Sun and K. Weinberger, "On calibration of modern neural
       networks", ICML 2017, :doi:`10.48550/arXiv.1706.04599`. Leave-one-out decisions
       stand for their validation set.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from imgfeat.estimators import RidgeProbe
    >>> X, y = load_iris(return_X_y=True)
    >>> probe = RidgeProbe().fit(X, y)
    >>> probe.loo_decisions_.shape
    (150, 3)
    >>> float(round(probe.loo_scores_.max(), 2))
    0.85
    >>> probe.predict_proba(X[:1]).argmax()
    np.int64(0)
    """

    # Of scikit-learn's metadata routing: groups are wanted, wherever there are any.
    __metadata_request__fit = {"groups": True}

    _parameter_constraints: dict = {
        "alphas": [Real, "array-like", None],
        "fit_intercept": ["boolean"],
        "scoring": [StrOptions({"accuracy", "neg_mean_squared_error"})],
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    def __init__(
        self, alphas=None, *, fit_intercept=True, scoring="accuracy", class_weight=None
    ):
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.scoring = scoring
        self.class_weight = class_weight

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, groups=None) -> Self:
        """Choose alpha by leave-one-out, or leave-one-group-out, and fit with it.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Finite numbers.
        y : array-like of shape (n_samples,), or (n_samples, n_classes)
            Labels of at least two classes: text or integers. Of several labels a row,
            a matrix or table of 0 and 1, or a list of names for each row.
        sample_weight : array-like of shape (n_samples,), optional
            Not negative.
        groups : array-like of shape (n_samples,), optional
            Rows that share one are left out together.

        Returns
        -------
        self : RidgeProbe

        Raises
        ------
        ValueError
            If there is one class or group only, a label that no row has, or each, an
            alpha or a weight is out of range, or X is sparse or not finite.
        """
        if is_several(y):
            X, target = validate_several(self, X, y)
            refuse_class_weight(self.class_weight)
            self.classes_, labels = target.classes, target.values
        else:
            refuse_unclear(y, "RidgeProbe")
            X, y = validate_data(self, X, y, dtype=[np.float64, np.float32])
            check_classification_targets(y)
            self.classes_, labels = np.unique(y, return_inverse=True)
        self.multilabel_ = labels.ndim == 2
        alphas = check_alphas(self.alphas)
        self.__dict__.pop("_sums", None)  # of other rows: these are all there is
        weights = self._weights(labels, sample_weight)
        here = weights > 0
        if self.multilabel_:
            target.take(here).check_sides("RidgeProbe")
        else:
            check_enough_classes(self.classes_, labels[here])

        groups = check_groups(groups, len(X), "RidgeProbe")
        if groups is not None:
            groups = groups[here]
            _check_groups(groups)

        targets = targets_of(labels, len(self.classes_))
        # As if rows without weight were not there; nearly always there are none.
        counted = (X, targets, labels, weights)
        if not here.all():
            counted = tuple(values[here] for values in counted)
        with blas_threads_for(X.size * min(X.shape)):
            solver = leave_one_out(
                *(counted[0], counted[1], counted[3], alphas),
                fit_intercept=self.fit_intercept,
                groups=groups,
            )
            scores = sum_scores(solver, *counted[1:], self.scoring)
            self.loo_scores_ = scores / counted[3].sum()
            best = best_of(self.loo_scores_, alphas)
            self.alpha_ = float(alphas[best])
            coef = solver.coef(best)
            intercept = solver.intercept(coef)
        self.coef_ = np.ascontiguousarray(coef.T, dtype=X.dtype)
        self.intercept_ = intercept.astype(X.dtype)

        decisions = np.empty_like(targets)
        decisions[here] = counted[1] - solver.errors(best)
        decisions[~here] = X[~here] @ coef + intercept
        if decisions.shape[1] == 1:
            decisions = decisions[:, 0]
        self.loo_decisions_ = decisions.astype(X.dtype)
        if self.multilabel_:
            scales = fit_temperatures(decisions[here], *counted[2:])
            self.temperature_ = 1 / scales
            return self
        scale = fit_temperature(by_class(decisions)[here], *counted[2:])
        self.temperature_ = 1 / scale
        return self

    def _weights(self, labels, sample_weight):
        """One weight a row, of the row and its class."""
        if sample_weight is None:
            weights = np.ones(len(labels))
        elif isinstance(sample_weight, Real):
            weights = np.full(len(labels), sample_weight, dtype=np.float64)
        else:
            weights = check_array(
                sample_weight,
                ensure_2d=False,
                dtype=np.float64,
                input_name="sample_weight",
            )
            if weights.ndim != 1:
                raise ValueError(
                    "Sample weights must be 1D array or scalar. Got shape "
                    f"{weights.shape}; give one weight a row."
                )
            check_consistent_length(weights, labels)
        if weights.min() < 0:
            raise ValueError(
                "RidgeProbe needs weights of at least 0. Got sample_weight with "
                f"{weights.min():g}; 0 leaves a row out."
            )
        if self.class_weight == "balanced":
            totals = np.bincount(labels, weights, minlength=len(self.classes_))
            n_here = max(1, np.count_nonzero(totals))
            return weights * (weights.sum() / (n_here * totals[labels].clip(1e-300)))
        if self.class_weight is None:
            return weights
        by_class = compute_class_weight(
            self.class_weight, classes=self.classes_, y=self.classes_[labels]
        )
        return weights * by_class[labels]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = self.class_weight is None
        return tags


def _check_groups(groups):
    if len(np.unique(groups)) < 2:
        raise ValueError(
            "RidgeProbe needs at least two groups with a weight above 0, to leave one "
            "out and learn from the others. Got one; use finer groups, or none."
        )

"""A linear classifier with an L2 penalty, learned in the space of its rows."""

import warnings
from copy import copy
from numbers import Integral, Real
from typing import NamedTuple, Self

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from imgfeat._clear_labels import check_groups, refuse_unclear
from imgfeat._sklearn import (
    HasMethods,
    Interval,
    StrOptions,
    check_sample_weight,
    fit_context,
)
from imgfeat._target import is_several
from imgfeat._threads import blas_threads_for
from imgfeat.estimators._gram_svm import GramSVC
from imgfeat.estimators._linear_rule import (
    LinearRule,
    by_class,
    check_every_class,
    check_penalties,
    validate_several,
)
from imgfeat.estimators._planned_folds import PlannedFolds
from imgfeat.estimators._several_labels import weights_of_labels
from imgfeat.estimators._spanned_rows import folded, products
from imgfeat.estimators._temperature import fit_temperature


class LinearProbe(LinearRule):
    """Classify vectors by a linear SVM or by logistic regression, and choose its C.

    Where there are fewer rows than features, all is learned from as many columns as
    there are rows, once a fit, with the same result; see `RowSpace`. An SVM then learns
    from the products of the rows, by Newton's method.

    Parameters
    ----------
    kind : {"logistic", "svm"}, default="logistic"
        Logistic regression, or a linear SVM (squared hinge), one class against the
        rest.
    C : float or array-like of shape (n_candidates,), default=1.0
        Inverse of the strength of the penalty, positive. Of several the one that labels
        most held-out rows right is taken; of equals the smallest.
    cv : int or splitter, default=3
        Folds that hold rows out. An int is stratified, shuffled by `random_state`, and
        the most there are; see `PlannedFolds`.
    max_iter : int, default=1000
        Most iterations of one fit.
    class_weight : dict or "balanced", optional
        Weights of classes in the fits, by label; 1 if not given. Of several labels,
        weights of rows that have one, against those without it.
    random_state : int, RandomState instance or None, default=0
        Shuffles the folds. The fits draw nothing.
    verbose : int, default=0
        Above 0, print the score of each candidate.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted; of several a row, names or numbers of the columns of y.
    multilabel_ : bool
        Whether y gave a row several labels.
    coef_ : ndarray of shape (n_classes, n_features), or (1, n_features) for two classes
        Slopes, in the dtype of X. Of several labels, a row a label in any case.
    intercept_ : ndarray of shape (n_classes,), or (1,) for two classes
    C_ : float, or ndarray of shape (n_classes,) of several labels
        The chosen one.
    scores_ : ndarray of shape ([n_classes,] n_candidates), or None
        Share of weight that is labelled right on held-out rows, for each C in the order
        given, of several labels for each of them; None if nothing was held out.
    temperature_ : float, or ndarray of shape (n_classes,) of several labels
        What decisions are divided by before `predict_proba` makes them shares; 1 for
        logistic regression, which has probabilities of its own.
    n_iter_ : int
        Iterations of the last fit, the most of any class.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        If X had column names, all text.

    See Also
    --------
    RidgeProbe : Chooses by leave-one-out, without a search.
    make_recipe : ``"hog-svm"`` puts this behind gradients.

    Notes
    -----
    Rows are held out to choose among several C, and for the probabilities of an SVM:
    a softmax of its decisions, with the scale that has the least log loss on the
    held-out rows [1]_. A scale is positive, so that the most probable class is always
    the predicted one, however few rows there are; Platt's sigmoid, with a slope of its
    own a class, can turn the order round on folds of two or three rows.

    Several labels a row are decided each by itself, with a C and a scale of its own, as
    by scikit-learn's ``OneVsRestClassifier`` around this; the rows are folded once.

    Rows of weight 0 are as if they were not there.

    References
    ----------
    .. [1] C. Guo, G. Pleiss, Y. Sun and K. Weinberger, "On calibration of modern neural
       networks", ICML 2017, :doi:`10.48550/arXiv.1706.04599`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from imgfeat.estimators import LinearProbe
    >>> X, y = load_iris(return_X_y=True)
    >>> probe = LinearProbe("svm", C=[0.01, 0.1, 1.0]).fit(X, y)
    >>> probe.coef_.shape
    (3, 4)
    >>> probe.predict_proba(X[:1]).argmax()
    np.int64(0)
    """

    # Of scikit-learn's metadata routing: groups are wanted, wherever there are any.
    __metadata_request__fit = {"groups": True}

    _parameter_constraints: dict = {
        "kind": [StrOptions({"logistic", "svm"})],
        "C": [Real, "array-like"],
        "cv": [Interval(Integral, 2, None, closed="left"), HasMethods(["split"])],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        kind="logistic",
        C=1.0,
        *,
        cv=3,
        max_iter=1000,
        class_weight=None,
        random_state=0,
        verbose=0,
    ):
        self.kind = kind
        self.C = C
        self.cv = cv
        self.max_iter = max_iter
        self.class_weight = class_weight
        self.random_state = random_state
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, groups=None) -> Self:
        """Choose C where there are several, fit with it, and calibrate an SVM.

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
            Rows that share one are held out together.

        Returns
        -------
        self : LinearProbe

        Raises
        ------
        ValueError
            If a class has no row, or only one, or one group, where rows are held out
            (of several labels, rows with one or without it); a C or a weight is out of
            range; or X is sparse or not finite.

        Warns
        -----
        ConvergenceWarning
            Once, if a fit ended before it had converged.
        """
        target = None
        if is_several(y):
            X, target = validate_several(self, X, y)
        else:
            refuse_unclear(y, "LinearProbe")
            X, y = validate_data(self, X, y, dtype=[np.float64, np.float32])
            check_classification_targets(y)
        candidates = check_penalties(
            self.C, "LinearProbe needs C", "is", "a large one, such as 1e6"
        )
        weights = check_sample_weight(
            sample_weight, X, dtype=np.float64, ensure_non_negative=True
        )
        groups = check_groups(groups, len(X), "LinearProbe")
        here = weights > 0
        self.multilabel_ = target is not None
        self.classes_ = np.unique(y) if target is None else target.classes
        if not here.all():
            X, weights = X[here], weights[here]
            y = y[here] if target is None else y
            target = None if target is None else target.take(here)
            groups = None if groups is None else groups[here]
        if target is None:
            check_every_class(self.classes_, y, "LinearProbe")
        else:
            target.check_sides("LinearProbe")

        with blas_threads_for(X.size * min(X.shape)):
            by_products = self.kind == "svm" and X.shape[0] < X.shape[1]
            rows, back = products(X) if by_products else folded(X)
        with (
            warnings.catch_warnings(record=True) as caught,
            blas_threads_for(rows.size * min(rows.shape)),
        ):
            warnings.simplefilter("always")
            if target is None:
                found = self._fit_one(
                    rows, by_products, back, y, weights, groups, candidates
                )
            else:
                found = self._fit_each(
                    rows, by_products, back, target, weights, groups, candidates
                )
        self._pass_on(caught)

        self.C_, self.scores_ = found.C, found.scores
        self.coef_ = np.ascontiguousarray(found.coef, dtype=X.dtype)
        self.intercept_ = np.atleast_1d(found.intercept).astype(X.dtype)
        self.n_iter_, self.temperature_ = found.n_iter, found.temperature
        return self

    def _fit_one(self, rows, by_products, back, y, weights, groups, candidates):
        """Tell the classes of y apart."""
        classes = np.unique(y)
        C, scores, held_out, decisions = self._choose(
            rows, by_products, y, weights, groups, candidates
        )
        model = self._model(C, by_products, self.class_weight)
        model.fit(rows, y, sample_weight=weights)
        coef, intercept = back(model)
        temperature = 1.0
        if self.kind == "svm":
            labels = np.searchsorted(classes, y)
            temperature = 1 / fit_temperature(
                decisions[held_out], labels[held_out], weights[held_out]
            )
        n_iter = int(np.max(model.n_iter_))
        return _Found(C, scores, coef, intercept, n_iter, temperature)

    def _fit_each(self, rows, by_products, back, target, weights, groups, candidates):
        """Decide about each of several labels by itself, as if it were the only one."""
        found = []
        is_dict = isinstance(self.class_weight, dict)
        if is_dict:
            by_label = weights_of_labels(self.class_weight, target, "LinearProbe")
        for place, label in enumerate(target.classes.tolist()):
            one = copy(self)
            if is_dict:  # "balanced" is so in each fold
                one.class_weight = dict(enumerate(by_label[:, place].tolist()))
            has_it = target.values[:, place]
            try:
                found.append(
                    one._fit_one(
                        rows, by_products, back, has_it, weights, groups, candidates
                    )
                )
            except ValueError as error:
                raise ValueError(f"Label {label!r}: {error}") from error
        Cs, scores, coefs, intercepts, n_iter, temperatures = zip(*found, strict=True)
        return _Found(
            np.array(Cs),
            None if scores[0] is None else np.stack(scores),
            np.concatenate(coefs),
            np.concatenate(list(map(np.atleast_1d, intercepts))),
            max(n_iter),
            np.array(temperatures),
        )

    def _model(self, C, by_products, class_weight):
        if by_products:
            return GramSVC(C, self.max_iter, class_weight)
        options = {
            "tol": 1e-6,
            "max_iter": self.max_iter,
            "class_weight": class_weight,
        }
        if self.kind == "svm":
            return LinearSVC(C=C, dual=False, **options)
        return LogisticRegression(C=C, warm_start=True, **options)

    def _choose(self, rows, by_products, y, weights, groups, candidates):
        """The best C, scores of all, which rows were held out, and their decisions."""
        if len(candidates) == 1 and self.kind == "logistic":
            return float(candidates[0]), None, None, None
        classes = np.unique(y)
        cv = self.cv
        if isinstance(cv, Integral):
            cv = PlannedFolds(int(cv), random_state=self.random_state)
        found = np.zeros((len(candidates), len(rows), len(classes)))
        held_out = np.zeros(len(rows), dtype=bool)
        for train, test in cv.split(rows, y, groups):
            held_out[test] = True
            # Products with the rows that are learned from are all that is seen of any.
            seen = rows[:, train] if by_products else rows
            model = None
            for i in np.argsort(candidates):  # from one C to the next, a warm start
                if model is None:
                    model = self._model(candidates[i], by_products, self.class_weight)
                model.C = candidates[i]
                model.fit(seen[train], y[train], sample_weight=weights[train])
                _check_fold(classes, model.classes_)
                found[i, test] = by_class(model.decision_function(seen[test]))
        right = classes[found.argmax(axis=2)] == y
        share = weights * held_out
        scores = right @ share / share.sum()
        if self.verbose:
            for C, score in zip(candidates, scores, strict=True):
                print(f"LinearProbe: C={C:g} labels {score:.3f} of held-out rows right")
        best = _best(scores, candidates)
        return float(candidates[best]), scores, held_out, found[best]

    def _pass_on(self, caught):
        """Warn once of what has not converged, and of all else as it came."""
        unfinished = False
        for warning in caught:
            if issubclass(warning.category, ConvergenceWarning):
                unfinished = True
            else:
                warnings.warn(warning.message, warning.category, stacklevel=3)
        if unfinished:
            what = "logistic regression" if self.kind == "logistic" else "linear SVM"
            warnings.warn(
                f"The {what} of LinearProbe has not converged in {self.max_iter} "
                f"iterations, with C up to {np.max(self.C):g}; take a smaller C, put "
                "StandardScaler in front, or raise max_iter.",
                ConvergenceWarning,
                stacklevel=3,
            )


class _Found(NamedTuple):
    """What a fit has come to."""

    C: object
    scores: np.ndarray | None
    coef: np.ndarray
    intercept: np.ndarray
    n_iter: int
    temperature: object


def _check_fold(classes, here):
    if len(here) < len(classes):
        missing = np.setdiff1d(classes, here).tolist()[0]
        raise ValueError(
            "LinearProbe needs folds that fit on every class. Got one without class "
            f"{missing!r}; give cv as a number, or a splitter that stratifies."
        )


def _best(scores, candidates):
    """Index of the best score, and among equals of the smallest C."""
    equal = scores >= scores.max() - 1e-12
    return int(np.argmin(np.where(equal, candidates, np.inf)))

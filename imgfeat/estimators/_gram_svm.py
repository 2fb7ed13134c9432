"""A linear SVM learned from the products of its rows alone, by Newton's method.

For rows of more features than there are rows: a step solves as many equations as there
are support vectors, and the end is exact. Notation of O. Chapelle, "Training a support
vector machine in the primal", Neural Computation 19, 2007.
"""

import warnings
from inspect import signature

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.class_weight import compute_class_weight

# Whether scikit-learn's "balanced" counts the weights of samples: 1.6 does not.
_COUNTS_WEIGHTS = "sample_weight" in signature(compute_class_weight).parameters
# Steps are halved so often at most, until the loss falls.
_N_HALVINGS = 30


class GramSVC:
    """Squared hinge, one class against the rest, as `LinearSVC` with ``dual=False``.

    Its intercept is penalized like a slope, as there.

    Parameters
    ----------
    C : float
    max_iter : int
        Most steps for a class.
    class_weight : dict, "balanced" or None

    Attributes
    ----------
    dual_coef_ : ndarray of shape (n_classes, n_samples), or (1, n_samples)
        Slopes are ``dual_coef_ @ X``, and intercepts its sums.
    n_iter_ : int
        Steps, the most of any class.
    classes_ : ndarray of shape (n_classes,)
    """

    def __init__(self, C, max_iter, class_weight=None):
        self.C = C
        self.max_iter = max_iter
        self.class_weight = class_weight
        self.dual_coef_ = None

    def fit(self, gram, y, sample_weight):
        """Learn from products of rows, beginning where the last fit ended.

        Parameters
        ----------
        gram : ndarray of shape (n_samples, n_samples), float64
            ``X @ X.T``.
        y, sample_weight : ndarray of shape (n_samples,)
        """
        self.classes_, labels = np.unique(y, return_inverse=True)
        counted = {"sample_weight": sample_weight} if _COUNTS_WEIGHTS else {}
        of_class = compute_class_weight(
            self.class_weight, classes=self.classes_, y=y, **counted
        )
        n_rules = 1 if len(self.classes_) == 2 else len(self.classes_)
        if self.dual_coef_ is None or self.dual_coef_.shape != (n_rules, len(y)):
            self.dual_coef_ = np.zeros((n_rules, len(y)))
        gram = gram + 1.0  # a feature that is 1, whose slope is the intercept
        self.n_iter_ = 0
        for rule in range(n_rules):
            positive = rule + (n_rules == 1)
            signs = np.where(labels == positive, 1.0, -1.0)
            costs = self.C * sample_weight
            # Of several classes the rest weighs 1 each, as in liblinear.
            rest = of_class[0] if n_rules == 1 else 1.0
            costs = costs * np.where(signs > 0, of_class[positive], rest)
            found, n_steps = self._newton(gram, signs, costs, self.dual_coef_[rule])
            self.dual_coef_[rule] = found
            self.n_iter_ = max(self.n_iter_, n_steps)
        return self

    def decision_function(self, products):
        """Decisions for products with the rows of the fit, (n, n_samples)."""
        decisions = products @ self.dual_coef_.T + self.dual_coef_.sum(axis=1)
        return decisions[:, 0] if len(self.dual_coef_) == 1 else decisions

    def _newton(self, gram, signs, costs, start):
        """Weights of the rows that minimize the loss, and how many steps it took."""
        weights, fitted = start, gram @ start
        loss = _loss(weights, fitted, signs, costs)
        for step in range(1, self.max_iter + 1):
            inside = np.flatnonzero(signs * fitted < 1)
            target = _solve(gram, signs, costs, inside)
            aim = gram[:, inside] @ target[inside]
            share = 1.0
            for _ in range(_N_HALVINGS):
                ahead = fitted + share * (aim - fitted)
                there = weights + share * (target - weights)
                found = _loss(there, ahead, signs, costs)
                if found <= loss:
                    break
                share /= 2
            else:
                return weights, step  # no better by more than rounding
            weights, fitted, loss = there, ahead, found
            if share == 1.0 and np.array_equal(
                np.flatnonzero(signs * fitted < 1), inside
            ):
                return weights, step
        warnings.warn("not converged", ConvergenceWarning, stacklevel=2)
        return weights, self.max_iter


def _solve(gram, signs, costs, inside):
    """The best weights if exactly the rows `inside` are within the margin."""
    weights = np.zeros(len(signs))
    if not len(inside):
        return weights
    part = gram[np.ix_(inside, inside)]
    part.flat[:: len(inside) + 1] += 0.5 / costs[inside]
    factor = cho_factor(part, lower=True, overwrite_a=True, check_finite=False)
    weights[inside] = cho_solve(factor, signs[inside], check_finite=False)
    return weights


def _loss(weights, fitted, signs, costs):
    short = np.maximum(1 - signs * fitted, 0)
    return 0.5 * weights @ fitted + costs @ short**2

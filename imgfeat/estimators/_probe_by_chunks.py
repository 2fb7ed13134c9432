"""A ridge probe by chunks of rows, of which one is in memory at a time."""

from collections.abc import Iterable, Iterator
from typing import Any, Self

import numpy as np
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from imgfeat._clear_labels import refuse_unclear
from imgfeat._sklearn import fit_context, is_first_call
from imgfeat._target import Target, is_several
from imgfeat._threads import blas_threads_for
from imgfeat.estimators._gram_sums import GramSums, Penalties, RowSums
from imgfeat.estimators._linear_rule import by_class
from imgfeat.estimators._ridge_choice import (
    best_of,
    check_alphas,
    check_enough_classes,
    refuse_class_weight,
    sum_scores,
    targets_of,
)
from imgfeat.estimators._temperature import fit_temperature, fit_temperatures

# What follows from the sums, and from the rows seen again.
_OF_SUMS = ("alpha_", "coef_", "intercept_")
_OF_ROWS = ("loo_scores_", "loo_decisions_", "temperature_")


class ByChunks:
    """`partial_fit` and `choose_alpha` of `RidgeProbe`, which has the parameters."""

    alphas: Any
    fit_intercept: bool
    scoring: str
    class_weight: Any
    classes_: np.ndarray
    multilabel_: bool
    _sums: GramSums

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None) -> Self:
        """Add a chunk of rows to the sums that the fit follows from.

        The order and the size of the chunks make no difference. With one alpha, the
        slopes are those of `fit` on all rows so far. To choose among several, and for
        probabilities, the rows are needed once more: see `choose_alpha`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Finite numbers; one row is enough.
        y : array-like of shape (n_samples,), or (n_samples, n_classes)
            Labels, each of `classes`. Of several labels a row, as for `fit`; a matrix
            has its columns in the order of `classes`.
        classes : array-like of shape (n_classes,), optional
            All labels that there will be; needed by the first call.
        sample_weight : array-like of shape (n_samples,), optional
            Not negative.

        Returns
        -------
        self : RidgeProbe

        Raises
        ------
        ValueError
            If the first call has no `classes`, another one has others, or a label is
            none of them; after `fit`, which keeps no sums; with
            ``class_weight="balanced"``, which nobody knows before the last chunk; or
            as in `fit`.
        """
        sums, several = getattr(self, "_sums", None), is_several(y)
        if sums is None and hasattr(self, "classes_"):
            raise ValueError(
                "RidgeProbe.partial_fit adds to sums, and fit keeps none. Give it a "
                "probe that is not fitted: clone(probe).partial_fit(X, y, classes)."
            )
        if self.class_weight == "balanced" and not several:
            raise ValueError(
                "RidgeProbe.partial_fit needs class_weight as a dict, because how "
                "large the classes are is known after the last chunk. Got 'balanced'; "
                "give n_samples / (n_classes * n_of_class) for each label, or take "
                "fit_streaming, which does."
            )
        alphas = check_alphas(self.alphas)
        if sums is None:
            self._check_first(classes, several)
        else:
            self._check_again(classes, several)
        try:
            X, labels, weights = self._read_chunk(X, y, sample_weight, sums is None)
        except BaseException:
            if sums is None:  # as if nothing had been said
                del self.classes_, self.multilabel_
            raise
        if sums is None:
            n_classes = len(self.classes_)
            sums = GramSums(n_classes, X.shape[1], self.fit_intercept, several)
        with blas_threads_for(X.size * X.shape[1]):
            sums.add(X, labels, weights)
        self._sums = sums
        for name in (*_OF_SUMS, *_OF_ROWS):
            self.__dict__.pop(name, None)
        if len(alphas) == 1 and sums.total:
            self._set_slopes(alphas[0], sums.slopes(alphas[0]))
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def choose_alpha(self, chunks: Iterable) -> Self:
        """Choose alpha by leave-one-out, from the sums and the rows seen once more.

        What comes out is what `fit` gives for all rows at once, up to rounding.

        Parameters
        ----------
        chunks : iterable of (X, y) or (X, y, sample_weight)
            The rows that `partial_fit` has seen, in chunks of any size. It is gone
            through twice, so it may be a list or an object that opens its files anew,
            but no generator.

        Returns
        -------
        self : RidgeProbe
            ``loo_decisions_`` are in the order of `chunks`.

        Raises
        ------
        TypeError
            If `chunks` can be gone through once only.
        ValueError
            If nothing was added, if these are other rows, or as in `partial_fit`.

        Notes
        -----
        Memory holds a chunk, a Gram matrix with its decomposition, and ``n_classes``
        numbers a row, which are ``loo_decisions_``.
        """
        if isinstance(chunks, Iterator) or not isinstance(chunks, Iterable):
            raise TypeError(
                "choose_alpha goes through the chunks twice, and needs a list of "
                f"them, or an object that begins anew. Got {type(chunks).__name__}."
            )
        if not hasattr(self, "_sums"):
            raise ValueError(
                "choose_alpha needs the sums of partial_fit. Got a RidgeProbe without; "
                "call partial_fit with each chunk first."
            )
        sums, n_classes = self._sums, len(self.classes_)
        if self.multilabel_:
            _check_sides(self.classes_, sums)
        else:
            check_enough_classes(self.classes_, np.flatnonzero(sums.class_weights))
        alphas = check_alphas(self.alphas)
        penalties = Penalties(sums, alphas)
        scores = np.zeros(len(alphas))
        again = RowSums(n_classes, sums.class_means.shape[1], sums.several)
        for X, labels, weights in self._read(chunks):
            again.add(X, labels, weights)
            here = weights > 0
            targets = targets_of(labels[here], n_classes)
            counted = targets, labels[here], weights[here]
            part = penalties.of_chunk(X[here], targets, weights[here])
            with blas_threads_for(X.size * X.shape[1]):
                scores += sum_scores(part, *counted, self.scoring)
        if not again.is_near(sums):
            raise ValueError(
                "choose_alpha needs the rows that partial_fit has seen. Got "
                f"{again.n_rows} rows after {sums.n_rows}, or others; give the same "
                "chunks, with the same weights."
            )
        scores /= sums.total
        best = best_of(scores, alphas)
        self._set_slopes(alphas[best], penalties.slopes(best))
        self._calibrate(penalties.only(best), chunks)
        self.loo_scores_ = scores
        return self

    @property
    def _unready(self) -> str | None:
        """What `predict` and `predict_proba` say where something is lacking."""
        if not hasattr(self, "_sums"):
            return None
        return (
            f"This RidgeProbe has the sums of {self._sums.n_rows} rows. To choose "
            "alpha, and for probabilities, it needs the rows once more: call "
            "choose_alpha with the same chunks. With one alpha, and rows that have a "
            "weight, predict works without."
        )

    def _check_first(self, classes, several):
        if classes is None:
            raise ValueError(
                "RidgeProbe.partial_fit needs all labels with the first chunk. Got "
                "none: classes must be passed on the first call to partial_fit."
            )
        if len(np.unique(classes)) < 2:
            raise ValueError(
                "RidgeProbe needs at least two classes. Got one class, "
                f"{np.unique(classes).tolist()}; there is nothing to tell apart."
            )
        is_first_call(self, classes)
        self.multilabel_ = several
        if several:
            self.classes_ = np.asarray(classes)  # in the order of the columns

    def _check_again(self, classes, several):
        """Raise where these are other classes, or another kind of labels."""
        if several != self.multilabel_:
            kinds = "one label a row", "several labels a row"
            raise ValueError(
                "RidgeProbe.partial_fit needs labels of the kind of the first chunk. "
                f"Got {kinds[several]} after {kinds[not several]}; give all chunks "
                "alike."
            )
        if not several:
            is_first_call(self, classes)  # refuses others than before
        elif classes is not None and list(classes) != self.classes_.tolist():
            raise ValueError(
                "RidgeProbe.partial_fit needs the classes of the first chunk, "
                f"{self.classes_.tolist()}. Got {list(classes)}; leave them out."
            )

    def _read_chunk(self, X, y, sample_weight, reset):
        """A chunk as rows, numbers of classes, and weights."""
        if self.multilabel_:
            refuse_class_weight(self.class_weight)
            labels = Target.of(y, "RidgeProbe.partial_fit", self.classes_).values
            how = {"dtype": [np.float64, np.float32], "multi_output": True}
            X, _ = validate_data(self, X, labels, reset=reset, **how)
            return X, labels, self._weights(labels, sample_weight)
        refuse_unclear(y, "RidgeProbe")
        X, y = validate_data(self, X, y, dtype=[np.float64, np.float32], reset=reset)
        check_classification_targets(y)
        labels = np.searchsorted(self.classes_, y).clip(max=len(self.classes_) - 1)
        strange = self.classes_[labels] != y
        if np.any(strange):
            raise ValueError(
                f"RidgeProbe knows the classes {self.classes_.tolist()}. Got the label "
                f"{y[strange].tolist()[0]!r}; name all labels with the first chunk."
            )
        return X, labels, self._weights(labels, sample_weight)

    def _read(self, chunks):
        for chunk in chunks:
            if not isinstance(chunk, tuple | list) or len(chunk) not in (2, 3):
                raise ValueError(
                    "choose_alpha needs chunks of (X, y) or (X, y, sample_weight). Got "
                    f"{type(chunk).__name__}."
                )
            X, y, sample_weight = (*chunk, None)[:3]
            yield self._read_chunk(X, y, sample_weight, False)

    def _set_slopes(self, alpha, coef):
        self.alpha_ = float(alpha)
        self.coef_ = np.ascontiguousarray(coef.T, dtype=self._sums.dtype)
        intercept = self._sums.offset - self._sums.origin @ coef
        self.intercept_ = intercept.astype(self._sums.dtype)

    def _calibrate(self, penalty, chunks):
        """Decide about each row without it, and scale probabilities by that."""
        coef = penalty.slopes(0)
        found = []
        for X, labels, weights in self._read(chunks):
            here = weights > 0
            targets = targets_of(labels, len(self.classes_))
            part = penalty.of_chunk(X[here], targets[here], weights[here])
            decisions = X @ coef + (penalty.offset - penalty.mean @ coef)
            left_out = np.flatnonzero(here)
            with blas_threads_for(X.size * X.shape[1]):
                for _, rows, errors in part.scan():
                    decisions[left_out[rows]] = targets[here][rows] - errors
            found.append((decisions, labels, weights))
        decisions, labels, weights = map(np.concatenate, zip(*found, strict=True))
        here = weights > 0
        if self.multilabel_:
            self.loo_decisions_ = decisions.astype(self._sums.dtype)
            scales = fit_temperatures(decisions[here], labels[here], weights[here])
            self.temperature_ = 1 / scales
            return
        if len(self.classes_) == 2:
            decisions = decisions[:, 0]
        self.loo_decisions_ = decisions.astype(self._sums.dtype)
        scale = fit_temperature(by_class(decisions)[here], labels[here], weights[here])
        self.temperature_ = 1 / scale


def _check_sides(classes, sums):
    """Raise unless rows with a weight have each of several labels, and lack it."""
    weights = sums.class_weights[:-1]
    alone = np.flatnonzero((weights == 0) | np.isclose(weights, sums.total, atol=0))
    if len(alone):
        label = classes.tolist()[alone[0]]
        what = "no row with it" if weights[alone[0]] == 0 else "no row without it"
        raise ValueError(
            "RidgeProbe needs a row with each label, and a row without it, with a "
            f"weight above 0. Got {what} of {label!r}; add rows, or leave this label "
            "out."
        )

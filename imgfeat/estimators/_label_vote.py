"""A vote of classifiers that give an image several labels."""

from typing import Self

import numpy as np
from sklearn import get_config
from sklearn.base import clone
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.validation import check_is_fitted

from imgfeat._sklearn import BaseEnsembleOfNamed, fit_context
from imgfeat._target import Target, gives_several
from imgfeat.estimators._class_scores import score_labels
from imgfeat.estimators._several_labels import SeveralLabels, require_several
from imgfeat.estimators._wrapping import name_on_the_way, take_n_features

_NAME = "LabelVote"


class LabelVote(SeveralLabels, BaseEnsembleOfNamed):
    """Give each of several labels by the mean probability of some classifiers.

    What scikit-learn's ``VotingClassifier(voting="soft")`` is for one label an image.

    Parameters
    ----------
    estimators : list of (str, classifier)
        Of several labels an image, with ``predict_proba``. They are cloned; one that is
        ``"drop"`` does not vote.
    weights : array-like of shape (n_estimators,), optional
        What each of them counts, 0 or more; by default they count the same.

    Attributes
    ----------
    estimators_ : list of classifier
        Fitted, those that vote.
    weights_ : ndarray of shape (n_voters,)
        The share of each, which sum to 1.
    classes_ : ndarray of shape (n_classes,)
        Names of the labels, or numbers of the columns of y.
    multilabel_ : bool
        True.
    n_features_in_ : int
        If the first estimator has it.

    See Also
    --------
    LabelThresholds : Gives labels above other thresholds than one half, around a vote
        too.

    Notes
    -----
    Thresholds of the classifiers themselves have no say: their probabilities are
    averaged, and a label is given where the mean is above one half.

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from imgfeat.estimators import LabelVote, LinearProbe, RidgeProbe
    >>> X, y = make_multilabel_classification(random_state=0)
    >>> vote = LabelVote([("ridge", RidgeProbe()), ("lr", LinearProbe())]).fit(X, y)
    >>> vote.predict_proba(X[:1]).round(2)
    array([[0.11, 0.32, 0.38, 0.8 , 0.91]])
    >>> vote.predict(X[:1])
    array([[0, 0, 0, 1, 1]])
    """

    _parameter_constraints: dict = {
        "estimators": [list],
        "weights": ["array-like", None],
    }

    def __init__(self, estimators, *, weights=None):
        self.estimators = estimators
        self.weights = weights

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, **fit_params) -> Self:
        """Fit each of the classifiers.

        Parameters
        ----------
        X : images, or rows
            Any batch that all of them take.
        y : array-like of shape (n_samples, n_classes), or a list of lists of names
            Several labels an image.
        **fit_params : dict
            ``sample_weight``, for all of them; with scikit-learn's metadata routing
            whatever they request.

        Returns
        -------
        self : LabelVote

        Raises
        ------
        ValueError
            If y has one label an image, there is no classifier, one has no
            probabilities, names or weights do not fit, or no weight is above 0.
        """
        instead = ", for which there is scikit-learn's VotingClassifier"
        require_several(y, _NAME, instead)
        names, estimators = self._validate_estimators()
        shares = _shares_of(self.weights, estimators)
        target = Target.of(y, _NAME)
        params = self._route(dict(zip(names, estimators, strict=True)), fit_params)
        self.estimators_ = [
            clone(one).fit(X, target.to_fit(), **params[name])
            for name, one in zip(names, estimators, strict=True)
            if one != "drop"
        ]
        _check_probabilities(self.estimators_)
        self.weights_ = shares[[one != "drop" for one in estimators]]
        self.classes_, self.multilabel_ = target.classes, True
        take_n_features(self, self.estimators_[0])
        return self

    def predict_proba(self, X) -> np.ndarray:
        """Predict the probability of each label: the mean of what the estimators say.

        Parameters
        ----------
        X : images, or rows

        Returns
        -------
        ndarray of shape (n_samples, n_classes), float64
        """
        check_is_fitted(self)
        found = [
            score_labels(one, X, len(self.classes_), _NAME) for one in self.estimators_
        ]
        return np.average(found, axis=0, weights=self.weights_)

    def predict(self, X) -> np.ndarray:
        """Predict which labels each image has.

        Parameters
        ----------
        X : images, or rows

        Returns
        -------
        ndarray of int of shape (n_samples, n_classes)
            1 for each label whose mean probability is above one half, else 0.
        """
        return self._decide(self.predict_proba(X))

    def get_metadata_routing(self) -> MetadataRouter:
        """What ``fit`` passes on to which estimator, as scikit-learn asks for it.

        Returns
        -------
        MetadataRouter
        """
        router = MetadataRouter(owner=_NAME)
        to_fit = MethodMapping().add(caller="fit", callee="fit")
        voters = {name: one for name, one in self.estimators if one != "drop"}
        return router.add(**voters, method_mapping=to_fit)

    def _route(self, voters, fit_params):
        """Parameters of the fit of each, by its name."""
        if get_config()["enable_metadata_routing"]:
            routed = process_routing(self, "fit", **fit_params)
            return {name: routed.get(name, {}).get("fit", {}) for name in voters}
        if odd := sorted({*fit_params} - {"sample_weight"}):
            raise ValueError(
                f"{_NAME} passes sample_weight on to all. Got {odd[0]!r}; enable "
                "scikit-learn's metadata routing, and request it where it belongs."
            )
        return {
            name: {name_on_the_way(one, key): fit_params[key] for key in fit_params}
            for name, one in voters.items()
        }


def _shares_of(weights, estimators):
    """Weights that sum to 1 over those that vote, one for each estimator."""
    found = np.ones(len(estimators)) if weights is None else np.asarray(weights, float)
    fits = found.shape == (len(estimators),) and np.isfinite(found).all()
    votes = [one != "drop" for one in estimators]
    if not fits or (found < 0).any() or not found[votes].sum() > 0:
        raise ValueError(
            f"{_NAME} needs a weight of 0 or more for each of {len(estimators)} "
            f"estimators, and one above 0. Got {weights!r}."
        )
    return found / found[votes].sum()


def _check_probabilities(fitted):
    for one in fitted:
        if not hasattr(one, "predict_proba") or not gives_several(one):
            kind = type(one).__name__
            raise ValueError(
                f"{_NAME} needs classifiers with predict_proba of several labels. Got "
                f"{kind}; put OneVsRestClassifier(CalibratedClassifierCV(...)) there."
            )

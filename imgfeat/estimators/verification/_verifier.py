"""Tell whether two images show the same: a person, an animal, a piece of cloth."""

from numbers import Integral, Real
from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from imgfeat._frames import make_frame
from imgfeat._sklearn import (
    HasMethods,
    Interval,
    StrOptions,
    fit_context,
    safe_indexing,
)
from imgfeat._stateless import is_stateless
from imgfeat.estimators._conformal import rows_needed, upper_bound
from imgfeat.estimators._unknown_label import choose_unknown
from imgfeat.estimators.verification._compared_rows import (
    Describer,
    key_of,
    names_of_images,
    names_of_pairs,
)
from imgfeat.estimators.verification._cut_people import cut, pairs_of, rows_of
from imgfeat.estimators.verification._enrolment import Gallery
from imgfeat.estimators.verification._known_pairs import know_pairs
from imgfeat.estimators.verification._likeness import (
    fit_probability,
    of_pairs,
    probability,
)
from imgfeat.estimators.verification._pairs import are_pairs, take_apart

_N_KEY = 16  # images by whose features a gallery knows its verifier


def _calibrates(verifier):
    return verifier.calibrate


class PairVerifier(MetaEstimatorMixin, BaseEstimator):
    """Tell whether two images show the same person, or the same thing.

    Images are the same where their features are more alike than a threshold, which is
    chosen so that no more than a wanted share of pairs of two people pass for one. It
    need not have seen the people: one image is enough to know somebody by.

    Parameters
    ----------
    features : transformer, or classifier with features
        From images to vectors, such as ``make_pipeline(ImageReader(64), HOG())``. Of a
        classifier, what it sees. It is cloned, and fitted if it learns; one that is
        fitted already stays as it is in a ``FrozenEstimator``.
    metric : {"cosine", "euclidean"}, default="cosine"
        Similarity is the cosine of the angle between features, or their distance,
        negative.
    calibrate : bool, default=True
        Learn probabilities, for `predict_proba`.
    false_accept_rate : float, default=0.01
        Wanted share of the pairs of two people that pass for the same, at most.
    max_pairs : int, default=10000
        Most pairs of either kind to draw, where people are known.
    unknown_label : str or int, optional
        What `identify` calls people who are in no gallery; by default "unknown", or -1
        where people are numbers, and less where -1 is one of them.
    batch_size : int, default=256
        Images that are described at a time.
    random_state : int, RandomState instance or None, default=0
        Deals people into parts, and draws pairs. The features have random states of
        their own.

    Attributes
    ----------
    features_ : estimator
        Fitted.
    threshold_ : float
        Similarity above which two images are the same.
    slope_, intercept_ : float
        The log-odds of being the same are ``slope_ * similarity + intercept_``. If
        `calibrate`.
    n_features_out_ : int
        Numbers that describe an image.
    n_chosen_on_ : int
        Pairs of two people on which the threshold was chosen.
    key_ : str
        What the features are known by, in the file of a `Gallery`.

    See Also
    --------
    Gallery : People to be identified.
    imgfeat.evaluation.evaluate_pairs : How often it is wrong, with intervals.

    Notes
    -----
    Half of the people, their images with them, are there for features that learn, a
    quarter for probabilities, and a quarter for the threshold; nobody is in two parts.
    Where features learn nothing, or nothing is calibrated, the others have more. Where
    only pairs are known, images that are linked by pairs are kept in one part.

    The threshold is the similarity that one more pair of two people exceeds with a
    probability of `false_accept_rate` at most, if pairs were independent. They are not,
    as people are in many pairs, so that on few people the rate may be another:
    `evaluate_pairs` has intervals over people. A rate of 0.01 needs 99 pairs of two
    people in its part.

    Probabilities hold where as many pairs are the same as in `fit`: half, if they are
    drawn, of as many pairs of each kind. In a gallery, where nearly all are different,
    they are far too high.

    References
    ----------
    G. B. Huang, M. Ramesh, T. Berg and E. Learned-Miller, "Labeled faces in the wild",
    University of Massachusetts, Amherst, 07-49, 2007: pairs of people who were not
    seen in training.

    Examples
    --------
    >>> from imgfeat import load_sample
    >>> from imgfeat.estimators import PairVerifier
    >>> from imgfeat.features import HOG
    >>> digits = load_sample("digits")
    >>> hog = HOG(pixels_per_cell=(4, 4), cells_per_block=(1, 1))
    >>> verifier = PairVerifier(hog, false_accept_rate=0.1)
    >>> verifier = verifier.fit(digits.images[:400], digits.target[:400])
    >>> zero, one, another_zero = digits.images[[0, 1, 10]]
    >>> verifier.predict([(zero, another_zero), (zero, one)])
    array([ True, False])
    """

    _parameter_constraints: dict = {
        "features": [HasMethods(["fit"])],
        "metric": [StrOptions({"cosine", "euclidean"})],
        "calibrate": ["boolean"],
        "false_accept_rate": [Interval(Real, 0, 1, closed="neither")],
        "max_pairs": [Interval(Integral, 1, None, closed="left")],
        "unknown_label": [str, Integral, None],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        features,
        metric="cosine",
        calibrate=True,
        *,
        false_accept_rate=0.01,
        max_pairs=10_000,
        unknown_label=None,
        batch_size=256,
        random_state=0,
    ):
        self.features = features
        self.metric = metric
        self.calibrate = calibrate
        self.false_accept_rate = false_accept_rate
        self.max_pairs = max_pairs
        self.unknown_label = unknown_label
        self.batch_size = batch_size
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, *, people=None) -> Self:
        """Learn from pairs, or from images of people.

        Parameters
        ----------
        X : pairs, or images
            Pairs are a sequence of ``(a, b)``, an array or table with two columns of
            paths, or pixels of shape (n_pairs, 2, height, width[, 3]). Images are any
            batch.
        y : array-like
            Of pairs, whether they are the same: True or False, 1 or 0, ``"same"`` or
            ``"different"``. Of images, who is on them: pairs are drawn, all that are
            the same and as many others, and features that learn are told who it is.
        people : array-like of shape (n_pairs, 2), optional
            Who is on either side of pairs, so that nobody is in two parts.

        Returns
        -------
        self : PairVerifier

        Raises
        ------
        ImageDecodeError
            If an image cannot be read.
        TypeError
            If `features` makes no vectors.
        ValueError
            If there is one person, pairs are of one kind, too few are left for a part,
            the same are no more alike than others, or a parameter is wrong.
        """
        who = type(self).__name__
        rng = check_random_state(self.random_state)
        known = know_pairs(X, y, people, who)
        learns = not (
            isinstance(self.features, FrozenEstimator) or is_stateless(self.features)
        )
        n_needed = rows_needed(self.false_accept_rate)
        shares = [2] * learns + [1] * bool(self.calibrate) + [1]
        parts = cut(known, shares, rng)
        taught = parts.pop(0) if learns else known
        parts = [
            pairs_of(part, self.max_pairs, rng, who, at_least=n)
            for part, n in zip(parts, [0, n_needed][-len(parts) :], strict=True)
        ]
        n_different = int((~parts[-1].same).sum())
        if n_different < n_needed:
            raise ValueError(
                f"{who} with false_accept_rate={self.false_accept_rate} needs "
                f"{n_needed} pairs of two people to choose the threshold on. Got "
                f"{n_different}; give more people or pairs, or a higher rate."
            )
        self._fit_features(taught, learns)
        if self.calibrate:
            self._fit_probability(parts[0])
        chosen_on = parts[-1]
        found = self._compare(chosen_on)[~chosen_on.same]
        self.threshold_ = upper_bound(
            found, self.false_accept_rate, np.ones(len(found))
        )
        self.n_chosen_on_ = n_different
        return self

    def similarity(self, pairs) -> np.ndarray:
        """Tell how alike the images of each pair are.

        Parameters
        ----------
        pairs : pairs

        Returns
        -------
        ndarray of shape (n_pairs,)
            Cosines, from -1 to 1, or distances, negative.

        Raises
        ------
        ImageDecodeError
            If an image cannot be read.
        ValueError
            If a pair is not of two images, or features have no direction.
        """
        check_is_fitted(self)
        who = type(self).__name__
        if not are_pairs(pairs):
            raise ValueError(
                f"{who} needs pairs of images: [(a, b), ...]. Got {_kind(pairs)}; for "
                "who is on an image there is identify."
            )
        images, left, right = take_apart(pairs, who)
        rows = self._rows(images, names_of_pairs(images, left, right))
        return of_pairs(rows, left, right, self.metric)

    def predict(self, pairs) -> np.ndarray:
        """Tell which pairs are the same.

        Parameters
        ----------
        pairs : pairs

        Returns
        -------
        ndarray of bool of shape (n_pairs,)
        """
        return self.similarity(pairs) > self.threshold_

    @available_if(_calibrates)
    def predict_proba(self, pairs) -> np.ndarray:
        """Tell how probable it is that pairs are different, and the same.

        Parameters
        ----------
        pairs : pairs

        Returns
        -------
        ndarray of shape (n_pairs, 2)
            The second column is that of the same.
        """
        same = probability(self.similarity(pairs), self.slope_, self.intercept_)
        return np.stack([1 - same, same], axis=1)

    def describe(self, X) -> np.ndarray:
        """Describe images as they are compared.

        Parameters
        ----------
        X : images

        Returns
        -------
        ndarray of shape (n_images, n_features), float32
            Of unit length, for the cosine.
        """
        check_is_fitted(self)
        return self._rows(X, names_of_images(self, X))

    def identify(self, gallery, probes) -> pd.DataFrame:
        """Tell who of a gallery is on each image, if anybody.

        Parameters
        ----------
        gallery : Gallery
            Of this verifier.
        probes : images

        Returns
        -------
        DataFrame with columns person, nearest, similarity
            Whose image is most alike, and how much; ``person`` is the unknown label
            where that is not above ``threshold_``.

        Raises
        ------
        ImageDecodeError
            If an image cannot be read.
        ValueError
            If the gallery is empty, or of another verifier.

        Notes
        -----
        `false_accept_rate` is of a pair. Among n images a stranger is taken for
        somebody up to n times as often; ask for a rate that is as much lower.
        """
        check_is_fitted(self)
        if not isinstance(gallery, Gallery):
            raise TypeError(
                f"identify needs a Gallery. Got {_kind(gallery)}; "
                "Gallery(verifier).add(person, images) makes one."
            )
        gallery.refuse_other(self)
        people, similarity = gallery.nearest(self.describe(probes))
        unknown = choose_unknown(
            self.unknown_label, np.array(gallery.people), type(self).__name__
        )
        is_known = similarity > self.threshold_
        who = [
            person if known else unknown
            for person, known in zip(people, is_known, strict=True)
        ]
        return make_frame({"person": who, "nearest": people, "similarity": similarity})

    def _fit_features(self, taught, learns):
        # Features that learn nothing check images, and note their size.
        rows = rows_of(taught)[: None if learns else _N_KEY]
        images = safe_indexing(taught.pairs.images, rows)
        features = self.features
        if not isinstance(features, FrozenEstimator):
            features = clone(features)
            people = () if taught.people is None else (taught.people[rows],)
            features.fit(images, *people)
        self.features_ = features
        first = safe_indexing(taught.pairs.images, rows[:_N_KEY])
        described = Describer(features, self.batch_size, type(self).__name__)(first)
        self.n_features_out_ = described.shape[1]
        self.key_ = key_of(described, self.metric)

    def _fit_probability(self, part):
        self.slope_, self.intercept_ = fit_probability(self._compare(part), part.same)
        if self.slope_ <= 0:
            raise ValueError(
                f"{type(self).__name__} needs features by which the same are more "
                "alike than others. Got the opposite, or no difference; use other "
                "features, or more images."
            )

    def _compare(self, part):
        """Similarity of the pairs of a part, each image described once."""
        images, left, right = part.pairs
        rows, places = np.unique(np.stack([left, right]), return_inverse=True)
        names = names_of_pairs(images, left, right)
        if part.people is not None:
            names = names_of_images(self, images)
        found = self._rows(safe_indexing(images, rows), lambda row: names(rows[row]))
        return of_pairs(found, *places.reshape(2, -1), self.metric)

    def _rows(self, images, name_of):
        describe = Describer(self.features_, self.batch_size, type(self).__name__)
        return describe.compared(images, self.metric, name_of, self.n_features_out_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.string = True
        return tags


def _kind(thing):
    shape = getattr(thing, "shape", None)
    return type(thing).__name__ + (f" of shape {shape}" if shape else "")

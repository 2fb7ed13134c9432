"""Features of all images, for each distinct front once, kept for the next run."""

import time
from collections import Counter
from copy import copy

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import VotingClassifier
from sklearn.pipeline import Pipeline

from imgfeat._nesting import replace_nested
from imgfeat._sklearn import safe_indexing
from imgfeat._stateless import split_stateless, transform_in_chunks
from imgfeat.estimators import LabelVote
from imgfeat.evaluation.comparison._sent_features import SentFeatures, are_better_sent
from imgfeat.features import CachedFeatures
from imgfeat.features.cache._kept_seconds import KeptSeconds
from imgfeat.features.cache._keys import transformer_key
from imgfeat.features.cache._learned import LearnedFeatures, learns_alike
from imgfeat.sources import ImageReader

# Images that tell how long one takes, when the features of all lie on the disk.
_N_TIMED = 16
_STORED = "stored features"
_LEARNED = "learned features"


def through_store(classifier, location=None):
    """A classifier whose features are looked up in the store, and kept there.

    Parameters
    ----------
    classifier : Pipeline, vote of pipelines, or any other, which stays as it is
        Not fitted.
    location : path, optional
        As for `CachedFeatures`.
    """
    if isinstance(classifier, VotingClassifier | LabelVote):
        voters = [(n, through_store(c, location)) for n, c in classifier.estimators]
        return clone(classifier).set_params(estimators=voters)
    if not isinstance(classifier, Pipeline):
        return classifier
    front, rest = split_stateless(classifier)
    if front is None:
        return classifier
    if can_keep_learned(front, rest):
        return _through_learned(front, rest, location)
    return Pipeline([(_STORED, CachedFeatures(front, location)), *rest.steps])


def out_of_store(classifier):
    """What `through_store` made of a classifier, fitted, as the one it was."""
    return replace_nested(classifier, _without_store)


def can_keep_learned(front, rest):
    """Whether behind what learns nothing comes a step that learns without labels."""
    if front is None or not isinstance(rest, Pipeline) or len(rest.steps) < 2:
        return False
    return learns_alike(rest.steps[0][1])


def owed_seconds(model):
    """Seconds that a fitted model has been spared, of those that are no front's."""
    first = model.steps[0][1] if isinstance(model, Pipeline) else None
    return first.owed_s_ if isinstance(first, LearnedFeatures) else 0.0


def _without_store(estimator):
    if not isinstance(estimator, Pipeline):
        return estimator
    name, first = estimator.steps[0]
    if name not in (_STORED, _LEARNED):
        return estimator
    # A vote also keeps what it was given, which is not fitted.
    is_fitted = hasattr(first, "transformer_")
    inside = first.transformer_ if is_fitted else first.transformer
    return _without_store(Pipeline([*inside.steps, *estimator.steps[1:]]))


def _through_learned(front, rest, location, batch_size=256):
    steps = [(_STORED, CachedFeatures(front, location, batch_size)), rest.steps[0]]
    learned = LearnedFeatures(Pipeline(steps), location, batch_size)
    return Pipeline([(_LEARNED, learned), *rest.steps[1:]])


class Fronts:
    """Computes features for the candidates that share them.

    Parameters
    ----------
    X : images
    batch_size : int
    location : path, True or False
        Folder of the feature store; True is the default one, False uses none.
    shared : list of stateless transformer, default=()
        Fronts of all candidates: a reader that several begin with reads images once.
    verbose : int
    """

    def __init__(self, X, *, batch_size, location, shared=(), verbose=0):
        self.X = X
        self._batch_size = batch_size
        self._location = location
        self._verbose = verbose
        self._keys = {}  # by id: it hashes weights and code
        self._seconds = {}
        self._shared_readers = self._find_shared_readers(shared)

    def part(self, rows):
        """Of some of the images; what is known of fronts is known to both."""
        part = copy(self)
        part.X = safe_indexing(self.X, rows)
        return part

    def key(self, front):
        """The same for fronts that give the same features."""
        if front is None:
            return ""
        if id(front) not in self._keys:
            try:
                key = transformer_key(front)[0]
            except TypeError:  # more than its parameters: like itself alone
                key = f"object {id(front)}"
            self._keys[id(front)] = key, front  # which keeps the number its own
        return self._keys[id(front)][0]

    def features(self, front):
        """Features of all images; the images themselves without a front.

        `SentFeatures` where they are better computed by the workers.
        """
        if front is None:
            return self.X
        location = False if self._is_unkept(front) else self._folder
        front = self._reading_once(front)
        sent = SentFeatures(front, self.X, self._batch_size, location, self._verbose)
        return sent if are_better_sent(self.X) else sent.arrive()

    def stored(self, classifier):
        """A classifier that looks its features up in the same store."""
        if self._location is False:
            return classifier
        return through_store(classifier, self._folder)

    def place(self, candidate, features):
        """What to fit on which rows: a learner before the classifier finds its own.

        Parameters
        ----------
        candidate : Candidate
        features : array-like
            Of all images, by its front.

        Returns
        -------
        model : classifier
        features : array-like
        """
        front, rest = candidate.front, candidate.rest
        if not can_keep_learned(front, rest) or self._is_unkept(front):
            return rest, features
        front = self._reading_once(front)
        model = _through_learned(front, rest, self._folder, self._batch_size)
        return model, self.X

    def seconds(self, front):
        """What an image takes: of some that are computed anew, or by an earlier run."""
        if front is None:
            return 0.0
        key = self.key(front)
        if key not in self._seconds:
            self._seconds[key] = self._find_seconds(front)
        return self._seconds[key]

    def _find_seconds(self, front):
        if self._is_unkept(front):
            return self._time(front)
        kept = KeptSeconds(front, self._folder)
        seconds = kept.find()
        if seconds is None:
            seconds = self._time(front)
            kept.keep(seconds)
        return seconds

    def _time(self, front):
        # One image first: compiling a kernel or exporting a net is done once a
        # computer, and belongs to no image.
        transform_in_chunks(front, safe_indexing(self.X, [0]))
        n = min(_N_TIMED, len(self.X))
        some = safe_indexing(self.X, np.arange(n))
        start = time.perf_counter()
        transform_in_chunks(front, some)
        return (time.perf_counter() - start) / n

    def _find_shared_readers(self, fronts):
        """Keys of the readers that distinct fronts have in common."""
        by_key = {self.key(f): f for f in fronts if not self._is_unkept(f)}
        readers = map(_reader_of, by_key.values())
        counts = Counter(self.key(reader) for reader in readers if reader is not None)
        return {key for key, count in counts.items() if count > 1}

    def _reading_once(self, front):
        """A front of the same features, which finds what others have read."""
        reader = _reader_of(front)
        if reader is None or self.key(reader) not in self._shared_readers:
            return front
        (name, _), *others = front.steps
        stored = CachedFeatures(reader, self._folder, self._batch_size)
        return Pipeline([(name, stored), *others])

    def _is_unkept(self, front):
        return self._location is False or self.key(front).startswith("object")

    @property
    def _folder(self):
        return None if self._location is True else self._location


def _reader_of(front):
    """The `ImageReader` that a front begins with, if there is more to it, else None."""
    if not isinstance(front, Pipeline) or len(front.steps) < 2:
        return None
    first = front.steps[0][1]
    return first if isinstance(first, ImageReader) else None

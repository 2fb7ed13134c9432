"""What takes part in a comparison: what learns nothing in it, and what learns."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.pipeline import Pipeline

from imgfeat._sklearn import BaseSearchCV
from imgfeat._stateless import split_stateless
from imgfeat.estimators import make_recipe
from imgfeat.features.cache._keys import describe_value


@dataclass(frozen=True)
class Candidate:
    """A classifier of images, cut where learning begins.

    Attributes
    ----------
    name : str
    whole : classifier
    front : transformer or None
        What gives each image the same features in every fold.
    rest : classifier
        What learns from these.
    """

    name: str
    whole: BaseEstimator
    front: BaseEstimator | None
    rest: BaseEstimator

    @cached_property
    def description(self):
        """All that it depends on, as bytes; None if it is more than its parameters.

        Made once: it hashes weights and code.
        """
        try:
            described = describe_value(self.whole, self.name)
        except TypeError:
            return None
        return json.dumps(described, sort_keys=True).encode()


def find_candidates(candidates, random_state):
    """Candidates of a mapping or of names of recipes, in order.

    Raises
    ------
    ValueError
        If there are none, or no recipe has such a name.
    TypeError
        If one is no classifier.
    """
    if isinstance(candidates, str):
        candidates = [candidates]
    if not isinstance(candidates, Mapping):
        candidates = {
            name: make_recipe(name, search=True, random_state=random_state)
            for name in candidates
        }
    if not candidates:
        raise ValueError(
            "compare needs at least one candidate. Got none; pass names of recipes, "
            "or a dict of {name: classifier}."
        )
    for name, candidate in candidates.items():
        if not is_classifier(candidate):
            raise TypeError(
                f"compare needs classifiers. Candidate {name!r} is "
                f"{type(candidate).__name__}; end its pipeline in a classifier."
            )
    return [
        Candidate(str(name), candidate, *_split(candidate))
        for name, candidate in candidates.items()
    ]


def _split(candidate):
    """`candidate` as (what learns nothing, or None; what learns)."""
    if isinstance(candidate, Pipeline):
        return split_stateless(candidate)
    is_search = isinstance(candidate, BaseSearchCV)
    if is_search and isinstance(candidate.estimator, Pipeline):
        front, rest = split_stateless(candidate.estimator, _searched(candidate))
        return front, clone(candidate).set_params(estimator=rest)
    return None, candidate


def _searched(search):
    """Names of the parameters that a search tries."""
    params = search.get_params(deep=False)
    grids = params.get("param_grid", params.get("param_distributions"))
    if grids is None:  # a search of a kind unknown here may try anything
        return [name for name, _ in search.estimator.steps]
    grids = [grids] if isinstance(grids, Mapping) else grids
    return {name for grid in grids for name in grid}

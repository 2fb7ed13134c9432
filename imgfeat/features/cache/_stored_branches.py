"""Branches of a union that run a net look their rows up, and keep them, by themselves.

So they are shared with whatever has the same net and no union around it.
"""

from copy import copy

from sklearn.pipeline import FeatureUnion, Pipeline

from imgfeat._nesting import NO_STEP, holds_nets


def store_branches(transformer, store):
    """Return `transformer`, or one of the same rows whose branches are stored.

    Parameters
    ----------
    transformer : stateless transformer
        Unions that see the images themselves are looked into.
    store : callable
        Gives one that finds the rows of a transformer.
    """
    if isinstance(transformer, Pipeline):
        (name, first), *others = transformer.steps
        stored = store_branches(first, store)
        return transformer if stored is first else Pipeline([(name, stored), *others])
    if isinstance(transformer, FeatureUnion):
        union = copy(transformer)
        parts = transformer.transformer_list
        union.transformer_list = [(name, _stored(part, store)) for name, part in parts]
        return union
    return transformer


def _stored(branch, store):
    """A branch whose steps up to its last net are stored."""
    if branch in NO_STEP:
        return branch
    steps = branch.steps if isinstance(branch, Pipeline) else [("net", branch)]
    with_net = [place for place, (_, step) in enumerate(steps, 1) if holds_nets(step)]
    if not with_net:
        return store_branches(branch, store)
    front = Pipeline(steps[: with_net[-1]])
    return Pipeline([("stored", store(front)), *steps[with_net[-1] :]])

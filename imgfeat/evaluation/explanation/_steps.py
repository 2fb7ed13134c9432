"""What a fitted pipeline does, step by step: which part describes the image."""

from dataclasses import dataclass
from itertools import pairwise

from imgfeat._on_arrays import on_arrays
from imgfeat.estimators import CNNClassifier
from imgfeat.estimators._plain_steps import list_steps
from imgfeat.evaluation.explanation._seen_part import keeps_places
from imgfeat.features import HOG, CNNEmbedding
from imgfeat.features.local._base import LocalFeature
from imgfeat.features.local._vocabulary import Vocabulary


@dataclass(frozen=True)
class Parts:
    """A pipeline, cut at what describes an image.

    Parameters
    ----------
    front : list of estimator
        From images to images, of which it is known where each pixel comes from.
    middle : list of estimator
        What describes them: an embedding, say, or local features and a vocabulary.
    tail : list of estimator
        From there to a label; empty if the middle decides.
    """

    front: list
    middle: list
    tail: list


def find_parts(pipeline):
    """`Parts` of a fitted pipeline, or None if nothing in it can be looked into."""
    steps = list_steps(on_arrays(pipeline))
    for start, step in enumerate(steps):
        if isinstance(step, CNNClassifier | CNNEmbedding | HOG):
            return _cut(steps, start, start + 1)
        if not keeps_places(step):
            break
    for start, (first, second) in enumerate(pairwise(steps)):
        if isinstance(first, LocalFeature) and isinstance(second, Vocabulary):
            return _cut(steps, start, start + 2)
    return None


def _cut(steps, start, stop):
    front = steps[:start]
    if not all(map(keeps_places, front)):
        return None
    return Parts(front, steps[start:stop], steps[stop:])

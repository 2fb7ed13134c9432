"""Small pictures of what a classifier looked at, for a page."""

from sklearn.base import BaseEstimator

from imgfeat._typing import ImageBatch
from imgfeat.evaluation.explanation._explain import explain
from imgfeat.sources._images import Images

SIDE = 160  # pixels, the longer side

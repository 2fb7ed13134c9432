"""What estimators around a pipeline from images to labels have in common."""

import numpy as np
from sklearn import get_config
from sklearn.base import clone, is_classifier
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from imgfeat._clear_labels import refuse_unclear
from imgfeat._nesting import fit_param_of_last, last_step
from imgfeat._sklearn import safe_indexing
from imgfeat._stateless import split_stateless
from imgfeat._target import refuse_several
from imgfeat.estimators._views import join


def check_classifier(pipeline, name):
    """Raise unless `pipeline`, which estimator `name` wraps, is a classifier."""
    if not is_classifier(pipeline):
        last = last_step(pipeline)
        raise TypeError(
            f"{name} needs a classifier, or a pipeline that ends in one. Got "
            f"{type(last).__name__}."
        )


def check_labels(y, n_images, name):
    """Return `y` if it has one label for each image, or raise."""
    if y is None:
        raise ValueError(f"{name} requires y to be passed, but the target y is None.")
    refuse_several(y, name)
    if not hasattr(y, "__getitem__"):
        y = np.asarray(y)
    n_labels = len(y) if np.ndim(y) else 0
    if n_labels != n_images:
        raise ValueError(
            f"{name} needs a label for each image. Got {n_images} images and "
            f"{n_labels} labels."
        )
    refuse_unclear(y, name)
    return y


def name_on_the_way(estimator, name):
    """What ``sample_weight``, or groups, are called on the way to the last step."""
    # With scikit-learn's metadata routing the steps say themselves who wants it.
    if get_config()["enable_metadata_routing"]:
        return name
    return fit_param_of_last(estimator, name)


def take_rows(fit_params, rows, n_images):
    """Parameters of a fit for some rows, of those that have a value an image."""
    return {
        name: safe_indexing(value, rows) if _has_rows(value, n_images) else value
        for name, value in fit_params.items()
    }


def split_front(pipeline, fit_params):
    """The steps in front that learn nothing, if there are any, and the rest."""
    # Not for subclasses: what they do with their steps is theirs.
    if type(pipeline) is not Pipeline or getattr(pipeline, "transform_input", None):
        return None, pipeline
    front, rest = split_stateless(pipeline, fit_params)
    if front is None:
        return None, pipeline
    return front, rest.set_params(memory=pipeline.memory, verbose=pipeline.verbose)


def describe(front, X, n_images, *, chunk=256):
    """Return `front`, fitted, and its features of X, so many rows at a time."""
    front, chunks = clone(front), []
    for start in range(0, n_images, chunk):
        rows = np.arange(start, min(start + chunk, n_images))
        images = safe_indexing(X, rows)
        if not chunks:
            front.fit(images)  # checks, and remembers the size of the images
        chunks.append(front.transform(images))
    return front, join(chunks)


def take_n_features(estimator, model):
    """Give an estimator ``n_features_in_`` as the model in it has it, or has it not."""
    estimator.__dict__.pop("n_features_in_", None)
    if hasattr(model, "n_features_in_"):
        estimator.n_features_in_ = model.n_features_in_


def set_tags(tags, pipeline):
    """Give the tags of a wrapper what its pipeline says of itself."""
    if hasattr(pipeline, "fit"):
        inner = get_tags(pipeline)
        tags.input_tags = inner.input_tags
        tags.input_tags.sparse = False
        if inner.classifier_tags is not None:
            tags.classifier_tags = inner.classifier_tags
    tags.input_tags.three_d_array = True
    tags.input_tags.string = True
    return tags


def _has_rows(value, n_images):
    is_list = hasattr(value, "__len__") and not isinstance(value, str | bytes | dict)
    return is_list and len(value) == n_images

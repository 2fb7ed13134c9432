"""Groups and sample weights, for the classifiers that ask for them."""

from sklearn import config_context
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.validation import has_fit_parameter


def fit_with(model, X, y, metadata):
    """Fit a classifier with what it requests of the metadata.

    Parameters
    ----------
    model : classifier
    X, y : array-like of shape (n_samples, ...)
    metadata : dict of str to (array-like of shape (n_samples,) or None)
        ``groups`` and ``sample_weight``.

    Returns
    -------
    classifier
        `model`, fitted.
    """
    given = {name: value for name, value in metadata.items() if value is not None}
    if not given:
        return model.fit(X, y)
    with config_context(enable_metadata_routing=True):
        wanted = _requested(model, given)
        return model.fit(X, y, **{name: given[name] for name in wanted})


def request_weights(pipeline):
    """Have every step of a pipeline that can weigh samples ask for their weights."""
    steps = pipeline.steps if isinstance(pipeline, Pipeline) else [("", pipeline)]
    with config_context(enable_metadata_routing=True):
        for _, step in steps:
            if has_fit_parameter(step, "sample_weight"):
                step.set_fit_request(sample_weight=True)
    return pipeline


def refuse_unwanted_weights(metadata, models):
    """Raise if there are weights, and no model requests them."""
    if metadata["sample_weight"] is None:
        return
    with config_context(enable_metadata_routing=True):
        if any(_requested(model, ["sample_weight"]) for model in models):
            return
    raise ValueError(
        "compare has sample_weight for candidates that request them. Got none that "
        "does; call set_fit_request(sample_weight=True) of the steps that take them, "
        "or leave sample_weight out."
    )


def take(metadata, rows):
    """The metadata of some rows."""
    return {
        name: None if value is None else value[rows] for name, value in metadata.items()
    }


def _requested(model, names):
    try:
        return get_routing_for_object(model).consumes("fit", names)
    except NotImplementedError:  # one of scikit-learn's that does not route
        return set()

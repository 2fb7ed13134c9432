"""What a fitted classifier makes of each class, with a column a class."""

import numpy as np

from imgfeat._nesting import last_step

_METHODS = ("predict_proba", "decision_function")


def score_classes(classifier, X, purpose, *, first="predict_proba"):
    """Probabilities of the classes, or decision values.

    Parameters
    ----------
    classifier : fitted classifier
    X : batch of n, as it takes it
    purpose : str
        Who asks, for messages.
    first : {"predict_proba", "decision_function"}, default="predict_proba"
        What is taken where there are both.

    Returns
    -------
    ndarray of shape (n, n_classes), float64
        Of two classes, the first has the opposite decision of the second.

    Raises
    ------
    ValueError
        If there are neither, or no score a class.
    """
    name = type(last_step(classifier)).__name__
    methods = sorted(_METHODS, key=first.__ne__)
    method = next((own for own in methods if hasattr(classifier, own)), None)
    if method is None:
        raise ValueError(
            f"{purpose} needs a classifier with {' or '.join(methods)}. Got {name} "
            "with neither; put CalibratedClassifierCV around it."
        )
    values = np.asarray(getattr(classifier, method)(X), dtype=np.float64)
    if values.ndim == 1 or values.shape[1] == 1:
        values = values.reshape(-1, 1) * [-1, 1]
    n_classes = len(classifier.classes_)
    # Of three classes there are as many pairs.
    of_pairs = n_classes > 2 and method != "predict_proba" and _is_of_pairs(classifier)
    if values.shape[1] != n_classes or of_pairs:
        raise ValueError(
            f"{purpose} needs a decision a class. Got {values.shape[1]} of {name} for "
            f"{n_classes} classes{', one a pair' if of_pairs else ''}; set "
            "decision_function_shape='ovr'."
        )
    return values


def _is_of_pairs(classifier):
    inside = last_step(getattr(classifier, "best_estimator_", classifier))
    return getattr(inside, "decision_function_shape", "") == "ovo"

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
    values = in_two_columns(getattr(classifier, method)(X))
    n_classes = len(classifier.classes_)
    of_pairs = method != "predict_proba" and decides_pairs(classifier)
    if values.shape[1] != n_classes or of_pairs:
        raise ValueError(
            f"{purpose} needs a decision a class. Got {values.shape[1]} of {name} for "
            f"{n_classes} classes{', one a pair' if of_pairs else ''}; set "
            "decision_function_shape='ovr'."
        )
    return values


def shares_of_labels(found, classes):
    """What ``predict_proba`` gives of several labels, in a column a label.

    Parameters
    ----------
    found : ndarray of shape (n, n_classes), or list of ndarray of shape (n, 1 or 2)
        Forests and neighbours give for each label the probabilities that an image
        lacks it and has it.
    classes : ndarray, or list of ndarray
        The ``classes_``, which of such a list are 0 and 1 of each label.

    Returns
    -------
    ndarray of shape (n, n_classes)
    """
    if not isinstance(found, list):
        return np.asarray(found)
    # A label that no image of the fit has, or each, has one of the two only.
    columns = [
        shares[:, known == 1].sum(axis=1)
        for shares, known in zip(found, classes, strict=True)
    ]
    return np.stack(columns, axis=1)


def score_labels(model, X, n_classes, name):
    """Probabilities of several labels, or decision values where there are none.

    Parameters
    ----------
    model : fitted classifier of several labels
    X : batch of n, as it takes it
    n_classes : int
    name : str
        Who asks, for messages.

    Returns
    -------
    ndarray of shape (n, n_classes)

    Raises
    ------
    ValueError
        If there are neither, or no finite score a label.
    """
    kind = type(last_step(model)).__name__
    if hasattr(model, "predict_proba"):
        found = shares_of_labels(model.predict_proba(X), model.classes_)
    elif hasattr(model, "decision_function"):
        found = np.asarray(model.decision_function(X))
    else:
        raise ValueError(
            f"{name} needs an estimator with predict_proba or decision_function. Got "
            f"{kind}, which has neither; take another."
        )
    if found.ndim != 2 or found.shape[1] != n_classes or not np.isfinite(found).all():
        raise ValueError(
            f"{name} needs a finite score a label, of {n_classes} labels. Got scores "
            f"of shape {found.shape} from {kind}; take another."
        )
    return found


def in_two_columns(values):
    """Scores as float64, in a column a class where those of two classes have one."""
    values = np.asarray(values, dtype=np.float64)
    if values.ndim == 1 or values.shape[1] == 1:
        return values.reshape(-1, 1) * [-1, 1]
    return values


def decides_pairs(classifier):
    """Whether it decides between pairs, of which three classes have as many."""
    inside = last_step(getattr(classifier, "best_estimator_", classifier))
    of_pairs = getattr(inside, "decision_function_shape", "") == "ovo"
    return of_pairs and len(classifier.classes_) > 2

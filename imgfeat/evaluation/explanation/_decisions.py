"""What is explained: the decision of a classifier for one class."""

import numpy as np

from imgfeat.estimators._class_scores import score_classes


def decide(classifier, X, columns):
    """Decisions for a class each: decision values, or probabilities without them.

    Parameters
    ----------
    classifier : fitted classifier
    X : batch of n
    columns : ndarray of int of shape (n,)
        Places in ``classes_``. Of two classes the first has the opposite decision.

    Returns
    -------
    ndarray of shape (n,), float64

    Raises
    ------
    ValueError
        If there are neither, or no decision a class.
    """
    values = score_classes(classifier, X, "explain", first="decision_function")
    return values[np.arange(len(values)), columns]


def predicted_columns(classifier, X):
    """Places in ``classes_`` of what is predicted; of the unknown, the likeliest."""
    classes = np.asarray(classifier.classes_).tolist()
    places = {label: place for place, label in enumerate(classes)}
    found = [places.get(label, -1) for label in classifier.predict(X).tolist()]
    if -1 in found:  # of an OpenSet
        likeliest = np.asarray(classifier.predict_proba(X)).argmax(axis=1)
        return np.where(np.equal(found, -1), likeliest, found)
    return np.array(found)

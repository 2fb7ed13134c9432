"""What is known of a model when it is saved: the data, and its scores on other data."""

from typing import Any

from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from imgfeat._target import Target, classes_of, what_decides

_MOST_CLASSES = 50  # whose confusion matrix a file keeps
_MOST_SHOWN = 12


def data_facts(labels: ArrayLike) -> dict[str, Any]:
    """How many images of each class, or with each of several labels.

    Returns
    -------
    dict
        ``n_images``, and ``by_class``.
    """
    target = Target.of(labels, "data_facts")
    pairs = zip(target.classes.tolist(), target.count(), strict=True)
    by_class = {str(name): int(n) for name, n in pairs}
    return {"n_images": len(target), "by_class": by_class}


def score_facts(evaluation):
    """What an evaluation found.

    Returns
    -------
    dict
        ``n_images``, ``scores`` by name, and for few classes ``labels`` and
        ``confusion``: counts, a row a true class, a column a predicted one.
    """
    scores = evaluation.metrics.drop("n_images").dropna()
    found = {
        "n_images": int(evaluation.metrics["n_images"]),
        "scores": {name: float(value) for name, value in scores.items()},
    }
    table = evaluation.confusion
    if evaluation.is_multi_label:
        return found
    if len(table) <= _MOST_CLASSES:
        found |= {
            "labels": [str(label) for label in table.columns],
            "true_labels": [str(label) for label in table.index],
            "confusion": table.to_numpy().tolist(),
        }
    return found


def thresholds_in_words(model: BaseEstimator) -> str:
    """Labels with their thresholds, of a fitted model that has some of its own."""
    last = what_decides(model)
    pairs = list(zip(classes_of(last).tolist(), last.thresholds_, strict=True))
    shown = ", ".join(f"{label} {value:.2f}" for label, value in pairs[:_MOST_SHOWN])
    return shown + (" ..." if len(pairs) > _MOST_SHOWN else "")

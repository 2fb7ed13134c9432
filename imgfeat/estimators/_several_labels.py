"""What classifiers have in common that take one label an image, or several."""

import numpy as np
from sklearn.base import ClassifierMixin

from imgfeat._target import Target, is_several
from imgfeat.estimators._label_thresholds import HALF


class SeveralLabels(ClassifierMixin):
    """A classifier whose fit sets ``multilabel_``: whether y gave several labels."""

    # Not of files of before there were several.
    multilabel_ = False

    def score(self, X, y, sample_weight=None) -> float:
        """Accuracy; of several labels an image, the share with all of them right.

        Parameters
        ----------
        X : as for ``predict``
        y : as for ``fit``
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        float
        """
        if self.multilabel_:
            y = Target.of(y, type(self).__name__, self.classes_).values
        return super().score(X, y, sample_weight)

    def _decide(self, shares):
        """The most probable label of each row; of several, 1 for all above one half."""
        if self.multilabel_:
            return (shares > HALF).astype(np.int64)
        return self.classes_[shares.argmax(axis=1)]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def require_several(y, name, otherwise):
    """Raise unless y gives several labels an image; `otherwise` ends the message."""
    if y is None or not is_several(y):
        shown = "None" if y is None else "one label an image"
        raise ValueError(
            f"{name} needs y with several labels an image: a matrix of 0 and 1, or a "
            f"list of names for each. Got {shown}{otherwise}."
        )


def weights_of_labels(class_weight, target, name):
    """What an image with a label counts in the decision about it, and one without.

    Parameters
    ----------
    class_weight : dict, "balanced" or None
        A dict has by label what an image with it counts, against 1 without.
    target : Target
        Of several labels.
    name : str
        Who asks, for messages.

    Returns
    -------
    ndarray of shape (2, n_classes)
        Of images without the label, and of those with it.
    """
    n_images, labels = len(target), target.classes.tolist()
    if class_weight == "balanced":
        with_it = target.count()
        sides = np.stack([n_images - with_it, with_it])
        return n_images / (2 * np.maximum(sides, 1))
    weights = np.ones((2, len(labels)))
    for label, weight in (class_weight or {}).items():
        if label not in labels:
            raise ValueError(
                f"{name} knows the labels {labels}. Got class_weight with {label!r}; "
                "give weights of images that have a label."
            )
        weights[1, labels.index(label)] = weight
    return weights

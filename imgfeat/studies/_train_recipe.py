"""One recipe, fitted on all images there are."""

import numpy as np
from sklearn.base import ClassifierMixin

from imgfeat._target import Target, refuse_several
from imgfeat._typing import ArrayLike, RandomState
from imgfeat.estimators import CNNClassifier, OpenSet, make_recipe
from imgfeat.estimators._recipes import least_images, without_search
from imgfeat.estimators._thresholded_labels import refuse_one_label, with_thresholds
from imgfeat.evaluation.comparison._fronts import out_of_store, through_store

_USUAL = 5  # images of a class


def train_recipe(
    recipe: str,
    images: np.ndarray,
    labels: ArrayLike,
    *,
    size: int = 128,
    epochs: int | None = None,
    coverage: float | None = None,
    false_alarms: float = 0.05,
    tune_thresholds: bool = False,
    n_jobs: int | None = None,
    random_state: RandomState = 0,
    verbose: int = 0,
) -> ClassifierMixin:
    """Fit one recipe on all images, its parameters chosen by cross-validation.

    Parameters
    ----------
    recipe : str
    images, labels : array-like of shape (n_images,)
        Several labels an image as for `compare`.
    size : int
        Pixels, for the hand-made features.
    epochs : int, optional
        For a recipe that trains a net.
    coverage : float, optional
        Make an `OpenSet` of it, calibrated on five folds, so that the model learns from
        all images; on a fifth that is held out where a net is trained.
    false_alarms : float, default=0.05
        Of the `OpenSet`.
    tune_thresholds : bool, default=False
        Of several labels an image, give each from its threshold of highest F1, chosen
        on five folds, or on a fifth that is held out where a net is trained. See
        `LabelThresholds`.
    n_jobs : int, optional
        Threads.
    random_state : int
    verbose : int
        Show a line an epoch.

    Returns
    -------
    Pipeline or OpenSet
        Fitted, with the winner of the search in it.

    Raises
    ------
    ValueError
        If there is no such recipe, or it has no epochs; or if a class has fewer images
        than it takes: one for ``prototype``, five for others and for `coverage`; or if
        thresholds are asked for where images have one label each.
    """
    target = Target.of(labels, "train_recipe")
    n_least = 1 if coverage is None else _USUAL
    check_enough(target, max(n_least, least_images(recipe)))
    if coverage is not None:
        refuse_several(labels, "OpenSet, which coverage asks for,")
    if tune_thresholds:
        refuse_one_label(target, "tune_thresholds")
    pipeline = make_recipe(
        recipe, size=size, search=True, n_jobs=n_jobs, random_state=random_state
    )
    classifier = pipeline[-1]
    if isinstance(classifier, CNNClassifier):
        classifier.set_params(verbose=verbose)
        if epochs is not None:
            classifier.set_params(max_epochs=epochs)
    elif epochs is not None:
        raise ValueError(
            f"The recipe {recipe!r} trains no net, so it has no epochs. Got "
            f"epochs={epochs}; leave them out, or take cnn-finetune or cnn-scratch."
        )
    held_out = 0.2 if isinstance(classifier, CNNClassifier) else 5
    if tune_thresholds:
        pipeline = with_thresholds(pipeline, cv=held_out, random_state=random_state)
    # What a comparison has extracted of these images is there.
    stored = through_store(pipeline)
    if coverage is None:
        return without_search(out_of_store(stored.fit(images, target.to_fit())))
    model = OpenSet(
        stored,
        coverage,
        false_alarms=false_alarms,
        calibration=held_out,
        random_state=random_state,
    ).fit(images, labels)
    model.pipeline_ = out_of_store(model.pipeline_)
    return model.set_params(pipeline=pipeline)


def check_enough(target, n_needed=_USUAL, purpose="Training and testing"):
    """Raise unless there are two classes, each with a few images.

    Of several labels, unless a few images have each, and a few have it not.
    """
    if target.is_several:
        target.check_sides(purpose, n_needed)
        return
    classes, counts = target.classes.tolist(), target.count()
    if len(classes) < 2:
        what = f"one, {classes[0]!r}" if classes else "no image"
        raise ValueError(
            f"A classifier needs at least two classes. Got {what}: make a sub-folder "
            "(or label) for each class."
        )
    if counts.min() < n_needed:
        rare = classes[counts.argmin()]
        raise ValueError(
            f"{purpose} takes at least {n_needed} images of every class. Got "
            f"{counts.min()} of class {rare!r}; add images or leave the class out. "
            "The recipe prototype is trained on one of each."
        )

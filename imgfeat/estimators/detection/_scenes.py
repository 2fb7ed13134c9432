"""Images to learn from: crops of objects, and scenes with objects in them or none."""

from typing import NamedTuple

import numpy as np

from imgfeat.estimators.detection._background import as_labels, labels_of_crops
from imgfeat.estimators.detection._examples import check_boxes, object_windows
from imgfeat.kernels.resize import resize
from imgfeat.sources._images import Images


class Scene(NamedTuple):
    """An image to take windows from, and where objects are in it.

    Attributes
    ----------
    images : Images
    row : int
    boxes : ndarray of shape (n_boxes, 4)
    """

    images: Images
    row: int
    boxes: np.ndarray

    @property
    def name(self):
        """What messages call it."""
        return self.images.name(self.row)

    def read(self):
        """Its pixels, (height, width[, 3])."""
        return self.images.read(self.row)


def read_objects(images, boxes, y, window):
    """The scenes, and the windows and labels of all objects; crops are in no scene.

    Parameters
    ----------
    images : Images
        Crops, or with `boxes` scenes.
    boxes, y, window
        As for `cut_objects`, or None and a label for each crop.
    """
    if boxes is None:
        return [], crops_of(images, window), labels_of_crops(y, len(images))
    return cut_objects(images, boxes, y, window)


def crops_of(images, window):
    """Images that each show one object, as windows; a list."""
    return [
        resize(np.ascontiguousarray(images.read(row)), window)
        for row in range(len(images))
    ]


def cut_objects(images, boxes, y, window):
    """The scenes, and the windows and labels of all objects in them.

    Parameters
    ----------
    images : Images
    boxes : sequence of array-like of shape (n_boxes, 4)
    y : sequence of array-like of shape (n_boxes,), or None
    window : tuple of (int, int)

    Returns
    -------
    list of Scene, list of ndarray, list

    Raises
    ------
    ValueError
        If boxes or labels do not fit the images.
    """
    boxes = _one_each(boxes, len(images), "boxes")
    y = [None] * len(images) if y is None else _one_each(y, len(images), "y")
    scenes, windows, labels = [], [], []
    for row, (own, given) in enumerate(zip(boxes, y, strict=True)):
        image, name = images.read(row), images.name(row)
        own = check_boxes(own, image.shape, name)
        windows += list(object_windows(image, own, window))
        labels += as_labels(given, len(own), name)
        scenes.append(Scene(images, row, own))
    return scenes, windows, labels


def refuse_none(negatives):
    """Raise if there is no image among those without objects."""
    if hasattr(negatives, "__len__") and not len(negatives):
        raise ValueError(
            "negatives needs at least one image without objects. Got none; leave it "
            "out if there is none."
        )


def empty_scenes(images):
    """A `Scene` without objects of each image."""
    none = np.empty((0, 4))
    return [Scene(images, row, none) for row in range(len(images))]


def _one_each(values, n_images, name):
    """`values` as a list with an item for each image."""
    values = list(values)
    if len(values) != n_images:
        raise ValueError(
            f"{name} needs an item for each image. Got {len(values)} for {n_images} "
            "images; give an empty list for one without objects."
        )
    return values

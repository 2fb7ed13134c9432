"""What y says of each image: one label, or several. The one place that knows."""

from dataclasses import dataclass
from numbers import Real
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from sklearn.frozen import FrozenEstimator

from imgfeat._clear_labels import refuse_unclear
from imgfeat._frames import make_frame
from imgfeat._nesting import last_step
from imgfeat._sklearn import is_fitted_on_matrix

# What holds the names of one image's labels.
_HOLDERS = list, tuple, set, frozenset, np.ndarray
_HINT = "give it one column at a time, which asks for that label alone"


@dataclass(frozen=True, eq=False)
class Target:
    """Labels of images, as they are given to scikit-learn.

    Attributes
    ----------
    values : ndarray of shape (n_images,), or (n_images, n_classes)
        The label of each image; or, where an image may have several, 1 for each that it
        has and 0 for the others, int64.
    classes : ndarray of shape (n_classes,)
        Labels, sorted; of several, the names of the columns, or their numbers where y
        has no names.
    has_names : bool
        Whether columns have names.
    """

    values: NDArray[Any]
    classes: NDArray[Any]
    has_names: bool = False

    @classmethod
    def of(cls, y: Any, name: str, classes: Any = None) -> Self:
        """Read y.

        Parameters
        ----------
        y : array-like
            One label an image. Of several: 0 and 1, or booleans, of shape (n_images,
            n_classes), in a table with names of classes if its columns have some; or
            for each image a list, tuple or set of names.
        name : str
            Who asks, for messages.
        classes : array-like of shape (n_classes,), optional
            Those that y may have, such as a model's; in this order.

        Raises
        ------
        ValueError
            If y has several labels an image, and one is neither 0 nor 1, missing or no
            name; or it has others than `classes`.
        """
        if not is_several(y):
            refuse_unclear(y, name)
            values = np.asarray(y)
            return cls(values, np.unique(values) if classes is None else classes)
        known = None if classes is None else np.asarray(classes)
        if _holds_names(y):
            return cls._of_names(y, name, known)
        values, names = _matrix(y, name), _column_names(y, name)
        if known is not None:
            values = _in_order(values, names, known, name)
            return cls(values, known, known.dtype.kind not in "iu")
        if names is None:
            return cls(values, np.arange(values.shape[1]))
        return cls(values, names, True)

    @property
    def is_several(self) -> bool:
        """Whether an image may have several labels, or none."""
        return self.values.ndim == 2

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows) -> Self:
        """The labels of some images."""
        return type(self)(self.values[rows], self.classes, self.has_names)

    def to_fit(self) -> Any:
        """Y as our classifiers take it, which keeps names: values, or a table."""
        if not self.has_names:
            return self.values
        return make_frame(self.values, columns=self.classes.tolist())

    def count(self) -> NDArray[np.int64]:
        """How many images have each class."""
        if self.is_several:
            return self.values.sum(axis=0)
        there, counts = np.unique(self.values, return_counts=True)
        n_of = dict(zip(there.tolist(), counts.tolist(), strict=True))
        return np.array([n_of.get(label, 0) for label in self.classes.tolist()])

    def sides(self) -> NDArray[np.int64]:
        """How many images are on the smaller side of each of several labels.

        Those with the label, or those without it if they are fewer.
        """
        with_it = self.count()
        return np.minimum(with_it, len(self) - with_it)

    def check_sides(self, name: str, n_needed: int = 1) -> None:
        """Raise unless so many images have each of several labels, and lack it."""
        least = self.sides()
        if least.min() >= n_needed:
            return
        place = int(least.argmin())
        n_with = int(self.count()[place])
        what = f"{n_needed} images" if n_needed > 1 else "an image"
        raise ValueError(
            f"{name} needs {what} with each label, and {what} without it. Got "
            f"{n_with} of {len(self)} with {self.classes.tolist()[place]!r}; add "
            "images, or leave this label out."
        )

    @classmethod
    def _of_names(cls, y: Any, name: str, classes: NDArray[Any] | None) -> Self:
        rows = [_names_of(row, number, name) for number, row in enumerate(y)]
        there = sorted(set().union(*rows))
        if classes is None:
            if len(there) < 2:
                what = there or f"{len(rows)} images without any"
                raise ValueError(
                    f"{name} needs names of at least two labels. Got {what}; give "
                    "one label an image as text, or add images of others."
                )
            classes = np.array(there)
        places = {label: place for place, label in enumerate(classes.tolist())}
        if unknown := [label for label in there if label not in places]:
            raise ValueError(
                f"{name} knows the labels {_some(classes.tolist())}. Got "
                f"{_some(unknown)}; use the names of the training, or leave them out."
            )
        values = np.zeros((len(rows), len(classes)), dtype=np.int64)
        for number, row in enumerate(rows):
            values[number, [places[label] for label in row]] = 1
        return cls(values, classes, True)


def is_several(y: Any) -> bool:
    """Whether y may give an image several labels, by what it is made of.

    A table or array of more than one column does, and so does a list of lists; the
    values do not count. An array of one column has one label an image.
    """
    if sparse.issparse(y) or isinstance(y, pd.DataFrame | np.ndarray):
        return bool(y.ndim == 2 and y.shape[1] > 1) or _holds_names(y)
    if isinstance(y, list | tuple | pd.Series):
        return _holds_names(y) or any(_width(row) > 1 for row in y)
    shape = np.asarray(y).shape  # as scikit-learn reads what has no shape of its own
    return len(shape) == 2 and shape[1] > 1


def gives_several(model: Any) -> bool:
    """Whether a fitted model gives an image several labels, or none."""
    last = what_answers(model)
    if getattr(last, "multilabel_", False) or is_fitted_on_matrix(last):
        return True
    # Of forests and neighbours: for each column the two classes of it.
    return isinstance(getattr(last, "classes_", None), list)


def classes_of(model: Any) -> NDArray[Any]:
    """The classes of a fitted model; of several labels, one for each column.

    Empty of what is no classifier.
    """
    classes = getattr(model, "classes_", [])
    if isinstance(classes, list) and gives_several(model):
        return np.arange(len(classes))  # of forests: 0 and 1 of each column
    return np.asarray(classes)


def plain_labels(labels: NDArray[Any]) -> list[Any]:
    """Labels as JSON has them: text, numbers, booleans; dates and the like as text."""
    if labels.dtype.kind == "M":
        labels = labels.astype(str)  # which would come as numbers in some of its units
    return [
        label if isinstance(label, str | int | float) else str(label)
        for label in labels.tolist()
    ]


def refuse_several(y: Any, name: str, hint: str = "") -> None:
    """Raise if y gives an image several labels, where `name` needs one of each."""
    if is_several(y):
        is_names = _holds_names(y)
        what = "holds lists of names" if is_names else "is an indicator matrix"
        shape = (len(y),) if is_names else tuple(y.shape) if hasattr(y, "shape") else ()
        raise ValueError(
            f"{name} needs one label an image. Got several: y {what} of shape "
            f"{shape or np.shape(y)}; {hint or _HINT}."
        )


def refuse_several_of(model: Any, name: str, hint: str = "") -> None:
    """Raise if a fitted model gives an image several labels, where `name` needs one."""
    if gives_several(model):
        kind = type(last_step(model)).__name__
        raise ValueError(
            f"{name} needs one label an image. Got several: {kind} was fitted on "
            f"them; {hint or _HINT}."
        )


def names_of_rows(values: NDArray[Any], classes: Any) -> list[tuple]:
    """For each row of 0 and 1 the classes where 1 stands."""
    labels = np.asarray(classes).tolist()
    return [tuple(labels[place] for place in np.flatnonzero(row)) for row in values]


def questions_of(y: NDArray[Any]) -> list[NDArray[np.intp]]:
    """What y answers of each image, in numbers: which class; whether it has each label.

    Parameters
    ----------
    y : ndarray of shape (n_images,), or (n_images, n_classes)

    Returns
    -------
    list of ndarray of int of shape (n_images,)
    """
    columns = [y] if y.ndim == 1 else list(y.T)
    return [np.unique(column, return_inverse=True)[1] for column in columns]


def what_decides(model: Any) -> Any:
    """The last step of a model, looking into searches and what is frozen."""
    while True:
        last = last_step(model)
        if isinstance(last, FrozenEstimator):
            model = last.estimator
        elif hasattr(last, "best_estimator_"):
            model = last.best_estimator_
        else:
            return last


def what_answers(model: Any) -> Any:
    """As `what_decides`, looking also into what of ours has a pipeline inside."""
    last = what_decides(model)
    while hasattr(last, "pipeline_"):  # of an AugmentedClassifier
        last = what_decides(last.pipeline_)
    return last


def _holds_names(y: Any) -> bool:
    """Whether each image has a list of names, rather than a row of 0 and 1."""
    if isinstance(y, np.ndarray):
        is_column = y.ndim == 1 and y.dtype == object
        return is_column and any(isinstance(row, _HOLDERS) for row in y)
    if not isinstance(y, list | tuple | pd.Series):
        return False
    held = [row for row in y if isinstance(row, _HOLDERS)]
    if any(isinstance(row, set | frozenset) for row in held):
        return True
    if any(isinstance(label, str) for row in held for label in row):
        return True
    if held and not any(len(row) for row in held):
        return True  # images without any label
    return bool(held) and len({_width(row) for row in y}) > 1


def _width(row: Any) -> int:
    return len(row) if isinstance(row, _HOLDERS) else 0


def _names_of(row: Any, number: int, name: str) -> set:
    if not isinstance(row, _HOLDERS):
        how = f"one name as [{row!r}], " if isinstance(row, str) else ""
        raise ValueError(
            f"{name} needs a list of names for each image. Got {row!r} in row "
            f"{number}; write {how}none as []."
        )
    for label in row:
        if not isinstance(label, str) or not label.strip():
            raise ValueError(
                f"{name} needs names of labels as text. Got {label!r} in row "
                f"{number}; write names, or give a matrix of 0 and 1."
            )
    return {str(label) for label in row}


def _matrix(y: Any, name: str) -> NDArray[np.int64]:
    values = y.toarray() if sparse.issparse(y) else np.asarray(y)
    shown = f"y of shape {values.shape}"
    if values.dtype.kind in "biuf":
        numbers = values
    else:
        numbers = np.reshape([_number(value) for value in values.flat], values.shape)
    bad = ~((numbers == 0) | (numbers == 1))
    if bad.any():
        row, *column = np.argwhere(bad)[0].tolist()
        raise ValueError(
            f"{name} needs 0 and 1 in a matrix of several labels an image. Got "
            f"{values[(row, *column)]} in row {row} of {shown}; write 1 for each "
            "label that an image has, and 0 for the others."
        )
    return numbers.astype(np.int64)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, Real | np.bool_) else np.nan


def _column_names(y: Any, name: str) -> NDArray[Any] | None:
    """Names of a table's columns, if they are all text."""
    if not isinstance(y, pd.DataFrame):
        return None
    names = y.columns.tolist()
    if not all(isinstance(label, str) for label in names):
        return None
    if len(set(names)) < len(names):
        twice = next(label for label in names if names.count(label) > 1)
        raise ValueError(
            f"{name} needs a column a label. Got {twice!r} twice; drop one."
        )
    return np.array(names)


def _in_order(
    values: NDArray[Any], names: NDArray[Any] | None, classes: NDArray[Any], name: str
) -> NDArray[Any]:
    """Columns in the order of `classes`; without names, they have to be as many."""
    wanted = classes.tolist()
    if names is not None and classes.dtype.kind not in "iu":
        if set(names.tolist()) != set(wanted):
            raise ValueError(
                f"{name} knows the labels {_some(wanted)}. Got columns "
                f"{_some(names.tolist())}; use the columns of the training."
            )
        return values[:, [names.tolist().index(label) for label in wanted]]
    if values.shape[1] != len(wanted):
        raise ValueError(
            f"{name} needs a column for each of {len(wanted)} labels. Got y of shape "
            f"{values.shape}; use the columns of the training, in their order."
        )
    return values


def _some(labels: list[Any]) -> str:
    more = f" and {len(labels) - 5} more" if len(labels) > 5 else ""
    return ", ".join(map(repr, labels[:5])) + more

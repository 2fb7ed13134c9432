"""What the loaders of labelled images share: order of classes, and what they return."""

import re

import numpy as np
from sklearn.utils import Bunch

from imgfeat._frames import make_frame, make_series


def in_natural_order(names):
    """Sort names as people do, 2 before 10, each of them once."""
    return sorted(set(names), key=lambda name: (_parts(name), name))


def make_bunch(paths, labels, names, description, frame=None, notes=()):
    """Return what a loader of labelled images returns.

    Parameters
    ----------
    paths, labels : list of str
        One an image.
    names : list of str
        The classes, in the order of their numbers; some may have no image.
    description : str
    frame : DataFrame, optional
        More columns.
    notes : sequence of str
        What a person has to know besides.
    """
    names = np.asarray(names, dtype=object)
    numbers = {name: number for number, name in enumerate(names)}
    target = np.array([numbers[label] for label in labels], dtype=np.int64)
    frame = make_frame({"path": paths}) if frame is None else frame
    counts = np.bincount(target, minlength=len(names))
    classes = ", ".join(f"{n} {c}" for n, c in zip(names, counts, strict=True))
    labels = names[target]
    return Bunch(
        images=np.asarray(paths, dtype=object),
        target=target,
        target_names=names,
        labels=labels,
        frame=frame.assign(label=make_series(labels, index=frame.index)),
        notes=list(notes),
        DESCR=" ".join(
            [
                f"{description} {len(paths)} images in {len(names)} classes: "
                f"{classes}.",
                *notes,
            ]
        ),
    )


def check_class_names(class_names, what="class_names"):
    """Return the names that a user gave, or raise if they are no list of names."""
    if isinstance(class_names, str):
        raise ValueError(f"{what} must be a list of names. Got {class_names!r}.")
    names = [str(name) for name in class_names]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"{what} must differ. Got {listed(repeated)} twice.")
    return names


def check_text(names, what):
    """Refuse names that are no text, as of folders in the encoding of another system.

    A label has to be written into saved models, tables and pages.
    """
    bad = [name for name in names if not _is_text(name)]
    if bad:
        raise ValueError(
            f"{what} needs names in UTF-8 for its classes. Got {listed(bad)}; rename "
            "these folders."
        )


def _is_text(name):
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def listed(names):
    """Names for a message, eight at most."""
    names = [repr(str(name)) for name in names]
    return ", ".join(names[:8]) + (
        f" and {len(names) - 8} more" if len(names) > 8 else ""
    )


def _parts(name):
    """Text and numbers in turn: ``"img10b"`` is text, the number 10, text."""
    return [
        (1, int(part), "") if part.isdecimal() else (0, 0, part)
        for part in re.split(r"(\d+)", name)
    ]

"""Labels that are probably wrong, by what a model says that has not seen them."""

import warnings

import numpy as np
import pandas as pd

from imgfeat._frames import make_frame, make_index
from imgfeat._optional import import_optional
from imgfeat._typing import ArrayLike

COLUMNS = ["row", "path", "kind", "score", "what", "group", "label", "suggested"]
MIN_SCORE = 0.65  # nearer ties are hard images more often than wrong labels
_AGREEMENT = 0.95  # of a model that is hardly ever wrong itself
_FEW, _SURE = 20, 0.85  # images of a class for counts to mean something; else a score


def label_issues(
    y: ArrayLike, probabilities: np.ndarray, classes: ArrayLike
) -> pd.DataFrame:
    """List labels that are probably wrong, the surest first.

    Needs the extra ``imgfeat[audit]``, for cleanlab.

    Parameters
    ----------
    y : array-like of shape (n_images,)
        Labels of any kind. One that is missing, or none of `classes`, is not judged.
    probabilities : ndarray of shape (n_images, n_classes)
        Of models that have not seen the image they judge, as `out_of_fold` gives them.
        A row of NaN is not judged.
    classes : array-like of shape (n_classes,)
        The class of each column. Some may have no image.

    Returns
    -------
    DataFrame
        A row a finding, of kind ``"label error"``: ``row``, ``path`` (empty), ``kind``,
        ``score`` (as `label_scores`), ``what``, ``group`` (-1), ``label``, the given
        one, and ``suggested``, the most probable.

    Raises
    ------
    ModuleNotFoundError
        If cleanlab is not installed.
    ValueError
        If lengths differ, a class is named twice, or a number is no probability.

    Notes
    -----
    Confident learning [1]_, as cleanlab has it, counts how many labels of each class
    are really of each other one, and takes that many, of the largest margin. In classes
    of fewer than 20 images, whose counts round to nothing, and for classes that no
    label names, those of a score of 0.85 are added. Kept is what is sure enough: a
    score of 0.65, and as much more as the model agrees with less than 95 % of the
    labels, up to 0.95. So clean labels give few findings, and a weak model gives none
    but its surest.

    References
    ----------
    .. [1] C. Northcutt, L. Jiang and I. Chuang, "Confident learning: estimating
       uncertainty in dataset labels", JAIR 70, 2021, :doi:`10.1613/jair.1.12125`.

    Examples
    --------
    >>> import numpy as np
    >>> from imgfeat.evaluation.audit._label_errors import label_issues
    >>> ant, bee = [0.9, 0.1], [0.1, 0.9]
    >>> y = ["ant"] * 5 + ["bee"] * 5
    >>> probabilities = np.array([ant] * 4 + [bee] * 6)
    >>> label_issues(y, probabilities, ["ant", "bee"])[["row", "label", "suggested"]]
       row label suggested
    0    4   ant       bee
    """
    codes, classes, probabilities = _checked(y, probabilities, classes)
    scores = _scores(codes, probabilities)
    judged = np.flatnonzero(np.isfinite(scores))
    flagged = np.zeros(len(codes), dtype=bool)
    if len(np.unique(codes[judged])) > 1:
        flagged[judged] = _flags(codes[judged], probabilities[judged], scores[judged])
    rows = np.flatnonzero(flagged)
    rows = rows[np.argsort(-scores[rows], kind="stable")]
    best = probabilities[rows].argmax(axis=1)
    given = probabilities[rows, codes[rows]]
    top = probabilities[rows, best]
    return make_frame(
        {
            "row": rows,
            "path": "",
            "kind": "label error",
            "score": scores[rows],
            "what": [
                f"Labelled {label}, but looks like {other}: {p:.0%} against {q:.0%}."
                for label, other, p, q in zip(
                    classes[codes[rows]], classes[best], top, given, strict=True
                )
            ],
            "group": -1,
            "label": classes[codes[rows]],
            "suggested": classes[best],
        },
        columns=COLUMNS,
    )


def label_scores(
    y: ArrayLike, probabilities: np.ndarray, classes: ArrayLike
) -> np.ndarray:
    """How likely each label is to be wrong, to look at images in that order.

    Parameters
    ----------
    y, probabilities, classes
        As for `label_issues`.

    Returns
    -------
    ndarray of shape (n_images,), float64
        0..1; 0.5 where another class is as probable as the given one: one minus
        cleanlab's normalized margin. NaN for what is not judged.
    """
    codes, _, probabilities = _checked(y, probabilities, classes)
    return _scores(codes, probabilities)


def _flags(codes, probabilities, scores):
    """Which of the judged labels are to be listed."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # of classes with few images
        flagged = _cleanlab().filter.find_label_issues(codes, probabilities, n_jobs=1)
    counts = np.bincount(codes, minlength=probabilities.shape[1])
    best = probabilities.argmax(axis=1)
    # cleanlab counts nothing into a class without labels.
    uncounted = (counts[codes] < _FEW) | (counts[best] == 0)
    agreement = (best == codes).mean()
    sure_enough = min(MIN_SCORE + max(0, _AGREEMENT - agreement), 0.95)
    return (flagged | (uncounted & (scores >= _SURE))) & (scores >= sure_enough)


def _scores(codes, probabilities):
    rank = _cleanlab().rank
    scores = np.full(len(codes), np.nan)
    judged = (codes >= 0) & np.isfinite(probabilities).all(axis=1)
    if judged.any() and probabilities.shape[1] > 1:
        scores[judged] = 1 - rank.get_normalized_margin_for_each_label(
            codes[judged], probabilities[judged]
        )
    return scores


def _cleanlab():
    return import_optional(
        "cleanlab", extra="audit", purpose="A search for wrong labels"
    )


def _checked(y, probabilities, classes):
    """Places of labels in `classes`, -1 if they are not there, and both as arrays."""
    classes = np.asarray(classes).astype(object)
    labels = np.asarray(y).astype(object)
    probabilities = np.asarray(probabilities, dtype=np.float64)
    if probabilities.shape != (len(labels), len(classes)):
        raise ValueError(
            "An audit of labels needs probabilities with a row an image and a column a "
            f"class, ({len(labels)}, {len(classes)}). Got {probabilities.shape}."
        )
    index = make_index(classes)
    if not index.is_unique:
        twice = classes[index.duplicated()][0]
        raise ValueError(f"classes must differ. Got {twice!r} twice.")
    finite = np.isfinite(probabilities).all(axis=1)
    known = probabilities[finite]
    bad = (known < 0).any(axis=1) | (abs(known.sum(axis=1) - 1) > 1e-3)
    if bad.any():
        row = np.flatnonzero(finite)[bad.argmax()]
        raise ValueError(
            "An audit of labels needs probabilities that are not negative and sum to 1."
            f" Got {probabilities[row].tolist()} in row {row}; pass what predict_proba "
            "gives, or leave probabilities out."
        )
    return index.get_indexer(labels), classes, probabilities

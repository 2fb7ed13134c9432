"""Labels that are probably wrong where an image may have several: each by itself."""

import numpy as np

from imgfeat._frames import make_frame
from imgfeat.evaluation.audit._label_errors import COLUMNS, label_issues

_NO, _YES = "no", "yes"


def issues_of_labels(values, probabilities, texts):
    """List images with a label that is probably wrong, or missing, the surest first.

    Parameters
    ----------
    values : ndarray of shape (n_images, n_classes)
        1 for each label that an image has, else 0.
    probabilities : ndarray of shape (n_images, n_classes)
        Of each label, by models that had not seen the image; NaN is not judged.
    texts : LabelTexts

    Returns
    -------
    DataFrame
        As of `label_issues`, a row an image: ``label`` has all its labels,
        ``suggested`` what they become where all that is listed is turned round, empty
        where none would be left; the score is that of the surest.

    Raises
    ------
    ModuleNotFoundError
        If cleanlab is not installed.
    ValueError
        If a probability is not between 0 and 1.

    Notes
    -----
    Each label is a question of yes or no, judged as `label_issues` judges two classes.
    So does ``cleanlab.multilabel_classification`` [1]_.

    References
    ----------
    .. [1] A. Thyagarajan, E. Snorrason, C. Northcutt and J. Mueller, "Identifying
       incorrect annotations in multi-label classification data", 2022,
       :doi:`10.48550/arXiv.2211.13895`.
    """
    wrong = {}
    for place in range(len(texts.names)):
        share = probabilities[:, place]
        both = np.column_stack([1 - share, share])
        given = np.where(values[:, place] == 1, _YES, _NO)
        found = label_issues(given, both, [_NO, _YES])
        for row, score in zip(found["row"], found["score"], strict=True):
            wrong.setdefault(row, {})[place] = score
    rows = sorted(wrong, key=lambda row: (-max(wrong[row].values()), row))
    turned = values.copy()
    for row in rows:
        turned[row, list(wrong[row])] ^= 1
    return make_frame(
        {
            "row": np.array(rows, dtype=int),
            "path": "",
            "kind": "label error",
            "score": [max(wrong[row].values()) for row in rows],
            "what": [
                _in_words(values[row], probabilities[row], wrong[row], texts)
                for row in rows
            ],
            "group": -1,
            "label": texts.of_rows(values[rows]),
            "suggested": texts.of_rows(turned[rows]),
        },
        columns=COLUMNS,
    )


def _in_words(has, shares, wrong, texts):
    """Which labels of an image are likely wrong, the surest first."""
    said = [
        f"labelled {texts.names[place]}, which looks wrong: {shares[place]:.0%}"
        if has[place]
        else f"looks like {texts.names[place]}, which is missing: {shares[place]:.0%}"
        for place in sorted(wrong, key=lambda place: -wrong[place])
    ]
    text = "; ".join(said)
    return f"{text[0].upper()}{text[1:]}."

"""Parts of a page that every evaluation has: classes, confusions, curves."""

import numpy as np

from imgfeat.evaluation.report._lines import polyline

MAX_MATRIX = 25  # classes; a larger matrix nobody can read
MAX_PAIRS = 50


def parts_of(evaluation, max_classes=None):
    """What the macros of ``parts.html`` show of an evaluation.

    Parameters
    ----------
    evaluation : Evaluation
    max_classes : int, optional
        Rows of the table of classes, the worst.

    Returns
    -------
    dict
    """
    n_classes = len(evaluation.confusion)
    if evaluation.is_multi_label:
        return {
            "classes": _class_rows(evaluation.per_class)[:max_classes],
            "n_classes": n_classes,
            "labels": _label_rows(evaluation.confusion)[:max_classes],
            **{part: [] for part in ("matrix", "pairs")},
            **dict.fromkeys(("reliability", "coverage")),
        }
    pairs = evaluation.most_confused()
    return {
        "classes": _class_rows(evaluation.per_class)[:max_classes],
        "n_classes": n_classes,
        "labels": [],
        "matrix": _matrix_rows(evaluation) if n_classes <= MAX_MATRIX else [],
        "pairs": pairs.head(MAX_PAIRS).to_dict("records"),
        "n_pairs": len(pairs),
        "reliability": _reliability(evaluation),
        "coverage": _coverage(evaluation),
    }


def _class_rows(table):
    """The classes, those with the lowest F1 first; absent ones at the end."""
    absent = table["n_images"].eq(0)
    order = np.lexsort([table["f1"], absent])
    return table.iloc[order].reset_index(names="name").to_dict("records")


def _label_rows(confusion):
    """Of each label the four counts, inked by their share of who has it, or has not."""
    rows = []
    for name, row in confusion.iterrows():
        has_it = row["found"] + row["missed"]
        has_not = row["false_alarms"] + row["rightly_without"]
        cells = [
            _label_cell(row["found"], has_it, "have it", True),
            _label_cell(row["missed"], has_it, "have it", False),
            _label_cell(row["false_alarms"], has_not, "have it not", False),
            _label_cell(row["rightly_without"], has_not, "have it not", True),
        ]
        rows.append({"name": name, "cells": cells})
    return rows


def _label_cell(count, whole, of, is_right):
    share = float(count / max(1, whole))
    ink = round(share * 0.55, 3)
    facts = {"count": int(count), "share": f"{share:.0%}", "ink": ink}
    return facts | {"right": is_right, "of": of}


def _matrix_rows(evaluation):
    counts = evaluation.confusion.to_numpy()
    shares = evaluation.confusion_shares.to_numpy()
    names = evaluation.confusion.index
    return [
        {
            "name": name,
            "cells": [
                {
                    "count": int(counts[row, column]),
                    "share": f"{shares[row, column]:.0%}",
                    "ink": round(float(shares[row, column]) * 0.55, 3),
                    "right": row == column,
                    "column": names[column],
                }
                for column in range(len(names))
            ],
        }
        for row, name in enumerate(names)
    ]


def _reliability(evaluation):
    if evaluation.ranked_by != "probabilities":
        return None
    table = evaluation.reliability()
    return {
        "line": polyline(table["probability"], table["accuracy"]),
        "bars": [
            {"x": 100 * row["probability"], "low": 100 * (1 - row["low"])}
            | {"high": 100 * (1 - row["high"]), "y": 100 * (1 - row["accuracy"])}
            for row in table.to_dict("records")
        ],
    }


def _coverage(evaluation):
    if evaluation.ranked_by == "nothing":
        return None
    table = evaluation.coverage()
    return polyline(table["coverage"], table["accuracy"])

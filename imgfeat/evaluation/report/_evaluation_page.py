"""One evaluation as a page: verdict, tables, curves, and the mistakes as pictures."""

import datetime
import os
import platform
from pathlib import Path

import markupsafe
import numpy as np
import pandas as pd
import sklearn

from imgfeat import __version__
from imgfeat._files import write_atomic
from imgfeat.evaluation.report._lines import polyline
from imgfeat.evaluation.report._template import render
from imgfeat.evaluation.report._thumbnails import thumbnail_if_there
from imgfeat.sources._frame import one_column

MAX_MATRIX = 25  # classes; a larger matrix nobody can read
MAX_PAIRS = 50
MAX_LISTED = 500  # mistakes by name, behind those with a picture
_TITLES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "precision_macro": "precision, mean of classes",
    "recall_macro": "recall, mean of classes",
    "f1_macro": "F1, mean of classes",
    "precision_weighted": "precision, weighted",
    "recall_weighted": "recall, weighted",
    "f1_weighted": "F1, weighted",
    "cohen_kappa": "Cohen's kappa",
    "matthews": "Matthews correlation",
    "log_loss": "log loss, nats",
    "brier": "Brier score",
    "calibration_error": "calibration error",
    "roc_auc": "ROC-AUC, one against the rest",
    "average_precision": "average precision",
}


def render_evaluation(evaluation, path, images, *, title, about, n_pictures):
    """Write the page of an `Evaluation`; the arguments are those of its `save_html`.

    Parameters
    ----------
    evaluation : Evaluation
    path : str or Path
    images : images
        Those that were evaluated, in their order.
    title : str
    about : dict of {str: str} or None
    n_pictures : int
    """
    worst = evaluation.top_mistakes(n_pictures + MAX_LISTED)
    n_classes = len(evaluation.confusion)
    pairs = evaluation.most_confused()
    html = render(
        "evaluation.html",
        title=title,
        summary=summary(evaluation),
        notes=_notes(evaluation),
        metrics=_metric_rows(evaluation.metrics_table),
        per_class=_class_rows(evaluation.per_class),
        per_group=evaluation.per_group,
        matrix=_matrix_rows(evaluation) if n_classes <= MAX_MATRIX else [],
        n_classes=n_classes,
        pairs=pairs.head(MAX_PAIRS).to_dict("records"),
        n_pairs=len(pairs),
        unmatched=evaluation.unmatched,
        curves=_curves(evaluation),
        pictures=_pictures(worst.head(n_pictures), images),
        listed=_mistake_rows(worst.iloc[n_pictures:]),
        n_mistakes=len(evaluation.mistakes),
        foot=_foot(about),
    )
    # Names of files may hold bytes that are no text.
    write_atomic(path, html.encode("utf-8", "backslashreplace"))


def summary(evaluation):
    """The verdict, in a sentence."""
    metrics = evaluation.metrics
    n_images, n_wrong = int(metrics["n_images"]), len(evaluation.mistakes)
    row = evaluation.metrics_table.loc["accuracy"]
    text = f"{metrics['accuracy']:.1%} of {n_images:,} images are right"
    if not n_wrong:
        return f"{text}: no mistakes."
    pair = evaluation.most_confused().iloc[0]
    return (
        f"{text} ({row['low']:.1%} to {row['high']:.1%}); {n_wrong:,} wrong. Most "
        f"often '{pair['true']}' is taken for '{pair['predicted']}': "
        f"{pair['n_images']} of {pair['n_images'] / pair['share']:.0f}."
    )


def summary_html(evaluation):
    """What a notebook shows: the sentence, the metrics and the worst pairs."""
    table = evaluation.metrics_table.to_html(float_format="{:.4f}".format, border=0)
    pairs = evaluation.most_confused().head(10)
    shown = pairs.to_html(float_format="{:.3f}".format, border=0, index=False)
    said = markupsafe.escape(summary(evaluation))
    return f"<div><p>{said}</p>{table}{shown if len(pairs) else ''}</div>"


def _notes(evaluation):
    """What a reader has to know before the numbers."""
    notes = []
    if evaluation.ranked_by == "decision values":
        notes.append(
            "The model has no probabilities: decision values rank images and classes; "
            "log loss, Brier score and calibration are not known."
        )
    elif evaluation.ranked_by == "nothing":
        notes.append("The model has neither probabilities nor decision values.")
    if evaluation.per_class["n_images"].gt(0).sum() == 1:
        notes.append("All images are of one class; much cannot be measured so.")
    strange = evaluation.unmatched["in"].eq("images")
    if strange.any():
        n_images = evaluation.unmatched.loc[strange, "n_images"].sum()
        notes.append(
            f"{n_images:,} images are of {strange.sum()} classes that the model has "
            "never seen; all count as mistakes."
        )
    return notes


def _metric_rows(table):
    """Text of each metric, and where its interval lies on a line from 0 to 1."""
    rows = []
    for name, row in table.iterrows():
        known = not np.isnan(row["low"])
        # A loss has no such scale: 0.5 nats are not half of anything.
        has_line = (
            known
            and name not in ("log_loss", "brier")
            and row["low"] >= 0
            and row["high"] <= 1
        )
        rows.append(
            {
                "name": _TITLES.get(name, name.replace("_", " ")),
                "value": "not known"
                if np.isnan(row["value"])
                else f"{row['value']:.3f}",
                "interval": f"{row['low']:.3f} to {row['high']:.3f}" if known else "",
                "low": 100 * row["low"] if has_line else None,
                "width": 100 * (row["high"] - row["low"]) if has_line else None,
                "at": 100 * row["value"] if has_line else None,
            }
        )
    return rows


def _class_rows(table):
    """The classes, those with the lowest F1 first; absent ones at the end."""
    absent = table["n_images"].eq(0)
    order = np.lexsort([table["f1"], absent])
    return table.iloc[order].reset_index(names="name").to_dict("records")


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


def _curves(evaluation):
    """Points of the curves that this model has."""
    curves = {"reliability": None, "coverage": None}
    if evaluation.ranked_by == "probabilities":
        table = evaluation.reliability()
        curves["reliability"] = {
            "line": polyline(table["probability"], table["accuracy"]),
            "bars": [
                {"x": 100 * row["probability"], "low": 100 * (1 - row["low"])}
                | {"high": 100 * (1 - row["high"]), "y": 100 * (1 - row["accuracy"])}
                for row in table.to_dict("records")
            ],
        }
    if evaluation.ranked_by != "nothing":
        table = evaluation.coverage()
        curves["coverage"] = polyline(table["coverage"], table["accuracy"])
    return curves


def _pictures(mistakes, images):
    pictures = {}  # of one path or row, made once
    rows = _mistake_rows(mistakes)
    # A table's column of images is indexed by place, whatever its labels are.
    images = one_column(images)
    images = images.to_numpy() if hasattr(images, "to_numpy") else images
    for place, row in zip(mistakes.index, rows, strict=True):
        key = row["where"]
        if key not in pictures:
            pictures[key] = thumbnail_if_there(images[place])
        row["picture"] = pictures[key]
    return rows


def _mistake_rows(mistakes):
    return [
        {
            "where": str(row["image"]),
            "name": os.path.basename(row["image"])
            if isinstance(row["image"], str)
            else f"image {row['image']}",
            # A link only to a file; what else stands in a name is only shown.
            "link": Path(row["image"]).absolute().as_uri()
            if isinstance(row["image"], str)
            else None,
            "true": row["true"],
            "predicted": row["predicted"],
            "probability": None if pd.isna(row["probability"]) else row["probability"],
            "loss": None if pd.isna(row["loss"]) else row["loss"],
        }
        for row in mistakes.to_dict("records")
    ]


def _foot(about):
    versions = f"imgfeat {__version__}, scikit-learn {sklearn.__version__}, numpy "
    return {
        **(about or {}),
        "date": f"{datetime.datetime.now():%Y-%m-%d %H:%M}",
        "versions": f"{versions}{np.__version__}, Python {platform.python_version()}",
        "machine": f"{platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} processors",
    }

"""One evaluation as a page: verdict, tables, curves, and the mistakes as pictures."""

from numbers import Integral
from pathlib import Path

import markupsafe
import numpy as np

from imgfeat._files import write_atomic
from imgfeat.evaluation.report._cards import mistake_cards
from imgfeat.evaluation.report._foot import foot
from imgfeat.evaluation.report._parts import parts_of
from imgfeat.evaluation.report._template import plain, render
from imgfeat.evaluation.report._thumbnails import Album

MAX_BYTES = 8_000_000  # of pictures; browsers still open such a page at once
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
    "precision_micro": "precision, all labels at once",
    "recall_micro": "recall, all labels at once",
    "f1_micro": "F1, all labels at once",
    "hamming_loss": "Hamming loss, share of labels wrong",
    "f1_samples": "F1, mean of images",
    "jaccard_macro": "Jaccard, mean of labels",
    "jaccard_samples": "Jaccard, mean of images",
}
_OF_GROUPS = {"balanced_accuracy": "balanced"}


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
    folder = Path(path).parent
    cards, listed = mistake_cards(worst, Album(images, MAX_BYTES), folder, n_pictures)
    n_mistakes = len(evaluation.mistakes)
    is_full = len(cards) < min(n_pictures, n_mistakes)
    html = render(
        "evaluation.html",
        title=title,
        summary=summary(evaluation),
        notes=_notes(evaluation),
        metrics=_metric_rows(evaluation.metrics_table),
        parts=parts_of(evaluation),
        groups=_group_rows(evaluation.per_group),
        unmatched=evaluation.unmatched,
        cards=cards,
        listed=listed[:MAX_LISTED],
        n_mistakes=n_mistakes,
        why_fewer=", for the page would be too large with more" if is_full else "",
        foot=foot(_facts(evaluation) | dict(about or {})),
    )
    # Names of files may hold bytes that are no text.
    write_atomic(path, html.encode("utf-8", "backslashreplace"))


def summary(evaluation):
    """The verdict, in a sentence."""
    if evaluation.is_multi_label:
        return _summary_of_labels(evaluation)
    metrics = evaluation.metrics
    n_images, n_wrong = int(metrics["n_images"]), len(evaluation.mistakes)
    row = evaluation.metrics_table.loc["accuracy"]
    text = (
        f"{metrics['accuracy']:.1%} of {n_images:,} images are right "
        f"({row['low']:.1%} to {row['high']:.1%})"
    )
    if not n_wrong:
        return f"{text}: no mistakes."
    pair = evaluation.most_confused().iloc[0]
    text += f"; {n_wrong:,} wrong."
    if pair["n_images"] == 1:
        return text if n_wrong == 1 else f"{text} No two of them are alike."
    return (
        f"{text} Most often '{plain(pair['true'])}' is taken for "
        f"'{plain(pair['predicted'])}': {pair['n_images']} of "
        f"{pair['n_images'] / pair['share']:.0f}."
    )


def _summary_of_labels(evaluation):
    metrics, table = evaluation.metrics, evaluation.metrics_table
    n_images = int(metrics["n_images"])
    low, high = table.loc["f1_macro", ["low", "high"]]
    text = (
        f"F1 is {metrics['f1_macro']:.3f} ({low:.3f} to {high:.3f}), as a mean of "
        f"{len(evaluation.per_class)} labels; {metrics['accuracy']:.1%} of "
        f"{n_images:,} images have all labels right"
    )
    wrong = evaluation.confusion[["missed", "false_alarms"]].sum(axis=1)
    if not wrong.any():
        return f"{text}: no mistakes."
    worst = evaluation.confusion.loc[[wrong.idxmax()]].iloc[0]
    return (
        f"{text}. Most mistakes are about '{plain(wrong.idxmax())}': of "
        f"{worst['found'] + worst['missed']} images with it {worst['missed']} are "
        f"missed, and of the others {worst['false_alarms']} are said to have it."
    )


def summary_html(evaluation):
    """What a notebook shows: the sentence, the metrics and the worst pairs."""
    table = evaluation.metrics_table.to_html(float_format="{:.4f}".format, border=0)
    if evaluation.is_multi_label:
        said = markupsafe.escape(summary(evaluation))
        shown = evaluation.per_class.to_html(float_format="{:.3f}".format, border=0)
        return f"<div><p>{said}</p>{table}{shown}</div>"
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
    if evaluation.is_multi_label:
        return notes + _notes_of_labels(evaluation)
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


def _notes_of_labels(evaluation):
    notes = [
        "An image may have several labels, or none. An image is right if all of its "
        "labels are; kappa, top-k, confused pairs and coverage ask for one label an "
        "image, and are left out."
    ]
    absent = evaluation.per_class.index[evaluation.per_class["n_images"].eq(0)]
    if len(absent):
        names = ", ".join(f"'{plain(name)}'" for name in absent[:8])
        notes.append(f"No image has {names}; how well it is found is not known.")
    return notes


def _group_rows(table):
    """Groups as text, in columns of what was measured; None without groups."""
    if table is None:
        return None
    shares = [c for c in table if c not in ("n_images", "low", "high")]
    rows = []
    for name, row in table.iterrows():
        cells = [f"{row[column]:.3f}" for column in shares]
        if "low" in table:
            cells.insert(1, f"{row['low']:.3f} to {row['high']:.3f}")
        rows.append({"name": name, "cells": [*cells, f"{row['n_images']:.0f}"]})
    titles = [_OF_GROUPS.get(c, c.replace("_", " ")) for c in shares]
    if "low" in table:
        titles.insert(1, "95 % interval")
    return {"columns": [*titles, "images"], "rows": rows}


def _facts(evaluation):
    """What the foot says of an evaluation: the seed of its intervals, and its time."""
    facts = {}
    if isinstance(seed := evaluation._draws.get("random_state"), Integral):
        facts["seed"] = str(seed)
    if evaluation._seconds is not None:
        facts["time taken"] = f"{evaluation._seconds:.1f} seconds, by the model"
    return facts


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

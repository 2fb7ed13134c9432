"""The report as one HTML file: no scripts, nothing to fetch, pictures inside."""

from pathlib import Path

import pandas as pd

from imgfeat import __version__
from imgfeat._files import write_atomic
from imgfeat.evaluation.report._template import render
from imgfeat.evaluation.report._thumbnails import thumbnail


def write_report(path, *, title, about, table, evaluations, images, n_mistakes=12):
    """Write comparison, confusion matrices and worst mistakes to one HTML file.

    Parameters
    ----------
    path : str or Path
        The file to write; replaced at once, when it is complete.
    title : str
    about : dict of {str: str}
        Facts about the data and the run, shown on top.
    table : DataFrame
        From `compare`.
    evaluations : dict of {str: Evaluation}
        On the held-out images, for every candidate, in the order to show.
    images : sequence
        The held-out images that the evaluations are about.
    n_mistakes : int, default=12
        Mistakes shown a candidate, the surest first.
    """
    candidates = [
        {
            "name": name,
            "evaluation": evaluation,
            "confusion": _shaded(evaluation.confusion),
            "mistakes": _with_pictures(evaluation.mistakes.head(n_mistakes), images),
        }
        for name, evaluation in evaluations.items()
    ]
    html = render(
        "report.html",
        title=title,
        about=about,
        comparison=_comparison_rows(table, evaluations),
        candidates=candidates,
        version=__version__,
    )
    write_atomic(path, html.encode())


def _comparison_rows(table, evaluations):
    """The table as text: mean and spread together, the best of a column marked."""
    accuracies = [evaluations[name].metrics["accuracy"] for name in table.index]
    scores = [c.removeprefix("mean_test_") for c in table if c.startswith("mean_test_")]
    columns = {
        score.removesuffix("_macro"): _column(
            table[f"mean_test_{score}"], "{:.3f}", spread=table[f"std_test_{score}"]
        )
        for score in scores
    }
    columns["held out"] = _column(pd.Series(accuracies, table.index), "{:.3f}")
    columns["fit, s"] = _column(-table["mean_fit_time"], "{:.1f}", sign=-1)
    columns["predict, images/s"] = _column(table["predict_images_per_s"], "{:,.0f}")
    return [
        {
            "name": name,
            "cells": {title: cells[name] for title, cells in columns.items()},
        }
        for name in table.index
    ]


def _column(values, how, *, sign=1, spread=None):
    """``{candidate: (text, whether it is the best)}``; the largest value is best."""
    cells = {}
    for name, value in values.items():
        text = how.format(sign * value)
        if spread is not None:
            text += f" ± {how.format(spread[name])}"
        cells[name] = (text, value == values.max())
    return cells


def _shaded(confusion):
    """Rows of (count, share of the true class, is diagonal) for the template."""
    shares = confusion.div(confusion.sum(axis=1).clip(lower=1), axis=0)
    return [
        {
            "true": true,
            "cells": [
                {
                    "count": int(confusion.loc[true, predicted]),
                    "share": round(float(shares.loc[true, predicted]), 3),
                    "right": true == predicted,
                }
                for predicted in confusion.columns
            ],
        }
        for true in confusion.index
    ]


def _with_pictures(mistakes, images):
    rows = []
    for row, mistake in mistakes.iterrows():
        probability = mistake["probability"]
        rows.append(
            {
                "picture": thumbnail(images[row]),
                "image": Path(str(mistake["image"])).name,
                "where": str(mistake["image"]),
                "true": mistake["true"],
                "predicted": mistake["predicted"],
                "probability": ""
                if pd.isna(probability)
                else f"{probability:.0%} sure",
            }
        )
    return rows

"""A comparison as a page: verdict, table, speed, what all get wrong, each candidate."""

from pathlib import Path

import numpy as np
import pandas as pd

from imgfeat._files import write_atomic
from imgfeat._frames import make_series
from imgfeat.evaluation.report._cards import mistake_cards
from imgfeat.evaluation.report._foot import foot
from imgfeat.evaluation.report._pareto import pareto_picture
from imgfeat.evaluation.report._parts import parts_of
from imgfeat.evaluation.report._template import plain, render
from imgfeat.evaluation.report._thumbnails import Album
from imgfeat.evaluation.report._unlike_scores import are_unlike, on_most_images

MAX_BYTES = 2_200_000  # of pictures, so that the usual page stays below 3 MB
MAX_PAGE = 9_500_000  # bytes; a larger page is made again with less
# Mistakes of a candidate by name, behind those with a picture; rows of its classes.
LIMITS = [(200, 100), (20, 20), (0, 5)]
_SHORT = {"precision_macro": "precision", "recall_macro": "recall", "f1_macro": "F1"}
_MEASURED = {
    "balanced_accuracy": "balanced accuracy",
    "f1_macro": "F1, mean of classes",
    "f1_micro": "F1, all labels at once",
    "hamming_loss": "share of labels wrong",
    "log_loss": "log loss",
    "calibration_error": "calibration error",
    "roc_auc": "ROC-AUC, one against the rest",
}


def render_comparison(
    path,
    *,
    comparison,
    evaluations,
    rows,
    evaluated_on,
    shared,
    images,
    title,
    facts,
    about,
    n_pictures,
    looked_at=None,
):
    """Write the page of a `Comparison`.

    Parameters
    ----------
    path : str or Path
    comparison : Comparison
    evaluations : dict of {str: Evaluation}
        Of candidates on images that they had not seen, all on the same.
    rows : ndarray of int or None
        Which of `images` those are; None if there is no evaluation.
    evaluated_on : tuple of (str, str)
        What they are, for a column and in a sentence.
    shared : DataFrame
        What all candidates get wrong, as from `Comparison.shared_mistakes`; the index
        are rows of `images`.
    images : images
    title : str
    facts : dict of {str: str}
        About the data, for the top.
    about : dict of {str: str} or None
        About the run, for the foot.
    n_pictures : int
        Mistakes of a candidate with a picture; twice as many of all.
    looked_at : dict of {str: dict of {int: str}}, optional
        For a candidate and a row of `images`, the address (``data:image/...``) of a
        picture that shows what it has looked at.
    """
    for limits in LIMITS:
        page = _page(
            Path(path).parent, comparison, evaluations, rows, shared, images,
            n_pictures, looked_at or {}, *limits,
            title=title, facts=facts, evaluated_on=evaluated_on, foot=foot(about),
        )  # fmt: skip
        if len(page) <= MAX_PAGE:
            break
    write_atomic(path, page)


def _page(
    folder, comparison, evaluations, rows, shared, images,
    n_pictures, looked_at, n_listed, max_classes, *, evaluated_on, **texts,
):  # fmt: skip
    """The page as bytes."""
    album = Album(images, MAX_BYTES)
    album.share(2 if evaluations else 1)
    first = shared.head(2 * n_pictures + n_listed)
    cards, listed = mistake_cards(first, album, folder, 2 * n_pictures)
    sections = []
    for number, (name, evaluation) in enumerate(evaluations.items()):
        album.share(len(evaluations) - number)
        worst = evaluation.top_mistakes(n_pictures + n_listed)
        of_it = mistake_cards(
            worst, album, folder, n_pictures,
            rows=rows, looked_at=looked_at.get(name),
        )  # fmt: skip
        section = _section(name, evaluation, *of_it, n_pictures)
        section["listed"] = section["listed"][:n_listed]
        section["parts"] = parts_of(evaluation, max_classes)
        sections.append(section)
    problems = _problems(comparison)
    # A vote is no model of its own.
    n_models = len(comparison.probabilities) - (comparison.soft_vote is not None)
    html = render(
        "comparison.html",
        script="comparison.js",
        verdict=comparison.verdict or "No candidate was scored.",
        remarks=[x for x in (comparison.soft_vote, comparison.curve) if x is not None],
        evaluated_on=evaluated_on[1],
        table=_table(comparison, evaluations, evaluated_on[0], problems),
        score=_scores_of(comparison)[0],
        speed=_speed(comparison),
        problems=problems,
        cards=cards,
        listed=listed[:n_listed],
        n_shared=len(shared),
        n_models=max([*shared["n_models"], n_models]),
        is_full=len(cards) < min(len(shared), 2 * n_pictures),
        sections=sections,
        **texts,
    )
    # Names of files may hold bytes that are no text.
    return html.encode("utf-8", "backslashreplace")


def _section(name, evaluation, cards, listed, n_pictures):
    metrics = evaluation.metrics
    n_images, n_mistakes = int(metrics["n_images"]), len(evaluation.mistakes)
    measured = {
        title: f"{metrics[key]:.3f}"
        for key, title in _MEASURED.items()
        if not pd.isna(metrics.get(key))
    }
    return {
        "name": name,
        "accuracy": float(metrics["accuracy"]),
        "interval": evaluation.accuracy_interval,
        "n_images": n_images,
        "n_mistakes": n_mistakes,
        "measured": measured,
        "cards": cards,
        "listed": listed,
        "is_full": len(cards) < min(n_mistakes, n_pictures),
    }


def _scores_of(comparison):
    columns = [c for c in comparison.table if c.startswith("mean_test_")]
    return [column.removeprefix("mean_test_") for column in columns]


def _table(comparison, evaluations, held_out, problems):
    """The candidates as text, with what a column is sorted by; the best are marked."""
    table = comparison.table
    among = table.index[on_most_images(table)]
    of_folds = {
        _SHORT.get(score, score.replace("_", " ")): _column(
            table[f"mean_test_{score}"],
            "{:.3f}",
            among,
            spread=table[f"std_test_{score}"],
        )
        for score in _scores_of(comparison)
    }
    first = next(iter(of_folds))
    columns = {first: of_folds.pop(first)}
    if evaluations:
        columns[held_out] = _unseen(table.index, evaluations)
    milliseconds = 1e3 / table["predict_images_per_s"]
    columns["ms an image"] = _column(milliseconds, "{:,.1f}", among, sign=-1)
    columns["fit, s"] = _column(table["mean_fit_time"], "{:,.1f}", among, sign=-1)
    columns |= of_folds
    if are_unlike(table):
        columns["images"] = _column(table["n_images"], "{:,}", among=[])
    notes = {problem["name"]: problem["short"] for problem in problems}
    best = None if comparison.verdict is None else comparison.verdict.best
    rows = [
        {
            "name": name,
            "is_best": name == best,
            "place": list(evaluations).index(name) if name in evaluations else None,
            "note": notes.get(name),
            "cells": [cells[name] for cells in columns.values()],
        }
        for name in table.index
    ]
    return {"columns": list(columns), "rows": rows}


def _column(values, how, among, *, sign=1, spread=None):
    """A cell a candidate.

    The largest value is best, or with `sign` -1 the smallest, of those `among` which
    one is.
    """
    best = (sign * values[among]).max()
    cells = {}
    for name, value in values.items():
        if not np.isfinite(value):
            cells[name] = {"text": "–", "beside": "", "value": None, "best": False}
            continue
        cells[name] = {
            "text": how.format(value),
            "beside": "" if spread is None else f"± {how.format(spread[name])}",
            "value": float(value),
            "best": len(values) > 1 and name in among and sign * value == best,
        }
    return cells


def _unseen(names, evaluations):
    """Accuracy on images that were kept apart, with its interval."""
    found = [evaluations.get(name) for name in names]
    values = [np.nan if e is None else e.metrics["accuracy"] for e in found]
    cells = _column(make_series(values, names), "{:.3f}", names)
    for name, evaluation in evaluations.items():
        low, high = evaluation.accuracy_interval
        cells[name]["beside"] = f"{low:.3f} to {high:.3f}"
    return cells


def _problems(comparison):
    """Who failed, or did not run on all folds, and why."""
    score = _scores_of(comparison)[0]
    n_folds = sum(c.endswith(f"_test_{score}") for c in comparison.cv_results_)
    problems = []
    for name in comparison.table.index:
        errors = comparison.errors[comparison.errors["candidate"] == name]
        short = [f"failed on {len(errors)} of {n_folds} folds"] if len(errors) else []
        why = [f"Fold {e.fold + 1}: {e.reason}" for e in errors.itertuples()]
        if name in comparison.unfinished:
            n_run = int(comparison.table.loc[name, "n_folds"]) + len(errors)
            n_images = comparison.table.loc[name, "n_images"]
            of_images = f", of {n_images:,} images" if n_images else ""
            short.append(f"ran on {n_run} of {n_folds} folds{of_images}")
            why.append("There was no time for the others.")
        if short:
            problems.append({"name": name, "short": "; ".join(short), "why": why})
    return problems


def _speed(comparison):
    """The picture of accuracy against speed; None if there is nothing to compare."""
    score = f"mean_test_{_scores_of(comparison)[0]}"
    table = comparison.table.dropna(subset=[score, "predict_images_per_s"])
    table = table[on_most_images(table)]
    if len(table) < 2:
        return None
    return pareto_picture(
        [plain(name, 24) for name in table.index],
        table[score].to_numpy(dtype=float),
        1e3 / table["predict_images_per_s"].to_numpy(dtype=float),
    )

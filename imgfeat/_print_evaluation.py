"""An evaluation on standard output: tables for people, CSV or JSON for programs."""

import json
import math
from enum import StrEnum

from imgfeat._printing import out, print_frame

MAX_MATRIX = 12  # classes; of more the confused pairs are shown


class TableFormat(StrEnum):
    """How an evaluation is written for programs."""

    csv = "csv"
    json = "json"


def print_evaluation(evaluation, format=None):
    """Print metrics, tables and mistakes.

    Parameters
    ----------
    evaluation : Evaluation
    format : TableFormat, optional
        CSV has a line a metric; JSON all tables, with null for what is not known.
    """
    if format is TableFormat.csv:
        print(evaluation.metrics_table.to_csv(), end="")
    elif format is TableFormat.json:
        print(json.dumps(_plain(evaluation), indent=1))
    else:
        _print_tables(evaluation)


def _print_tables(evaluation):
    width = max(map(len, evaluation.metrics.index)) + 1
    intervals = evaluation.metrics_table
    for name, value in evaluation.metrics.items():
        if name == "n_images":
            shown = f"{value:.0f}"
        else:
            low, high = intervals.loc[name, ["low", "high"]]
            shown = f"{value:.4f}"
            shown += "" if math.isnan(low) else f"  {low:.4f} to {high:.4f}"
        out.print(f"{name:{width}} {shown}")
    print_frame(evaluation.per_class, "Per class")
    if evaluation.per_group is not None:
        print_frame(evaluation.per_group, "Per group, the worst first")
    if evaluation.is_multi_label:
        print_frame(evaluation.confusion, "Images with each label, and without it")
    elif len(evaluation.confusion) <= MAX_MATRIX:
        print_frame(evaluation.confusion, "Confusion: rows true, columns predicted")
    elif len(pairs := evaluation.most_confused().head(20)):
        print_frame(pairs.set_index("true"), "Confusion: the most frequent pairs")
    if len(evaluation.unmatched):
        print_frame(evaluation.unmatched, "Only in the model, or only in the images")
    if len(evaluation.mistakes):
        mistakes = evaluation.mistakes.set_index("image")
        if evaluation.is_multi_label:
            mistakes = mistakes.assign(
                **{side: mistakes[side].map(_joined) for side in ("true", "predicted")}
            )
        order = "highest loss" if evaluation.is_multi_label else "surest"
        print_frame(mistakes, f"Mistakes, {order} first")


def _joined(labels):
    return ", ".join(map(str, labels)) or "(none)"


def _plain(evaluation):
    tables = {
        "metrics": evaluation.metrics_table.reset_index(),
        "per_class": evaluation.per_class.reset_index(),
        "unmatched": evaluation.unmatched.reset_index(),
        "mistakes": evaluation.top_mistakes(len(evaluation.mistakes)),
    }
    if evaluation.is_multi_label:
        tables["confusion"] = evaluation.confusion.reset_index()
    else:
        tables["confused"] = evaluation.most_confused()
    if evaluation.per_group is not None:
        tables["per_group"] = evaluation.per_group.reset_index()
    rows = {
        name: json.loads(table.to_json(orient="records", double_precision=15))
        for name, table in tables.items()
    }
    n_images = int(evaluation.metrics["n_images"])
    if evaluation.is_multi_label:
        return {"n_images": n_images} | rows
    confusion = {
        "true": list(map(str, evaluation.confusion.index)),
        "predicted": list(map(str, evaluation.confusion.columns)),
        "counts": evaluation.confusion.to_numpy().tolist(),
    }
    return {"n_images": n_images, "confusion": confusion} | rows

"""Findings written by hand."""

import numpy as np
from PIL import Image

from imgfeat._frames import make_frame
from imgfeat.evaluation.audit._audit_result import Audit
from imgfeat.evaluation.audit._findings import COLUMNS, sort_findings


def make_audit(images, findings, notes=()):
    """An `Audit` of findings ``(row, kind[, group[, suggested]])``.

    Parameters
    ----------
    images : DataFrame
        With column ``path``; the batch is those paths.
    findings : list of tuple
    notes : tuple of str
    """
    rows = []
    for row, kind, *more in findings:
        group, suggested = [*more, *(-1, "")[len(more) :]]
        label = images["label"][row] if "label" in images else ""
        what = f"what is {kind}"
        rows.append(
            (row, images["path"][row], kind, 1.0, what, group, label, suggested)
        )
    issues = sort_findings(make_frame(rows, columns=list(COLUMNS)))
    return Audit(issues, images, notes, list(images["path"]))


def write_pictures(folder, names, side=12):
    """Write a picture of noise for each name; return their paths as str."""
    rng = np.random.default_rng(0)
    paths = []
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
        with path.open("wb") as file:
            Image.fromarray(pixels).save(file, "png")
        paths.append(str(path))
    return paths

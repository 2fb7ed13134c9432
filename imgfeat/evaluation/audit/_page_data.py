"""What the page of an audit knows of all images, to write the corrected table."""

import json
import os

from imgfeat.evaluation.audit._corrections import (
    is_writable_name,
    rows_to_drop,
    whole_path,
)
from imgfeat.evaluation.audit._kinds import SAFE

MAX_DATA = 5_000_000  # characters


def page_data(audit):
    """JSON with paths, labels and splits, and what may be dropped at once.

    Parameters
    ----------
    audit : Audit

    Returns
    -------
    str or None
        None if there is no path, or too much.
    """
    images, issues = audit.images, audit.issues
    paths = [whole_path(path) for path in images["path"]]
    paths = [path if is_writable_name(path) else None for path in paths]
    if not any(paths):
        return None
    # Most of a path is its folder, which others share.
    parts = [os.path.split(path) if path else ("", None) for path in paths]
    folders, folder_of = _numbered(os.path.join(folder, "") for folder, _ in parts)
    data = {
        "folders": folders,
        "folder": folder_of,
        "name": [name for _, name in parts],
        "drop": rows_to_drop(issues, SAFE, images).tolist(),
        "bulk": {
            kind.replace(" ", "-"): rows_to_drop(
                issues[issues["kind"] == kind], [kind], images
            ).tolist()
            for kind in issues["kind"].unique()
        },
        "suggested": {},
    }
    for column in ("label", "split"):
        if column in images:
            data[f"{column}s"], data[column] = _numbered(map(str, images[column]))
    if audit._texts is not None:
        texts = audit._texts
        data |= {"separator": texts.separator, "names": texts.names}
        data |= {"in_columns": texts.in_columns}
    errors = issues[issues["suggested"].ne("")].drop_duplicates("row")
    for row, label in zip(errors["row"], errors["suggested"], strict=True):
        data["suggested"][int(row)] = label
    text = json.dumps(data, separators=(",", ":"))
    # As in jinja2's tojson: nothing that ends the element it stands in.
    for sign in "<>&'":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text if len(text) <= MAX_DATA else None


def _numbered(values):
    """Each value once, and the number of each value among those."""
    numbers = {}
    places = [numbers.setdefault(value, len(numbers)) for value in values]
    return list(numbers), places

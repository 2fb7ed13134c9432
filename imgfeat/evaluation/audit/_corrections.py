"""What stays after an audit: paths and labels without what was dropped."""

import os
import re

import numpy as np

from imgfeat._files import write_atomic
from imgfeat._frames import make_frame, make_series
from imgfeat._rows import plain_cell
from imgfeat.evaluation.audit._findings import KINDS
from imgfeat.evaluation.audit._kinds import IN_GROUPS, SAME_PIXELS
from imgfeat.sources._folder import SPLITS
from imgfeat.sources._labelled import listed
from imgfeat.sources._url import is_url

_QUOTED = re.compile(r'[",\r\n]')
_STAYS = {"test": 0, "val": 1, "train": 2}


def rows_to_drop(issues, kinds, images):
    """Rows that go if findings of some kinds are dropped.

    Of copies, the first one of each label stays: another adds nothing, but which of two
    labels is right is for a person to say. One to test with comes before one to train
    on, so that the images to test with stay the same.

    Parameters
    ----------
    issues : DataFrame
    kinds : sequence of str
    images : DataFrame
        A row an image, with ``split`` if there are splits, and ``content``, a number
        that images with the same pixels share (-1: not known).

    Returns
    -------
    ndarray of int, sorted
    """
    check_kinds(kinds)
    found = issues[issues["kind"].isin(list(kinds))]
    in_group = found["kind"].isin(IN_GROUPS) & (found["group"] >= 0)
    sets = found[in_group].assign(set=sets_of(found[in_group], images))
    sets = sets.assign(rank=_ranks(sets["row"], images)).sort_values(["rank", "row"])
    sets = sets.drop_duplicates(["set", "row"])
    # What is dropped for itself cannot be the one of its set that stays.
    gone = found.loc[~in_group, "row"]
    sets = sets[~sets["row"].isin(gone)]
    copies = sets.loc[sets.duplicated(["set", "label"]), "row"]
    return np.unique(np.concatenate([gone, copies]).astype(int))


def sets_of(found, images):
    """Which findings are of copies of one another: a name of each one's set.

    Those of the same pixels; a group also has what is only nearly the same.
    """
    sets = found["group"].astype(str)
    if "content" not in images:
        return sets
    content = images["content"].to_numpy()[found["row"].to_numpy(dtype=int)]
    same = found["kind"].isin(SAME_PIXELS).to_numpy() & (content >= 0)
    return sets.where(~same, [f"content {number}" for number in content])


def _ranks(rows, images):
    """Which of several copies stays: the lowest."""
    if "split" not in images:
        return 0
    splits = images["split"].to_numpy()[rows.to_numpy(dtype=int)]
    return [_STAYS.get(SPLITS.get(str(split).lower()), 1) for split in splits]


def check_kinds(kinds):
    """Refuse what is no kind of finding."""
    unknown = [kind for kind in kinds if kind not in KINDS]
    if isinstance(kinds, str) or unknown:
        got = repr(kinds) if isinstance(kinds, str) else listed(unknown)
        raise ValueError(
            f"drop needs a list of kinds of findings. Got {got}; there are "
            f"{', '.join(KINDS)}."
        )


def corrected_table(images, issues, *, drop, relabel):
    """Path and label of the images that stay; the index is the row of each.

    Parameters
    ----------
    images : DataFrame
        A row an image, with ``path``; with ``label`` and ``split`` where there are.
    issues : DataFrame
    drop : sequence of str
        Kinds of findings.
    relabel : bool
        Whether to take the labels suggested for label errors.

    Returns
    -------
    DataFrame
    """
    columns = [name for name in ("path", "label", "split") if name in images]
    table = images[columns].copy()
    paths = list(map(whole_path, table["path"]))
    table["path"] = make_series(paths, index=table.index)
    if relabel and "label" in table:
        errors = issues[issues["suggested"].ne("")].drop_duplicates("row")
        named = {str(label): label for label in table["label"]}
        labels = table["label"].to_numpy(dtype=object, copy=True)
        for row, label in zip(errors["row"], errors["suggested"], strict=True):
            labels[row] = named.get(label, label)  # of several, a text of its own
        table["label"] = make_series(labels, index=table.index)
    return table.drop(index=rows_to_drop(issues, drop, images))


def whole_path(path):
    """A path or URL that means the same from everywhere; ``""`` of what has none."""
    return os.path.abspath(path) if path and not is_url(path) else path or ""


def is_writable_name(path):
    """Whether a table can hold a path: bytes that are no text it cannot."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    # The loader takes blanks around a value for none of it.
    return bool(path) and path == path.strip()


def write_corrected(path, table):
    """Write a table that `load_image_table` takes; return the paths left out of it.

    Parameters
    ----------
    path : str or Path
    table : DataFrame
        From `corrected_table`.

    Returns
    -------
    list of str

    Raises
    ------
    ValueError
        If nothing is left to write.
    """
    can = table["path"].map(is_writable_name).to_numpy(dtype=bool)
    if not can.any():
        raise ValueError(
            f"A corrected table needs images that stay, from files. Got {len(table)} "
            "images without a path that a CSV file can hold; drop less, or use "
            "corrected()."
        )
    rows = [table.columns, *table[can].itertuples(index=False)]
    text = "".join(",".join(map(_cell, row)) + "\n" for row in rows)
    write_atomic(path, text.encode())
    return list(table.loc[~can, "path"])


def _cell(value):
    """As the page writes it; pandas puts no quotes around the end of another line."""
    text = str(value)
    return '"{}"'.format(text.replace('"', '""')) if _QUOTED.search(text) else text


def issue_text(issues):
    """All findings as CSV, for people: no cell that a spreadsheet would run."""
    guarded = make_frame(
        {name: list(map(plain_cell, issues[name])) for name in issues.columns}
    )
    return guarded.to_csv(index=False, lineterminator="\n", float_format="%.4f")

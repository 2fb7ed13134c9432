"""What all checks of an audit return: a table with a finding a row."""

from imgfeat._frames import make_frame

# From the worst to what is only good to know.
KINDS = (
    "unreadable",
    "truncated",
    "duplicate across labels",
    "duplicate across splits",
    "label error",
    "one color",
    "listed twice",
    "exact duplicate",
    "near duplicate",
    "outlier",
    "tiny",
    "dark",
    "bright",
    "low contrast",
    "blurred",
    "odd aspect",
    "odd size",
    "odd mode",
    "wrong suffix",
    "rotated by EXIF",
)
_BLANK = {
    "row": -1,
    "path": "",
    "kind": "",
    "score": 1.0,
    "what": "",
    "group": -1,
    "label": "",
    "suggested": "",
}
COLUMNS = tuple(_BLANK)


def make_findings(records):
    """Return findings as a table, the worst kinds first, then the surest.

    Parameters
    ----------
    records : iterable of dict
        With keys of `COLUMNS`; those that are missing are blank.

    Returns
    -------
    DataFrame with the columns `COLUMNS`
        ``row`` is the image's place in the batch, ``path`` "" for what is no file,
        ``kind`` one of `KINDS`, ``score`` 0..1 (1 is surest), ``what`` a sentence,
        ``group`` -1, or a number that duplicates of one another share.
    """
    table = make_frame([_BLANK | record for record in records], columns=COLUMNS)
    table = table.astype({"row": int, "score": float, "group": int})
    return sort_findings(table)


def sort_findings(table):
    """Order findings by severity, score and row."""
    order = make_frame(
        {
            "severity": [KINDS.index(kind) for kind in table["kind"]],
            "score": -table["score"].to_numpy(float),
            "row": table["row"].to_numpy(int),
        }
    ).sort_values(["severity", "score", "row"], kind="stable")
    return table.iloc[order.index.to_numpy()].reset_index(drop=True)

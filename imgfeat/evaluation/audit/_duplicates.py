"""Images that are there more than once: the same file, the same pixels, nearly so."""

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from imgfeat._frames import make_frame
from imgfeat._typing import ArrayLike, ImageBatch
from imgfeat.evaluation.audit._findings import make_findings
from imgfeat.evaluation.audit._looks import look_at
from imgfeat.evaluation.audit._near_duplicates import near_pairs

_KINDS = {
    "listed": "listed twice",
    "exact": "exact duplicate",
    "near": "near duplicate",
}
_WHAT = {
    "listed": "The same file as {}.",
    "exact": "The same pixels as {}.",
    "near": "Nearly the same picture as {}.",
}


def find_duplicates(looks, embeddings=None, *, n_jobs=None):
    """Find pairs of images that are copies, or nearly so.

    Parameters
    ----------
    looks : Looks
    embeddings : ndarray of shape (n_images, n_features), optional
        Propose further candidates for near duplicates. Rows of NaN are left out.
    n_jobs : int, optional
        Threads that compare.

    Returns
    -------
    DataFrame with the columns ``first``, ``second``, ``kind``, ``similarity``
        Rows of two images, the smaller first. ``kind`` is "listed" for one file that
        is named twice, "exact" for equal pixels, "near" for nearly equal ones; of k
        copies each is paired with the first, which alone is compared further.
        ``similarity`` is 1 but for "near".
    """
    n_images = len(looks)
    places = looks.table["place"].to_numpy()
    listed = _copies(places, np.arange(n_images))
    rows = np.setdiff1d(np.arange(n_images), listed[:, 1])
    exact = _copies(looks.digests, rows)
    rows = np.setdiff1d(rows, exact[:, 1])
    rows = rows[looks.is_read[rows]]
    some = None if embeddings is None else np.asarray(embeddings)[rows]
    near, similarity = near_pairs(looks.thumbnails[rows], some, n_jobs=n_jobs)
    near = rows[near]
    counts = [len(listed), len(exact), len(near)]
    pairs = np.concatenate([listed, exact, near]).astype(np.intp)
    return make_frame(
        {
            "first": pairs[:, 0],
            "second": pairs[:, 1],
            "kind": np.repeat(list(_KINDS), counts),
            "similarity": np.concatenate([np.ones(sum(counts[:2])), similarity]),
        }
    )


def duplicate_issues(
    pairs: pd.DataFrame,
    y: ArrayLike | None = None,
    split: ArrayLike | None = None,
    paths: ArrayLike | None = None,
    *,
    no_label: str = "",
) -> pd.DataFrame:
    """List every image that is part of a group of duplicates.

    Parameters
    ----------
    pairs : DataFrame
        As `find_duplicates` returns it.
    y, split, paths : array-like of shape (n_images,), optional
        Labels, names of splits, and paths of all images.
    no_label : str, default=""
        What an empty label is called where it says that an image has none of several
        labels. Otherwise it is not known, and differs from no other.

    Returns
    -------
    DataFrame
        As `make_findings` returns it. An image has one finding for each kind of
        partner, and one more where its group has several labels or several splits.
    """
    first, second = pairs["first"].to_numpy(), pairs["second"].to_numpy()
    groups = _groups_of(pairs, 1 + max(second, default=-1))
    records = {}
    columns = zip(first, second, pairs["kind"], pairs["similarity"], strict=True)
    for one, other, kind, score in columns:
        for row, partner in ((one, other), (other, one)):
            known = records.get((row, kind))
            if known is None or known["score"] < score:
                records[row, kind] = {"score": score, "partner": partner}
    findings = [
        {
            "row": row,
            "kind": _KINDS[kind],
            "score": min(record["score"], 1.0),
            "what": _WHAT[kind].format(_name(record["partner"], paths)),
        }
        for (row, kind), record in records.items()
    ]
    members = np.union1d(first, second)
    told = None if y is None else [_text(label) or no_label for label in np.asarray(y)]
    for values, kind, what in (
        (told, "duplicate across labels", "Its copies have the labels {}."),
        (split, "duplicate across splits", "Its copies are in the splits {}."),
    ):
        if values is not None:
            findings += _across(np.asarray(values, object), groups, members, kind, what)
    for finding in findings:
        row = finding["row"]
        finding["group"] = groups[row]
        finding["label"] = "" if y is None else _text(np.asarray(y, object)[row])
        finding["path"] = "" if paths is None else _text(np.asarray(paths)[row])
    return make_findings(findings)


def duplicate_groups(
    images: ImageBatch,
    *,
    embeddings: np.ndarray | None = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> np.ndarray:
    """Number images so that copies, exact or near, share a number.

    Parameters
    ----------
    images : images
        Any batch that the library takes.
    embeddings : ndarray of shape (n_images, n_features), optional
        Help to find near duplicates.
    n_jobs : int, optional
        Threads; None is 1, -1 is all cores.
    verbose : int, default=0
        Whether to show a progress bar.

    Returns
    -------
    ndarray of shape (n_images,), int
        0, 1, 2 ... in the order of first appearance. What cannot be read has a number
        of its own.

    Raises
    ------
    ValueError
        If `images` is no batch of images.

    Examples
    --------
    >>> import numpy as np
    >>> from imgfeat.evaluation import duplicate_groups
    >>> photos = np.random.default_rng(0).integers(0, 256, (3, 16, 16), dtype=np.uint8)
    >>> duplicate_groups(photos[[0, 1, 0, 2]])
    array([0, 1, 0, 2])
    """
    looks = look_at(images, n_jobs=n_jobs, verbose=verbose)
    pairs = find_duplicates(looks, embeddings, n_jobs=n_jobs)
    return _groups_of(pairs, len(looks))


def _copies(keys, rows):
    """Pair what has the key of an earlier row with it; "" is no key."""
    codes, _ = pd.factorize(keys[rows])
    _, firsts = np.unique(codes, return_index=True)
    earlier = firsts[codes]
    is_copy = (earlier != np.arange(len(rows))) & (keys[rows] != "")
    return np.stack([rows[earlier[is_copy]], rows[is_copy]], axis=1)


def _groups_of(pairs, n_images):
    """Number the connected images, in the order of first appearance."""
    links = np.ones(len(pairs), bool), (pairs["first"], pairs["second"])
    graph = coo_array(links, shape=(n_images, n_images))
    _, labels = connected_components(graph, directed=False)
    return pd.factorize(labels)[0]


def _across(values, groups, members, kind, what):
    """Findings for the groups of duplicates whose members differ in `values`."""
    by_group = {}
    for row in members:
        by_group.setdefault(groups[row], []).append(row)
    for rows in by_group.values():
        texts = sorted({_text(values[row]) for row in rows} - {""})
        if len(texts) > 1:
            text = what.format(" and ".join(texts))
            yield from ({"row": row, "kind": kind, "what": text} for row in rows)


def _name(row, paths):
    path = "" if paths is None else _text(np.asarray(paths)[row])
    return path or f"image {row}"


def _text(value):
    """A label or path as text; "" for none."""
    is_missing = value is None or (isinstance(value, float) and np.isnan(value))
    return "" if is_missing else str(value)

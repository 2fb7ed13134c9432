"""An audit as a page: findings as pictures, a choice for each, a CSV of the choices."""

import os
from pathlib import Path

import numpy as np
import pandas as pd

from imgfeat._files import write_atomic
from imgfeat.evaluation.audit._audit_pictures import small_pictures
from imgfeat.evaluation.audit._corrections import rows_to_drop, sets_of
from imgfeat.evaluation.audit._findings import KINDS
from imgfeat.evaluation.audit._kinds import ABOUT, IN_GROUPS, SAFE
from imgfeat.evaluation.audit._page_data import MAX_DATA, page_data
from imgfeat.evaluation.report._foot import foot
from imgfeat.evaluation.report._template import render
from imgfeat.sources._images import Images
from imgfeat.sources._labelled import in_natural_order
from imgfeat.sources._url import is_url

MAX_PAGE = 9_500_000  # bytes
_CARD = 1_200  # bytes of a finding, without its texts
_MAX_GROUP = 12  # pictures of one group


def render_audit(audit, path, *, title, about, n_findings):
    """Write the page of an `Audit`; the arguments are those of its `save_html`."""
    data = page_data(audit)
    most = (MAX_PAGE - len(data or "")) // _card_size(audit.issues)
    shown = _shown(audit.issues, audit.images, min(n_findings, most))
    rows = list(dict.fromkeys(row for found in shown.values() for row in found["row"]))
    facts = {
        "title": title,
        "sentence": audit.sentence(),
        "notes": audit.notes,
        "has_labels": "label" in audit.images,
        "labels": _labels(audit),
        "separator": None if audit._texts is None else audit._texts.separator,
        "data": data,
        "why_not": _why_not(audit, data),
        "foot": foot(about),
    }
    # Pictures get the room that the text leaves.
    room = MAX_PAGE - len(_render(audit, shown, {}, rows, facts))
    images = Images(audit, audit._batch, reset=False)
    pictures = small_pictures(images, rows, room, n_jobs=-1)
    write_atomic(path, _render(audit, shown, pictures, rows, facts))


def _render(audit, shown, pictures, rows, facts):
    cards = _Cards(audit, pictures)
    html = render(
        "audit.html",
        folder=Path(__file__).parent,
        sections=[_section(kind, audit, shown[kind], cards) for kind in shown],
        n_unseen=len(rows) - len(pictures),
        **facts,
    )
    # Names of files may hold bytes that are no text.
    return html.encode("utf-8", "backslashreplace")


def _card_size(issues):
    """Bytes of text that a finding takes, about, and rather too many."""
    if issues.empty:
        return _CARD
    texts = issues["what"] + 7 * issues["path"]
    return _CARD + int(texts.map(lambda text: len(ascii(text))).mean())


def _shown(issues, images, most):
    """The worst findings of each kind; a kind with few leaves its room to others."""
    found = issues.assign(set=sets_of(issues, images))
    counts = issues["kind"].value_counts()
    kinds = [kind for kind in KINDS if kind in counts.index]
    room, limits = most, {}
    for place, kind in enumerate(sorted(kinds, key=counts.__getitem__)):
        limits[kind] = min(counts[kind], room // (len(kinds) - place))
        room -= limits[kind]
    return {
        kind: _worst(found[found["kind"] == kind], kind, limits[kind]) for kind in kinds
    }


def _worst(found, kind, limit):
    if kind not in IN_GROUPS:
        return found.head(limit)
    # Whole sets, in the order of their surest finding; of a large one its first.
    found = found.assign(place=pd.factorize(found["set"])[0])
    found = found.sort_values(["place", "row"], kind="stable")
    found = found[found.groupby("place").cumcount() < _MAX_GROUP]
    ends = np.flatnonzero(found["place"].ne(found["place"].shift(-1))) + 1
    whole = ends[ends <= limit]
    return found.head(whole[-1] if len(whole) else limit)


def _section(kind, audit, shown, cards):
    found = audit.issues[audit.issues["kind"] == kind]
    is_grouped = kind in IN_GROUPS
    sets = [part for _, part in shown.groupby("set", sort=False)]
    counts = sets_of(found, audit.images).value_counts()
    return {
        "kind": kind,
        "id": kind.replace(" ", "-"),
        "about": ABOUT[kind],
        "n_images": found["row"].nunique(),
        "n_left_out": len(found) - len(shown),
        "is_grouped": is_grouped,
        "has_suggestions": found["suggested"].ne("").any(),
        "has_drops": len(rows_to_drop(found, [kind], audit.images)) > 0,
        "groups": [
            {
                "cards": [cards.card(place) for place in part.index],
                "n_more": counts[part["set"].iloc[0]] - len(part) if is_grouped else 0,
            }
            for part in (sets if is_grouped else [shown])
        ],
    }


class _Cards:
    """Makes what the template shows of a finding; a picture stands in the page once."""

    def __init__(self, audit, pictures):
        self._issues = audit.issues
        self._splits = audit.images.get("split")
        self._pictures = pictures
        self._drops = set(rows_to_drop(audit.issues, SAFE, audit.images))
        self._seen = set()

    def card(self, place):
        finding = self._issues.loc[place]
        row, path = int(finding["row"]), finding["path"]
        is_file = path and not is_url(path)
        again = row in self._seen
        self._seen.add(row)
        return {
            "row": row,
            "name": os.path.basename(path) or f"image {row}",
            "where": path,
            # A link only to a file; what else stands in a name is only shown.
            "link": Path(path).absolute().as_uri() if is_file else None,
            "what": finding["what"],
            "score": finding["score"],
            "label": finding["label"],
            "suggested": finding["suggested"],
            "split": "" if self._splits is None else self._splits[row],
            "picture": self._pictures.get(row),
            "has_room": row in self._pictures,
            "again": again,
            "is_dropped": row in self._drops,
        }


def _labels(audit):
    if "label" not in audit.images:
        return []
    texts = {*map(str, audit.images["label"])} - {""}
    if audit._texts is not None:
        texts |= {*audit._texts.names}
    return in_natural_order(texts)


def _why_not(audit, data):
    """Why the page writes no table, if it does not."""
    if data is not None:
        return ""
    if not audit.images["path"].ne("").any():
        return "The images are no files, so there is no table of paths to write."
    return (
        f"The {len(audit.images):,} images are more than a page of at most "
        f"{MAX_DATA / 1e6:.0f} MB of names can hold."
    )

"""Mistakes as cards: the picture, what it is, what it was taken for, where it lies."""

import os
from pathlib import Path
from urllib.parse import quote_from_bytes

import pandas as pd

from imgfeat.sources._url import is_url


def mistake_cards(mistakes, album, folder, n_pictures, *, rows=None, looked_at=None):
    """Split mistakes into cards with pictures and a list of names.

    Parameters
    ----------
    mistakes : DataFrame
        From `Evaluation.top_mistakes`, or `shared_mistakes`; the index are rows.
    album : Album
    folder : path
        Where the page lies; links to files start from it.
    n_pictures : int
        Cards at most; fewer when the album is full.
    rows : ndarray of int, optional
        The image in the album behind each row of what was evaluated; those themselves
        if not given.
    looked_at : dict of {int: str}, optional
        By image, the address of a picture that shows what a model has looked at.

    Returns
    -------
    cards, listed : list of dict
        A card has ``picture``, None where the file is gone, and ``looked_at``.
    """
    cards, listed = [], []
    for place, mistake in zip(mistakes.index, mistakes.to_dict("records"), strict=True):
        row = int(place if rows is None else rows[place])
        found = _facts(mistake, row, folder)
        if len(cards) < n_pictures and not listed and album.has_room():
            found["picture"] = album.picture(row)
            found["looked_at"] = album.take((looked_at or {}).get(row))
            cards.append(found)
        else:
            listed.append(found)
    return cards, listed


def link_to(path, folder):
    """The address of a file, seen from `folder` if there is a way from there."""
    target = os.path.abspath(path)
    try:
        relative = os.path.relpath(target, os.path.abspath(folder))
    except ValueError:  # on another drive
        return Path(target).as_uri()
    return quote_from_bytes(os.fsencode(relative.replace(os.sep, "/")))


def _is_plain(name):
    return "\0" not in name and not is_url(name)


def _facts(mistake, row, folder):
    image = mistake["image"]
    is_path = isinstance(image, str)
    facts = {
        "where": image if is_path else f"image {row}",
        "name": os.path.basename(image) if is_path else f"image {row}",
        # A link only to a file; what else stands in a name is only shown.
        "link": link_to(image, folder) if is_path and _is_plain(image) else None,
    }
    for name in ("true", "predicted", "probability", "loss", "n_agree", "n_models"):
        value = mistake.get(name)
        if isinstance(value, tuple):  # of several labels
            facts[name] = ", ".join(map(str, value)) or "none of the labels"
        else:
            facts[name] = None if value is None or pd.isna(value) else value
    return facts

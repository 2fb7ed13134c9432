"""What a dataset says of itself: what it was made of, and how."""

import hashlib
import json

import numpy as np

from imgfeat._files import write_atomic
from imgfeat._optional import import_optional
from imgfeat.deploy._manifest import library_versions

CARD = "_dataset.json"  # readers of Parquet folders pass over names that begin so
FORMAT = "imgfeat dataset"
FORMAT_VERSION = 1
# How messages call what two datasets may differ in.
_WORDS = {
    "kind": "what is made",
    "model": "the model",
    "reading": "how images are read",
    "source": "the images listed",
    "n_rows": "the number of images",
    "columns": "the columns",
    "part_rows": "part_rows",
    "batch_size": "batch_size",
    "options": "top_k or threshold",
    "versions": "library versions",
}


def make_card(kind, model, listing, *, columns, part_rows, batch_size, options):
    """Return the card, ready for JSON: all that rows and vectors depend on."""
    arrow = import_optional("pyarrow", extra="parquet", purpose="A dataset")
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "kind": kind,
        "model": model.digest,
        "reading": model.reading,
        "source": listing.identity,
        "n_rows": len(listing),
        "columns": {name: kind.__name__ for name, kind in columns.items()},
        "part_rows": part_rows,
        "batch_size": batch_size,
        "options": options,
        "versions": library_versions() | {"pyarrow": arrow.__version__},
    }


def write_card(folder, card):
    write_atomic(folder / CARD, json.dumps(card, indent=2).encode() + b"\n")


def read_card(folder):
    """Return the card of a folder.

    Raises
    ------
    FileNotFoundError
        If it has none.
    ValueError
        If that is none of ours, or of a newer format.
    """
    path = folder / CARD
    try:
        card = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{folder} has no {CARD}; name a folder that embed_dataset or "
            "predict_dataset wrote."
        ) from None
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}.") from error
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        raise ValueError(f"{path} was not written by imgfeat.")
    if card.get("format_version") != FORMAT_VERSION:
        raise ValueError(
            f"This imgfeat reads datasets of format {FORMAT_VERSION}. {path} has "
            f"format {card.get('format_version')!r:.20}; install a newer imgfeat."
        )
    counts = [card.get("n_rows"), card.get("part_rows")]
    if not all(type(count) is int and count > 0 for count in counts):
        raise ValueError(f"{path} does not say how many rows there are; it is damaged.")
    return card


def seal_of(card):
    """A digest of a card, which each of its parts carries."""
    text = json.dumps(card, sort_keys=True).encode()
    return hashlib.sha256(text).hexdigest()


def differences(found, wanted):
    """Say in words what differs between the cards of two datasets."""
    names = [name for name in _WORDS if found.get(name) != wanted.get(name)]
    return ", ".join(_WORDS[name] + _both(found, wanted, name) for name in names)


def part_counts(card):
    """How many rows each part has."""
    starts = range(0, card["n_rows"], card["part_rows"])
    return np.minimum(card["n_rows"] - np.array(starts), card["part_rows"]).tolist()


def _both(found, wanted, name):
    """What it was and what it is, where that is a few words."""
    was, now = found.get(name), wanted.get(name)
    if name == "versions" and isinstance(was, dict):
        changed = {key for key in was | now if was.get(key) != now.get(key)}
        words = [
            f"{key} {was.get(key)!s:.20}, now {now.get(key)}" for key in sorted(changed)
        ]
        return f" ({'; '.join(words)})"
    if name in ("kind", "n_rows", "part_rows", "batch_size"):
        return f" (before {was!s:.20}, now {now})"
    return ""

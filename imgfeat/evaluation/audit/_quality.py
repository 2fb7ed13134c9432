"""Which images are broken, or unlike what a camera or the rest of the set gives."""

import mimetypes
import re

import numpy as np

from imgfeat.evaluation.audit._findings import make_findings
from imgfeat.evaluation.audit._measures import LEAST_SIDE

# Data that ends early, as libjpeg and Pillow tell of it.
_ENDS_EARLY = re.compile(
    r"truncated|premature end|unexpected end|broken data stream|not enough data"
    r"|incomplete|ends early|no more data",
    re.IGNORECASE,
)
_SUFFIXES = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png", ".apng"),
    "GIF": (".gif",),
    "BMP": (".bmp", ".dib"),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
    "AVIF": (".avif", ".avifs"),
    "HEIF": (".heic", ".heics", ".heif", ".heifs", ".hif"),
    "JPEG2000": (".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
    "DICOM": (".dcm", ".dicom", ".dic", ".ima"),
}
_OF_IMAGES = frozenset(suffix for some in _SUFFIXES.values() for suffix in some)
_TURNS = {
    2: "mirrored",
    3: "turned by 180 degrees",
    4: "mirrored top to bottom",
    5: "mirrored and turned",
    6: "turned by 90 degrees",
    7: "mirrored and turned",
    8: "turned by 270 degrees",
}

# Shares of the range of gray, 0..1. Ordinary photos keep well away from each of these:
# of 10,000 of CIFAR-10 and 398 of ants and bees, the darkest has p99 = 0.23, the
# brightest p1 = 0.60, the flattest a contrast of 0.20.
DARK = 0.20
BRIGHT = 0.70
LOW_CONTRAST = 0.15
ONE_COLOR = 0.03
# A placeholder: all but a tenth of it has one gray value, and the rest quite another.
PLAIN = 0.90
PLAIN_RANGE = 0.20
# Sigma of the sharpest edges in pixels; photos have 0.3 to 1.4.
BLURRED = 1.6
# Pixels. Below the first it is tiny where others are twice as large; below the second
# where they are four times as large.
TINY = 16
SMALL = 64
SIZE_FACTOR = 3
ASPECT_FACTOR = 2
# What fewer than one image in five has is odd.
ODD_SHARE = 0.2
# An image must stand out by so much from the median of the set, in quartile distances.
STANDS_OUT = 4


def quality_issues(looks):
    """Find images that are damaged, empty, too dark, blurred, or odd within their set.

    Parameters
    ----------
    looks : Looks

    Returns
    -------
    DataFrame
        As `make_findings` returns it.

    Notes
    -----
    A limit on tones or sharpness is met only by images that also differ from the set:
    by a factor of two from its median. White digits on black, X-rays and drawings are
    no findings where all images are so. Size, aspect and mode are judged by the set
    alone. Each threshold stands in this module with what ordinary photos have.

    Blur that runs in one direction leaves the edges along it sharp, and is not found.

    References
    ----------
    The kinds dark, bright, blurred, odd size and odd aspect are cleanvision's ideas
    (Apache-2.0, github.com/cleanlab/cleanvision); measurements and limits are not.
    """
    table = looks.table
    records = [*_unread(table), *_wrong_suffix(table), *_turned(table)]
    is_read = looks.is_read
    if is_read.any():
        told = table[is_read]
        is_plain = _plain(told, records)
        is_toned = _tones(told, ~is_plain, records)
        _blurred(told, ~is_plain & ~is_toned, records)
        is_tiny = _tiny(told, records)
        _odd_shape(told, ~is_tiny, records)
        _odd_mode(told, records)
    paths = table["path"].to_numpy()
    return make_findings({"path": paths[record["row"]], **record} for record in records)


def _unread(table):
    for row in np.flatnonzero(table["error"] != ""):
        error = table["error"].iloc[row]
        # Where the header is sound, so that there is an image of which much is missing.
        is_cut = table["format"].iloc[row] != "" and _ENDS_EARLY.search(error)
        kind = "truncated" if is_cut else "unreadable"
        yield {"row": row, "kind": kind, "what": f"It cannot be read: {error}."}


def _wrong_suffix(table):
    types = mimetypes.MimeTypes()
    columns = zip(table["suffix"], table["format"], strict=True)
    for row, (suffix, format) in enumerate(columns):
        right = _SUFFIXES.get(format)
        if not suffix or right is None or suffix in right:
            continue
        # A dot in a name makes no suffix: "photo.2" is of no type.
        if suffix in _OF_IMAGES or types.guess_type(f"x{suffix}")[0]:
            what = f"It is called {suffix}, and is a {format} file ({right[0]})."
            yield {"row": row, "kind": "wrong suffix", "what": what}


def _turned(table):
    for row, orientation in enumerate(table["orientation"]):
        if orientation in _TURNS:
            what = (
                f"Its pixels are stored {_TURNS[orientation]} (EXIF {orientation}); "
                "programs that do not look there show it so."
            )
            yield {"row": row, "kind": "rotated by EXIF", "what": what}


def _plain(told, records):
    """Find images of one color, and placeholders with a few words on it."""
    range_, rest = told["color_range"], 1 - told["plain"]
    is_empty = (range_ <= ONE_COLOR).to_numpy()
    for row in told.index[is_empty]:
        what = "All of it has one color."
        records.append({"row": row, "kind": "one color", "what": what})
    limit = min(1 - PLAIN, rest.median() / 8)
    is_placeholder = ((rest < limit) & (range_ > PLAIN_RANGE)).to_numpy()
    for row in told.index[is_placeholder]:
        what = f"{told['plain'][row]:.0%} of it has one color: a placeholder, perhaps."
        score = 1 - 0.5 * rest[row] / limit
        records.append({"row": row, "kind": "one color", "score": score, "what": what})
    return is_empty | is_placeholder


def _tones(told, judged, records):
    found = np.zeros(len(told), bool)
    cases = (
        ("dark", told["p99"], DARK, "Hardly a pixel is brighter than {:.0%} of white."),
        (
            "bright",
            1 - told["p1"],
            1 - BRIGHT,
            "Hardly a pixel is darker than white by more than {:.0%}.",
        ),
        (
            "low contrast",
            told["contrast"],
            LOW_CONTRAST,
            "Its gray values span {:.0%} of what there is.",
        ),
    )
    for kind, value, limit, what in cases:
        limit = min(limit, value.median() / 2)
        is_found = (value < limit).to_numpy() & judged & ~found
        found |= is_found
        for row in told.index[is_found]:
            score = 1 - 0.5 * value[row] / limit
            text = what.format(value[row])
            records.append({"row": row, "kind": kind, "score": score, "what": text})
    return found


def _blurred(told, judged, records):
    width = told["edge_width"]
    has_room = told[["width", "height"]].min(axis=1) >= LEAST_SIDE
    limit = max(BLURRED, 2 * width.median()) if width.notna().any() else BLURRED
    # No edge anywhere is the worst blur.
    for row in told.index[judged & has_room & ((width > limit) | width.isna())]:
        what, score = "There is no edge anywhere.", 1.0
        if width[row] > limit:
            what = f"Its sharpest edges are {width[row] / width.median():.1f} times as "
            what += "wide as is usual here."
            score = 1 - 0.5 * limit / width[row]
        records.append({"row": row, "kind": "blurred", "score": score, "what": what})


def _tiny(told, records):
    shorter = told[["width", "height"]].min(axis=1)
    limit = max(min(TINY, shorter.median() / 2), min(SMALL, shorter.median() / 4))
    is_tiny = (shorter < limit).to_numpy()
    for row in told.index[is_tiny]:
        what = f"It has {told['height'][row]} x {told['width'][row]} pixels."
        score = 1 - 0.5 * shorter[row] / limit
        records.append({"row": row, "kind": "tiny", "score": score, "what": what})
    return is_tiny


def _odd_shape(told, judged, records):
    height, width = told["height"].to_numpy(float), told["width"].to_numpy(float)
    aspect = np.maximum(height, width) / np.minimum(height, width)
    side = np.sqrt(height * width)
    size = [f"{h:.0f} x {w:.0f} pixels" for h, w in zip(height, width, strict=True)]
    for at, score in _standing_out(aspect, ASPECT_FACTOR):
        if judged[at]:
            what = f"It is {aspect[at]:.1f} times as long as it is wide; "
            what += f"{np.median(aspect):.1f} is usual here."
            _append(records, told.index[at], "odd aspect", score, what)
    for at, score in _standing_out(side, SIZE_FACTOR):
        if judged[at]:
            factor = side[at] / np.median(side)
            more = f"{factor:.1f} times" if factor > 1 else f"1/{1 / factor:.1f} of"
            what = f"It has {size[at]}, {more} the side that is usual here."
            _append(records, told.index[at], "odd size", score, what)


def _standing_out(values, factor):
    """Yield the place and score of what is `factor` times the median, or a part of it.

    And where sizes are of many kinds, by more than these differ among themselves.
    """
    logs = np.log(values)
    low, middle, high = np.quantile(logs, (0.25, 0.5, 0.75))
    limit = max(np.log(factor), STANDS_OUT * (high - low))
    distance = np.abs(logs - middle)
    for at in np.flatnonzero(distance > limit):
        yield at, 1 - 0.5 * limit / distance[at]


def _odd_mode(told, records):
    shares = told["mode"].value_counts(normalize=True)
    usual = shares.index[0]
    if shares.iloc[0] < 1 - ODD_SHARE:
        return
    for row in told.index[told["mode"] != usual]:
        what = f"Its pixels are {told['mode'][row]}; {usual} is usual here."
        score = float(shares.iloc[0])
        _append(records, row, "odd mode", score, what)


def _append(records, row, kind, score, what):
    records.append({"row": row, "kind": kind, "score": score, "what": what})

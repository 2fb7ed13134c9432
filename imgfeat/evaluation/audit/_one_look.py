"""One image, decoded once: its facts, its measurements, its thumbnail."""

import os

import numpy as np
from PIL import Image

from imgfeat.evaluation.audit._hashes import pixel_digest
from imgfeat.evaluation.audit._measures import measure_edge_width, measure_tones
from imgfeat.kernels.gray import to_gray
from imgfeat.kernels.resize import resize
from imgfeat.sources._decode import decode_image, orientation_of
from imgfeat.sources._decode_error import DECODER_ERRORS, ImageDecodeError, error_text
from imgfeat.sources._formats import identify
from imgfeat.sources._pixels import as_dtype
from imgfeat.sources._quiet import no_warnings

THUMBNAIL = 32  # pixels, both sides
WORKING_SIDE = 256  # pixels, the longer side of what is measured
AT_LEAST = 512  # pixels, the shorter side of a JPEG that is decoded in part
_DEEP = ("I", "F")

BLANK = {
    "path": "",
    "place": "",
    "suffix": "",
    "format": "",
    "mode": "",
    "width": -1,
    "height": -1,
    "orientation": 1,
    "p1": np.nan,
    "p5": np.nan,
    "p50": np.nan,
    "p95": np.nan,
    "p99": np.nan,
    "contrast": np.nan,
    "plain": np.nan,
    "color_range": np.nan,
    "edge_width": np.nan,
    "error": "",
}


def look(source, resolve=os.path.realpath):
    """Read one image and say what it is like.

    Parameters
    ----------
    source : Source
    resolve : callable
        Says where a folder is, as ``os.path.realpath`` does.

    Returns
    -------
    facts : dict
        The keys of `BLANK`. ``error`` says why it cannot be read; then all that could
        not be found out is blank.
    thumbnail : ndarray of shape (32, 32) or (32, 32, 3), uint8; or None
    digest : str
        Of its pixels; empty if it cannot be read.
    """
    facts = BLANK | _place_of(source, resolve)
    try:
        pixels = _read(source, facts)
        eight_bits = as_dtype(pixels, "uint8")
    except ImageDecodeError as error:
        return facts | {"error": f"{error.reason}; {error.remedy}"}, None, ""
    except DECODER_ERRORS as error:
        return facts | {"error": f"{error_text(error)}; repair or remove it"}, None, ""
    working = _shrink(eight_bits)
    gray = working if working.ndim == 2 else to_gray(working)
    thumbnail = resize(working, (THUMBNAIL, THUMBNAIL), interpolation="box")
    facts |= measure_tones(gray)
    facts["color_range"] = _range(gray, thumbnail)
    facts["edge_width"] = measure_edge_width(gray)
    return facts, thumbnail, pixel_digest(pixels)


def _place_of(source, resolve):
    """Path and suffix of a file, and where it lies: two paths may lead to one file."""
    if not source.is_stored:
        return {}
    path = source.path
    if path is None:
        name = source.name
        suffix = os.path.splitext(name.partition("?")[0])[1].lower()
        return {"path": name, "place": name, "suffix": suffix}
    path = os.fsdecode(path)
    try:
        folder, name = os.path.split(path)
        leads_on = not name or name in (os.curdir, os.pardir) or os.path.islink(path)
        place = resolve(path) if leads_on else os.path.join(resolve(folder), name)
    except (OSError, ValueError):  # no path at all, as reading it will say
        place = path
    return {"path": path, "place": place, "suffix": os.path.splitext(path)[1].lower()}


def _read(source, facts):
    """Return upright pixels of any depth; note in `facts` what is known before."""
    item = source.item
    if isinstance(item, np.ndarray):
        pixels = source.read()
        kind = "RGB" if pixels.ndim == 3 else "L"
        depth = "" if pixels.dtype == np.uint8 else f" {pixels.dtype}"
        facts["height"], facts["width"] = pixels.shape[:2]
        facts["mode"] = kind + depth
        return pixels
    if isinstance(item, Image.Image):
        _note_header(item, facts)
    else:
        with source.open() as file:
            with no_warnings():
                _note_header(identify(file, source.name), facts)
            if source.path is None:  # a stream may be read but once, the web shall
                file.seek(0)
                item = file.read()
    dtype = "float32" if facts["mode"].startswith(_DEEP) else "uint8"
    return decode_image(item, name=source.name, dtype=dtype, at_least=AT_LEAST)


def _note_header(image, facts):
    facts["format"] = image.format or ""
    facts["mode"] = image.mode
    facts["orientation"] = orientation = orientation_of(image)
    sides = image.size[::-1] if orientation in (5, 6, 7, 8) else image.size
    facts["width"], facts["height"] = sides


def _shrink(pixels):
    """The same picture with a longer side of at most `WORKING_SIDE`."""
    height, width = pixels.shape[:2]
    scale = WORKING_SIDE / max(height, width)
    if scale >= 1:
        return pixels
    size = max(1, round(height * scale)), max(1, round(width * scale))
    return resize(pixels, size, interpolation="box")


def _range(gray, thumbnail):
    """The widest range of values, in 0..1: of gray pixels, of a color's patches."""
    ranges = np.ptp(thumbnail.reshape(THUMBNAIL**2, -1), axis=0)
    return max(int(np.ptp(gray)), int(ranges.max())) / 255

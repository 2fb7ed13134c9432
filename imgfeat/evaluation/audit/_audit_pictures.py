"""Small pictures for a page that may not grow beyond a size."""

from imgfeat._threads import map_threads
from imgfeat.evaluation.report._thumbnails import ADDRESS, small_jpeg
from imgfeat.sources import ImageDecodeError, decode_image

# Side in pixels and JPEG quality, the best first.
_STEPS = ((160, 80), (128, 60), (96, 45), (72, 30))
_MOST = 2_200_000  # characters, as long as not many pictures want them
_LEAST_EACH = 4_000
_USUAL = 7_500  # characters of a photo at the first step


def small_pictures(images, rows, most, n_jobs=None):
    """JPEGs of the images that have room, as text for the address of an img element.

    Parameters
    ----------
    images : Images
    rows : list of int
        The most important first.
    most : int
        Characters in total, at most.
    n_jobs : int, optional

    Returns
    -------
    dict of {int: str or None}
        None of what cannot be read; rows for which there is no room are missing.
    """
    if not rows or most <= 0:
        return {}
    each = max(_LEAST_EACH, min(most, _MOST) // len(rows))
    pictures = {}
    room = most
    # A few at a time, so that none is made for which there is no room.
    for start in range(0, len(rows), 64):
        part = rows[start : start + 64]
        made = map_threads(lambda row: _picture(images, row, each), part, n_jobs)
        for row, picture in zip(part, made, strict=True):
            room -= len(picture or "")
            if room < 0:
                return pictures
            pictures[row] = picture
    return pictures


def _picture(images, row, most):
    """The best picture that fits, else the smallest one; None of what is none."""
    try:
        pixels = decode_image(
            images.items[row],
            name=images.name(row),
            mode="rgb",
            strict=False,  # of half a file, half a picture
            at_least=2 * _STEPS[0][0],
        )
    except ImageDecodeError:
        return None
    for side, quality in _STEPS if most >= _USUAL else _STEPS[1:]:
        address = small_jpeg(pixels, side, quality)
        if len(address) <= len(ADDRESS) + most:
            break
    return address

"""Small pictures for a page, as text that stands inside of it."""

import base64
import io
import os

from PIL import Image

from imgfeat.sources import decode_image
from imgfeat.sources._frame import one_column

SIDE = 160  # pixels, the longer side
ADDRESS = "data:image/jpeg;base64,"  # how one begins


def thumbnail(image):
    """A small JPEG of one image, as the address that an img element takes.

    Parameters
    ----------
    image : image
        One of a batch of any kind.

    Returns
    -------
    str
    """
    # A JPEG decoder computes no more pixels than are looked at.
    pixels = decode_image(image, mode="rgb", at_least=SIDE)
    return small_jpeg(pixels)


def small_jpeg(pixels, side=SIDE, quality=80):
    """Pixels as a JPEG with a longer side of `side`, as the address of an img element.

    Parameters
    ----------
    pixels : ndarray of shape (height, width, 3), uint8
    side : int
    quality : int

    Returns
    -------
    str
    """
    picture = Image.fromarray(pixels)
    scale = side / max(picture.size)
    size = [max(1, round(length * scale)) for length in picture.size]
    # Enlarged pixels stay sharp squares, so that a tiny image shows what it is.
    how = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS
    buffer = io.BytesIO()
    picture.resize(size, how).save(buffer, "JPEG", quality=quality, optimize=True)
    return as_address(buffer.getvalue())


def as_address(jpeg):
    """The bytes of a JPEG file as the address of an img element."""
    return ADDRESS + base64.b64encode(jpeg).decode()


def thumbnail_if_there(image):
    """`thumbnail`, or None of a file that is gone or damaged since."""
    try:
        return thumbnail(image)
    except (OSError, ValueError):
        return None


class Album:
    """Pictures for a page: each image is read once, and the page does not burst.

    Parameters
    ----------
    images : images
        That the page is about.
    max_bytes : int
        Once so much text is handed out, no more is.
    """

    def __init__(self, images, max_bytes):
        # A table's column of images is indexed by place, whatever its labels are.
        images = one_column(images)
        self._images = images.to_numpy() if hasattr(images, "to_numpy") else images
        self._left = max_bytes
        self._reserved = 0
        self._made = {}

    def share(self, n_shares):
        """From now on, give no more than one of so many shares of what is left."""
        self._reserved = self._left - self._left // n_shares

    def has_room(self):
        """Whether another picture may be asked for."""
        return self._left > self._reserved

    def picture(self, row):
        """The thumbnail of an image, or None if it cannot be read."""
        image = self._images[row]
        key = os.fspath(image) if isinstance(image, str | os.PathLike) else int(row)
        if key not in self._made:
            self._made[key] = thumbnail_if_there(image)
        return self.take(self._made[key])

    def take(self, picture):
        """Count a picture that the page shows."""
        self._left -= 0 if picture is None else len(picture)
        return picture

"""Small pictures for a page, as text that stands inside of it."""

import base64
import io

from PIL import Image

from imgfeat.sources import ImageReader

SIDE = 160  # pixels, the longer side


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
    pixels = ImageReader(mode="rgb").transform([image])[0]
    picture = Image.fromarray(pixels)
    scale = SIDE / max(picture.size)
    size = [max(1, round(side * scale)) for side in picture.size]
    # Enlarged pixels stay sharp squares, so that a tiny image shows what it is.
    how = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS
    buffer = io.BytesIO()
    picture.resize(size, how).save(buffer, "JPEG", quality=80, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def thumbnail_if_there(image):
    """`thumbnail`, or None of a file that is gone or damaged since."""
    try:
        return thumbnail(image)
    except (OSError, ValueError):
        return None

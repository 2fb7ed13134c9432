"""Models and images as files."""

import io

from PIL import Image

from imgfeat import save


def as_file(image, kind="PNG", **options):
    """An array as the content of an image file."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, kind, **options)
    return buffer.getvalue()


def save_at(model, path):
    """Save a model; return the path."""
    save(model, path)
    return path

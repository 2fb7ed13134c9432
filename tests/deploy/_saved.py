"""Models and images as files, made quickly."""

import io
from contextlib import nullcontext

import pytest
from PIL import Image

from imgfeat import save
from imgfeat.deploy import _bundle


def as_file(image, kind="PNG", **options):
    """An array as the content of an image file."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, kind, **options)
    return buffer.getvalue()


def save_quickly(model, path):
    """Save without a fresh process to try the file in.

    For fixtures of more than one test; within a test `save` does so by itself.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_bundle, "checking_elsewhere", lambda *_, **__: nullcontext())
        save(model, path)
    return path

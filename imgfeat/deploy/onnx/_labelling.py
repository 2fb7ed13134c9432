"""What an exported file says of itself, in its ``metadata_props``."""

import base64
import hashlib
import json

import numpy as np

import imgfeat
from imgfeat._nesting import walk
from imgfeat._target import plain_labels, what_decides
from imgfeat.deploy._manifest import describe
from imgfeat.deploy._says_unknown import is_open

_READING = (
    "Pixels of 8 bits a channel, RGB, colors {}: turned upright as EXIF says, gray "
    "repeated in three channels, palettes and CMYK converted, transparent ones laid "
    "on white. No resizing, no normalization: both are in the file. All images of "
    "a batch have one size."
)


def describe_file(pipeline, golden, outputs, agreement):
    """Texts by name.

    Parameters
    ----------
    pipeline : fitted classifier
    golden : ndarray of shape (n, height, width, 3), uint8
    outputs : dict of str to ndarray
        What the file makes of `golden`.
    agreement : dict
        How it was checked, and what came of it.

    Returns
    -------
    dict of str to str
        ``reading`` in words, and as JSON ``classes``, the ``labels`` that a number
        means, which may be one more, ``several``, whether an image may have some of
        them, and so on.
    """
    manifest = describe(pipeline)
    in_srgb = any(getattr(item, "color", None) == "srgb" for _, item in walk(pipeline))
    unknown = []
    if is_open(pipeline):
        unknown = plain_labels(np.array([what_decides(pipeline).unknown_label_]))
    found = {name: values.tolist() for name, values in outputs.items()}
    images = base64.b64encode(golden.tobytes()).decode("ascii")
    return {
        "imgfeat_version": imgfeat.__version__,
        "classes": json.dumps(manifest["classes"]),
        "labels": json.dumps(manifest["classes"] + unknown),
        "several": json.dumps(manifest["several_labels"]),
        "reading": _READING.format("converted to sRGB" if in_srgb else "as stored"),
        "steps": json.dumps(manifest["reading"]),
        "versions": json.dumps(manifest["versions"]),
        "agreement": json.dumps(agreement),
        "golden": json.dumps({"shape": golden.shape, "images": images} | found),
    }


def seal(model):
    """SHA-256 of the graph with its weights, as hexadecimal digits."""
    return hashlib.sha256(model.graph.SerializeToString(deterministic=True)).hexdigest()


def read_golden(text):
    """Images, (n, height, width, 3), and the rest of what ``golden`` says."""
    golden = json.loads(text)
    pixels = np.frombuffer(base64.b64decode(golden.pop("images")), dtype=np.uint8)
    return pixels.reshape(golden.pop("shape")), golden

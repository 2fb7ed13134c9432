"""What a row of features depends on, as a key: the image, and the transformer."""

import json

import numpy as np

import imgfeat
from imgfeat.features.cache._identity import Identities, versions
from imgfeat.sources._identities import identities_of
from imgfeat.sources._source import hash_parts

# What decodes images and computes features; another version may give other numbers.
_LIBRARIES = (
    "numpy",
    "scipy",
    "numba",
    "pillow",
    "pillow-heif",
    "simplejpeg",
    "pydicom",
    "pylibjpeg",
    "pylibjpeg-openjpeg",
    "pylibjpeg-libjpeg",
    "pylibjpeg-rle",
    "python-gdcm",
    "pyjpegls",
    "scikit-image",
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)


def row_keys(sources):
    """Return a key for each image, equal for equal images.

    Parameters
    ----------
    sources : sequence of Source
        A file is known by where it is, which one it is there, its size and the times
        of its last change, and is not read. All else is known by its content.

    Returns
    -------
    keys : ndarray of shape (n_sources, 2), uint64
    known : ndarray of shape (n_sources,), bool
        False where there is no telling, such as a missing file; its key is 0.
    """
    # A search comes here for every fit, so what is done for each file counts.
    identities = identities_of(sources)
    known = np.array([identity is not None for identity in identities], dtype=bool)
    content = b"".join(identity or bytes(16) for identity in identities)
    return np.frombuffer(content, dtype=np.uint64).reshape(-1, 2), known


def transformer_key(transformer):
    """Return a key for what `transformer` computes, and what it was made from.

    Parameters
    ----------
    transformer : estimator
        What it, or a step of it, depends on beside its parameters it says in a method
        ``_cache_facts``, by a dict ready for JSON.

    Returns
    -------
    key : str
        32 hexadecimal digits.
    description : dict
        Classes, versions, parameters and hashes of weights, ready for JSON.

    Raises
    ------
    TypeError
        If a parameter is of a kind that cannot be told from others.
    """
    description = {
        **computed_by(),
        "transformer": Identities().describe(transformer, "transformer"),
    }
    text = json.dumps(description, sort_keys=True)
    return hash_parts(b"transformer", text.encode()).hex(), description


def computed_by():
    """Tell what decodes images and computes features, by versions, ready for JSON."""
    return {"imgfeat": imgfeat.__version__, "libraries": versions(_LIBRARIES)}


def describe_value(value, owner):
    """Turn a parameter into what JSON can hold, equal for equal values.

    Parameters
    ----------
    value : object
    owner : str
        What messages call it.

    Raises
    ------
    TypeError
        If it is more than its value.
    """
    return Identities().describe(value, owner)

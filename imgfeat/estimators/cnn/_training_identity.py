"""What tells one training from another: all that shapes the net which comes out of it.

Folds of a cross-validation, candidates of a search and trainings on other images have
other facts, and so checkpoints of their own.
"""

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

import imgfeat
from imgfeat.estimators.cnn import _nets as choice
from imgfeat.features.cache._keys import describe_value

# Where, how fast and how loud; what is predicted later; and what other facts hold.
_SHAPES_NOTHING = {
    "callbacks",
    "checkpoint_dir",
    "class_weight",
    "compile",
    "device",
    "n_jobs",
    "n_views",
    "random_state",
    "resume",
    "verbose",
    "warm_start",
}
# What differs between folds, and is no mistake of the user's.
OF_DATA = {
    "images",
    "labels",
    "rows to train on",
    "weights of images",
    "number of steps",
}


def first_weights(cnn, module, *, go_on):
    """A digest of what a net starts from, or None if that follows from all else.

    Of a net from scratch the first weights follow from the seed and the images, but
    in the last bits from the machine too.
    """
    if choice.is_from_scratch(cnn.backbone) and not go_on:
        return None
    digest = hashlib.blake2b(digest_size=16)
    for name, tensor in module.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def training_facts(cnn, images, classes, data, job, start):
    """All that shapes a training, by the names that messages use, ready for JSON.

    Parameters
    ----------
    cnn : CNNClassifier
    images : TrainingImages
        Read once, all of them: files are known by their content.
    classes : ndarray
    data : TrainingData
    job : Job
    start : str or None
        From `first_weights`.

    Raises
    ------
    TypeError
        If a parameter cannot be told from others.
    """
    parameters = cnn.get_params(deep=False)
    facts = {
        name: _described(name, value)
        for name, value in parameters.items()
        if name not in _SHAPES_NOTHING
    }
    facts |= {
        "imgfeat": imgfeat.__version__,
        "images": _digest(*_contents(images)),
        "labels": _digest(data.targets.numpy().tobytes()),
        "rows to train on": _digest(data.rows.astype(np.int64).tobytes()),
        "classes": [repr(label) for label in classes.tolist()],
        "weights of images": data.weights
        if data.weights is None
        else _digest(data.weights.numpy().tobytes()),
        "first weights of the net": start,
        "random state": job.seed,
        "number of steps": job.n_steps,
        "learning rate": job.lr,
        "schedule in use": job.schedule,
        "epochs before": job.n_before,
        "number of processes": job.team.size,
    }
    return json.loads(json.dumps(facts))  # as they come back from a file


def training_key(facts):
    """A name for a training: 16 hexadecimal digits."""
    return _digest(json.dumps(facts, sort_keys=True).encode())[:16]


def _described(name, value):
    try:
        return describe_value(value, name)
    except TypeError as error:
        raise TypeError(
            "checkpoint_dir needs a training that can be told from others by its "
            f"parameters. Got {name} of type {type(value).__name__}; use a function "
            "or a value, or checkpoint_dir=None."
        ) from error


def _contents(images):
    with ThreadPoolExecutor() as pool:
        return list(pool.map(_content, images.sources))


def _content(source):
    if not source.is_stored:
        identity = source.identity()
        if identity is None:
            raise ValueError(
                "checkpoint_dir needs images that can be told from others. Got "
                f"{source.name}, which cannot be read twice; pass paths or arrays."
            )
        return identity
    try:
        with source.open() as file:
            return hashlib.file_digest(file, "sha256").digest()
    except ValueError:  # training will say so, or leave the image out
        return b"unreadable " + os.fsencode(source.name)


def _digest(*parts):
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(np.int64(len(part)).tobytes())
        digest.update(part)
    return digest.hexdigest()

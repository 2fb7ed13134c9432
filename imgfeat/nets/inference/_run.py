"""Run a net over many images: read, cut, embedded a few at a time by every thread."""

import copy
import warnings
from dataclasses import replace

import numpy as np
import torch

from imgfeat._threads import share_out
from imgfeat.nets.inference._embedder import Embedder

_LARGE_BYTES = 2**30


def run_net(engine, plan, read, preprocessing, views, features, advance):
    """Fill `features` with what a net gives for each image.

    Parameters
    ----------
    engine : engine, as `open_engine` returns it
    plan : Plan
    read : callable
        From a row to the pixels of its image.
    preprocessing : Preprocessing
    views : list of View
        Whose features are averaged.
    features : ndarray of shape (n_samples, width), float32
        Every row is filled.
    advance : callable
        Told the number of rows that are done.
    """
    n_workers, n_intra, pieces = plan.split(len(features))
    # The same number for any rows, as an engine may compile its net for it.
    with engine.running(n_intra, max(1, plan.threads // n_intra)) as run:

        def make_worker():
            shape = plan.batch_size, *preprocessing.size, 3
            buffer = np.empty(shape, dtype=np.uint8)

            def embed_one_view(piece):
                batch = buffer[: piece.stop - piece.start]
                for row, out in enumerate(batch, piece.start):
                    preprocessing.apply(read(row), out, views[0])
                features[piece] = run(batch)

            def embed(piece):
                images = [read(row) for row in range(piece.start, piece.stop)]
                batch = buffer[: len(images)]
                total = 0
                for view in views:
                    for image, out in zip(images, batch, strict=True):
                        preprocessing.apply(image, out, view)
                    total = total + run(batch)
                features[piece] = total / len(views)

            # One view needs no image any longer than it takes to cut it.
            return embed_one_view if len(views) == 1 else embed

        share_out(make_worker, pieces, n_workers, advance)


def empty_features(n_rows, width, pooling):
    """Return the array that `run_net` fills; warn of one that nobody may have meant."""
    n_bytes = 4 * n_rows * width
    if pooling is None and n_bytes > _LARGE_BYTES:
        warnings.warn(
            f"pooling=None gives {width:,} numbers an image, {n_bytes / 2**30:.1f} GiB "
            f"for {n_rows:,} images. Use pooling='avg', or CachedFeatures, which keeps "
            "them on disk.",
            stacklevel=3,
        )
    return np.empty((n_rows, width), dtype=np.float32)


def known_width(backbone, readout):
    """Length of the vectors, if it can be told without running the net."""
    is_plain = not readout.layers and readout.pooling is not None
    return backbone.width if is_plain else None


def measure_width(engine, backbone):
    """Length of the vectors that an engine gives."""
    image = np.zeros((1, *backbone.preprocessing.size, 3), dtype=np.uint8)
    with engine.running(1) as run:
        return run(image).shape[1]


def measure_layers(backbone, readout):
    """Length of the vectors of each layer; runs the net in torch."""
    image = torch.zeros((1, *backbone.preprocessing.size, 3), dtype=torch.uint8)
    net = backbone.load()
    widths = []
    with torch.inference_mode():
        for layer in readout.layers:
            # A copy, as hooks stay.
            single = replace(readout, layers=(layer,))
            embedder = Embedder(copy.deepcopy(net), backbone.preprocessing, single)
            widths.append(embedder(image).shape[1])
    return widths

"""Batches to train on: from memory or from files, augmented, in an order of their own.

The order of an epoch, and what augmentation does in it, depend on the seed and on the
number of the epoch alone. So training that goes on after an interruption sees what it
would have seen.
"""

from collections import deque
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch.utils.data import Dataset

from imgfeat.kernels.resize import resize
from imgfeat.nets._preprocessing import CENTER
from imgfeat.sources._pixels import as_dtype

# Batches that threads prepare ahead.
_AHEAD = 2


class TrainingData(Dataset):
    """Images with their targets, in batches.

    Parameters
    ----------
    read : callable
        From a row to the pixels of its image; any size.
    rows : ndarray of int
        The rows that belong to these data. What follows is of all rows.
    targets : ndarray of shape (n_samples,), int64
    preprocessing : Preprocessing
        What the net sees in evaluation.
    batch_size : int
    n_threads : int
        Threads that read ahead.
    device : str
    policy : Policy, optional
        What augmentation does in training.
    seed : int, default=0
    views : sequence of View, default=(CENTER,)
        What the net sees in evaluation, an image's views one after the other.
    weights : ndarray of shape (n_samples,), float32, optional
        Of the samples.
    resident : Tensor of shape (n_samples, height, width, 3), uint8, optional
        All images on the device, of the size that the net sees. Nothing is read then.
    on_error : {"raise", "skip"}, default="raise"
        What an image that cannot be read does: end the training, or be left out of it
        and listed in `errors`.

    Attributes
    ----------
    errors : dict of int to ValueError
        By row.
    """

    def __init__(
        self,
        read,
        rows,
        targets,
        *,
        preprocessing,
        batch_size,
        n_threads,
        device,
        policy=None,
        seed=0,
        views=(CENTER,),
        weights=None,
        resident=None,
        on_error="raise",
    ):
        self.targets = torch.from_numpy(targets)
        self.weights = None if weights is None else torch.from_numpy(weights)
        self._read = read
        self._rows = rows
        self._preprocessing = preprocessing
        self._policy = policy
        self._views = views
        self._batch_size = batch_size
        self._seed = seed
        self._n_threads = n_threads
        self._device = device
        self._resident = resident
        self._on_error = on_error
        self.errors = {}
        self.epoch = 0

    def __len__(self):
        return len(self._rows)

    def n_batches(self):
        """Batches of an epoch in training."""
        return len(self._shares(len(self)))

    def training_batches(self):
        """Yield (inputs, targets) of one epoch, shuffled and augmented."""
        order = np.random.default_rng([self._seed, self.epoch]).permutation(self._rows)
        shares = [order[share] for share in self._shares(len(self))]
        generator = torch.Generator().manual_seed(
            int(np.random.default_rng([self._seed, self.epoch, 1]).integers(2**62))
        )
        # What is read is cut and mirrored on the way.
        is_whole = self._resident is not None
        for rows, images in self._load(shares, augmented=True):
            images = self._policy.batch(
                images, generator, translate=is_whole, mirror=is_whole
            )
            yield self._batch(rows, images)

    def evaluation_batches(self):
        """Yield (inputs, targets) in order, as the net sees them in prediction."""
        shares = [self._rows[share] for share in self._shares(len(self))]
        for rows, images in self._load(shares, augmented=False):
            yield self._batch(rows, images)

    def _shares(self, n):
        """Batches as slices; a last one of one image would upset batch norms."""
        size = self._batch_size
        starts = list(range(0, n, size))
        if len(starts) > 1 and n - starts[-1] == 1:
            starts.pop()
        stops = [*starts[1:], n]
        return [slice(*pair) for pair in zip(starts, stops, strict=True)]

    def _batch(self, rows, images):
        index = torch.from_numpy(rows)
        inputs = {"images": images}
        if self.weights is not None:
            inputs["weights"] = self.weights[index].to(self._device)
        return inputs, self.targets[index].to(self._device)

    def _load(self, shares, *, augmented):
        if self._resident is not None:
            for rows in shares:
                index = torch.from_numpy(rows).to(self._resident.device)
                images = self._resident[index]
                if not augmented:
                    # Of the whole image, all views are the same but for the mirror.
                    images = torch.stack(
                        [
                            images.flip(2) if v.is_mirrored else images
                            for v in self._views
                        ],
                        dim=1,
                    ).flatten(end_dim=1)
                yield rows, images.permute(0, 3, 1, 2)
            return
        with ThreadPoolExecutor(self._n_threads) as pool:
            todo = deque(shares)
            under_way = deque()
            try:
                while todo or under_way:
                    while todo and len(under_way) <= _AHEAD:
                        rows = todo.popleft()
                        views = [pool.submit(self._see, row, augmented) for row in rows]
                        under_way.append((rows, views))
                    rows, views = under_way.popleft()
                    rows, images = self._gather(rows, views)
                    if len(rows):
                        images = torch.from_numpy(images).to(self._device)
                        yield rows, images.permute(0, 3, 1, 2)
            finally:
                # An error or Ctrl-C: nothing that has not begun begins.
                for _, views in under_way:
                    for view in views:
                        view.cancel()

    def _gather(self, rows, views):
        """Wait for a batch; rows whose image cannot be read leave it, if allowed."""
        images, kept = [], []
        for row, view in zip(rows, views, strict=True):
            try:
                images.append(view.result())
            except ValueError as error:
                if self._on_error == "raise":
                    raise
                self.errors[int(row)] = error
            else:
                kept.append(row)
        return np.asarray(kept, dtype=np.intp), (
            np.concatenate(images) if images else None
        )

    def _see(self, row, augmented):
        """What the net sees of one image: (n_views, height, width, 3), uint8."""
        image = self._read(row)
        if augmented:
            return self._augment(image, row)[None]
        seen = np.empty((len(self._views), *self._preprocessing.size, 3), np.uint8)
        for view, out in zip(self._views, seen, strict=True):
            self._preprocessing.apply(image, out, view)
        return seen

    def _augment(self, image, row):
        out = np.empty((*self._preprocessing.size, 3), dtype=np.uint8)
        rng = np.random.default_rng([self._seed, self.epoch, 2, row])
        if self._policy.least_area == 1:
            self._preprocessing.apply(image, out)
            return out[:, ::-1].copy() if self._policy.is_mirrored(rng) else out
        image = as_dtype(image, "uint8")
        tall, wide = self._preprocessing.size
        top, left, height, width = self._policy.window(
            *image.shape[:2], rng, aspect=wide / tall
        )
        part = image[top : top + height, left : left + width]
        part = resize(
            np.ascontiguousarray(part),
            self._preprocessing.size,
            interpolation=self._preprocessing.interpolation,
        )
        out[...] = part if part.ndim == 3 else part[..., None]
        return out[:, ::-1].copy() if self._policy.is_mirrored(rng) else out

"""Batches to train on: from memory or from files, augmented, in an order of their own.

The order of an epoch, and what augmentation does in it, depend on the seed and on the
number of the epoch alone. So training that goes on after an interruption sees what it
would have seen.
"""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from copy import copy

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
    resident : Tensor, optional
        All images on the device, (n_samples, height, width, 3), uint8, of the size that
        the net sees; or what a frozen net made of them, (n_samples, n_features).
        Nothing is read then.
    on_error : {"raise", "skip"}, default="raise"
        What an image that cannot be read does: end the training, or be left out of it
        and listed in `errors`.
    part : tuple of (int, int), default=(0, 1)
        The number of this process and how many there are: which share of every batch
        is seen. Batches are as many in all.

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
        part=(0, 1),
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
        self._part = part
        self.errors = {}
        self.epoch = 0

    def __len__(self):
        return len(self._rows)

    @property
    def rows(self):
        """Which of the images these are."""
        return self._rows

    def n_batches(self):
        """Batches of an epoch in training."""
        return len(self._shares(len(self)))

    def n_own(self):
        """Images of an epoch that this process sees."""
        return sum(len(share) for share in self._own(self._rows))

    def of_features(self, features, rows):
        """The same data, as what a frozen net made of them.

        Parameters
        ----------
        features : ndarray of shape (n_rows, n_features), float32
        rows : ndarray of shape (n_rows,), int
            Whose features they are.
        """
        table = np.zeros((len(self.targets), features.shape[1]), dtype=np.float32)
        table[rows] = features
        found = copy(self)
        found._rows = np.sort(rows)
        found._resident = torch.from_numpy(table).to(self._device)
        return found

    def training_batches(self):
        """Yield (inputs, targets) of one epoch, shuffled and augmented."""
        order = np.random.default_rng([self._seed, self.epoch]).permutation(self._rows)
        wholes = [share.stop - share.start for share in self._shares(len(self))]
        number, n_parts = self._part
        # The first process draws what one alone would draw.
        key = [self._seed, self.epoch, 1, *([number] if number else [])]
        generator = torch.Generator().manual_seed(
            int(np.random.default_rng(key).integers(2**62))
        )
        # What is read is cut and mirrored on the way.
        is_whole = self._resident is not None
        shares = self._own(order)
        batches = self._load(shares, augmented=True)
        if self._on_error == "skip":
            batches = _without_single_images(batches)
        for (rows, images), whole in zip(batches, wholes, strict=False):
            images = self._policy.batch(
                images, generator, translate=is_whole, mirror=is_whole
            )
            inputs, targets = self._batch(rows, images)
            if n_parts > 1:
                # Times this, the mean of all processes is that over the whole batch.
                share = len(rows) * n_parts / whole
                inputs["share"] = torch.full((len(rows),), share, device=self._device)
            yield inputs, targets

    def evaluation_batches(self):
        """Yield (inputs, targets) in order, as the net sees them in prediction."""
        for rows, images in self._load(self._own(self._rows), augmented=False):
            yield self._batch(rows, images)

    def _own(self, order):
        """The rows of each batch that this process sees; in training, some of each."""
        number, n_parts = self._part
        shares = [order[share][number::n_parts] for share in self._shares(len(order))]
        return [share for share in shares if len(share)]

    def _shares(self, n):
        """Batches as slices; a last one of one image a process would upset norms."""
        size = self._batch_size
        starts = list(range(0, n, size))
        if len(starts) > 1 and n - starts[-1] < 2 * self._part[1]:
            starts.pop()
        stops = [*starts[1:], n]
        return [slice(*pair) for pair in zip(starts, stops, strict=True)]

    def _batch(self, rows, images):
        index = torch.from_numpy(rows)
        inputs = {"images": images, "rows": index}
        if self.weights is not None:
            inputs["weights"] = self.weights[index].to(self._device)
        return inputs, self.targets[index].to(self._device)

    def _load(self, shares, *, augmented):
        if self._resident is not None:
            for rows in shares:
                index = torch.from_numpy(rows).to(self._resident.device)
                images = self._resident[index]
                if images.ndim == 2:  # features
                    yield rows, images
                    continue
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


def _without_single_images(batches):
    """The same batches; one that was left with a single image joins its neighbour."""
    held = None
    for rows, images in batches:
        if held is None:
            held = rows, images
        elif min(len(held[0]), len(rows)) == 1:
            held = np.concatenate([held[0], rows]), torch.cat([held[1], images])
        else:
            yield held
            held = rows, images
    if held is not None:
        yield held

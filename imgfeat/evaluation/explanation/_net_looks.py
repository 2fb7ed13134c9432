"""Class activation maps, and Grad-CAM: what a net's last maps add to a decision."""

import copy
from contextlib import contextmanager

import numpy as np
import torch

from imgfeat._devices import find_device
from imgfeat._threads import map_threads, row_slices, usable_threads
from imgfeat.estimators import CNNClassifier
from imgfeat.evaluation.explanation._look_of_image import Look
from imgfeat.evaluation.explanation._places import PlaceTap, find_last_places
from imgfeat.evaluation.explanation._seen_part import part_behind, parts_of_views
from imgfeat.evaluation.explanation._tail import Tail
from imgfeat.nets import Preprocessing
from imgfeat.nets._preprocessing import VIEWS
from imgfeat.nets._torch_settings import fast_exact_cudnn, torch_threads
from imgfeat.nets.inference._embedder import Embedder

# Images in one run of the net: by a thread on a CPU, and on CUDA.
_PIECE, _CUDA_BATCH = 4, 32


class _Logits:
    """The tail of a net that decides by itself: a logit less the mean of the others."""

    def is_linear(self, width):
        return True

    def choose(self, rows):
        return rows.argmax(axis=1)

    def form(self, rows, columns):
        n_classes = rows.shape[1]
        slopes = np.full(rows.shape, -1 / (n_classes - 1))
        slopes[np.arange(len(rows)), columns] = 1
        return slopes, np.zeros(len(rows)), (slopes * rows).sum(axis=1)


class _LogitNet(torch.nn.Module):
    """From images as they are stacked, (n, height, width, 3), to logits."""

    def __init__(self, module):
        super().__init__()
        self.module = copy.deepcopy(module).eval()

    def forward(self, images):
        return self.module(images.permute(0, 3, 1, 2))


class NetLooks:
    """Looks into a pipeline whose middle is a net.

    Parameters
    ----------
    parts : Parts
    n_jobs : int or None
        Threads that run the net.

    Attributes
    ----------
    batch_size : int
        Most images to look at in one call.
    """

    def __init__(self, parts, n_jobs=None):
        self._front = parts.front
        (net,) = parts.middle
        self._views = VIEWS[net.n_views]
        if isinstance(net, CNNClassifier):
            self._seen = Preprocessing(**net._seen)
            module = net.net_.module_
            n_prefix = getattr(module.body, "n_prefix", 0)
            width = None if module.head is None else module.head.in_features
            self._net = _LogitNet(module)
            self._tail, device = _Logits(), net.device
            device = "auto" if device == "accelerate" else device
        else:
            ready = net._ready_net()
            self._seen = ready.backbone.preprocessing
            self._net = Embedder(ready.backbone.load(), self._seen, ready.readout)
            n_prefix, width = self._net.net.n_prefix, None
            self._tail, device = Tail(parts.tail), ready.plan.device
        self._device = find_device(device)
        self._net.to(self._device, memory_format=torch.channels_last)
        # Threads that wait for one another at every layer take many times as long
        # where other processes use the cores; so each runs the net by itself.
        is_cpu = self._device == "cpu"
        self._n_workers = usable_threads(n_jobs) if is_cpu else 1
        self.batch_size = _PIECE * self._n_workers if is_cpu else _CUDA_BATCH
        with self._settings():
            self._places = self._find_places(n_prefix, width)
        if self._places is not None:
            self._tap = PlaceTap(self._net, self._places)

    @contextmanager
    def _settings(self):
        with torch_threads(1), fast_exact_cudnn:
            yield

    @property
    def has_places(self):
        return self._places is not None

    def is_exact(self):
        """Whether maps add up to decisions without approximation."""
        return self._places.is_exact and self._tail.is_linear(self._places.width)

    def is_smooth(self, given):
        """Whether decisions have slopes by what the net gives for an image."""
        if self._tail.is_linear(self._places.width):
            return True
        with self._settings():
            return self._tail.is_smooth(_mean_of(self._run([given]))[0])

    def look(self, images, given, columns, *, is_averaged):
        """Look at some images.

        Parameters
        ----------
        images : list of ndarray
            As they are.
        given : list of ndarray
            What the net's step is given of them.
        columns : ndarray of int, or None for what is predicted
        is_averaged : bool
            Whether for Grad-CAM.

        Returns
        -------
        list of Look
        """
        pieces = row_slices(len(given), self._n_workers)
        with self._settings():
            passes = map_threads(
                lambda rows: self._run(given[rows]), pieces, self._n_workers
            )
            rows = np.concatenate(list(map(_mean_of, passes)))
            columns = self._tail.choose(rows) if columns is None else columns
            slopes, _, decisions = self._tail.form(rows, columns)
            by_piece = map_threads(
                lambda i: self._maps(passes[i], slopes[pieces[i]], is_averaged),
                range(len(pieces)),
                self._n_workers,
            )
        maps = [np.concatenate(of_view) for of_view in zip(*by_piece, strict=True)]
        # What belongs to no place, as an intercept, is shared by all alike.
        rest = decisions - sum(cells.sum(axis=(1, 2)) for cells in maps)
        n_cells = sum(cells[0].size for cells in maps)
        found = []
        for i, image in enumerate(images):
            part = part_behind(self._front, image.shape)
            parts = parts_of_views(self._seen, part, self._views)
            whole = sum(
                seen.spread(cells[i] + rest[i] / n_cells, image.shape[:2])
                for seen, cells in zip(parts, maps, strict=True)
            )
            found.append(Look(whole.astype(np.float32), columns[i], decisions[i]))
        return found

    def _run(self, given):
        """What the tap gives for each view of some images."""
        return [self._tap(self._batch(given, view)) for view in self._views]

    def _maps(self, passes, slopes, is_averaged):
        """Maps (n, rows, columns) of each view."""
        share = torch.from_numpy(slopes / len(passes))
        return [
            self._tap.maps(*one, share.to(one[0]), is_averaged=is_averaged)
            for one in passes
        ]

    def _batch(self, given, view):
        batch = np.empty((len(given), *self._seen.size, 3), dtype=np.uint8)
        for image, out in zip(given, batch, strict=True):
            self._seen.apply(image, out, view)
        return torch.from_numpy(batch).to(self._device)

    def _find_places(self, n_prefix, width):
        noise = np.random.default_rng(0).integers(0, 256, (1, *self._seen.size, 3))
        image = torch.from_numpy(noise.astype(np.uint8)).to(self._device)
        self._net.requires_grad_(True)
        with torch.enable_grad():
            places = find_last_places(
                self._net, image, self._seen.size, n_prefix=n_prefix, width=width
            )
        self._net.requires_grad_(False)
        return places


def _mean_of(passes):
    vectors = [vectors.detach().double().cpu().numpy() for vectors, _ in passes]
    return np.mean(vectors, axis=0)

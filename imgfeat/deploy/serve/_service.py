"""All that answers requests, without the web: models, threads, and what is counted."""

import asyncio
import logging
from contextlib import contextmanager

from imgfeat._target import gives_several
from imgfeat.deploy._answers import in_places, readable
from imgfeat.deploy.serve._batch_size import BatchSize
from imgfeat.deploy.serve._decoding import Decoders
from imgfeat.deploy.serve._low_priority import low_pool
from imgfeat.deploy.serve._micro_batcher import (
    ClosedError,
    MicroBatcher,
    QueueFullError,
)
from imgfeat.deploy.serve._overlay_png import draw
from imgfeat.deploy.serve._refusals import Refusal, too_busy
from imgfeat.deploy.serve._served_model import ServedModel
from imgfeat.deploy.serve._service_metrics import ServiceMetrics

_WAITING_EXPLANATIONS = 4
_COUNT_S = 1.0
_log = logging.getLogger("imgfeat.serve")


class Service:
    """Models, and what runs them.

    Parameters
    ----------
    settings : Settings
    on_failure : callable, optional
        Told what is wrong with a model that cannot be loaded at the start.
    after_load : callable, optional
        Called when all models are loaded, and whenever a file has replaced another.

    Attributes
    ----------
    status : str
        ``"loading"``, ``"ready"``, ``"closing"``, or what is wrong.
    """

    def __init__(self, settings, on_failure=None, after_load=None):
        self.settings, self._on_failure = settings, on_failure
        self._after_load = after_load or (lambda: None)
        self.metrics = ServiceMetrics()
        self.status = "loading"
        self._tasks = []
        self._runner = low_pool(1, "model")
        self._drawer = low_pool(1, "explain")
        self.decoders = Decoders(settings)
        self._drawing = MicroBatcher(
            draw,
            self._drawer,
            size=BatchSize(1),
            max_queue=_WAITING_EXPLANATIONS,
            gather_s=0,
        )
        self.models = {
            name: ServedModel(name, path, settings, self._runner, self.metrics)
            for name, path in settings.models.items()
        }

    def start(self):
        """Load the models, in the background; returns at once."""
        self._tasks += map(asyncio.create_task, (self._load(), self._count()))

    async def close(self):
        """Answer what was taken, then end."""
        self.status = "closing"
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*(each.close() for each in self.models.values()))
        await self._drawing.close()
        self._runner.shutdown()
        self._drawer.shutdown()
        self.decoders.close()

    def find(self, name):
        """The model that a request asks for, once it is loaded.

        Raises
        ------
        Refusal
        """
        known = ", ".join(map(repr, self.models))
        if name is None:
            if len(self.models) > 1:
                raise Refusal(
                    400,
                    "no_model",
                    f"There are several models here; name one of {known} by ?model=.",
                )
            name = next(iter(self.models))
        if name not in self.models:
            raise Refusal(
                404,
                "no_model",
                f"There is no model {name[:100]!r} here; there is {known}.",
            )
        if self.models[name].predictor is None:
            raise too_busy("loading", f"The service is not ready: {self.status}.")
        return self.models[name]

    def batcher(self, served, task):
        """What runs a task for a model.

        Raises
        ------
        Refusal
            If the model has nothing to do it with.
        """
        if task != "embed" and not hasattr(served.predictor.model, "predict"):
            raise Refusal(
                404,
                "no_labels",
                f"{served.name!r} is no classifier; it can only embed.",
            )
        if task == "explain" and gives_several(served.predictor.model):
            raise Refusal(
                404,
                "several_labels",
                f"{served.name!r} gives an image several labels, and an explanation is "
                "of one; it can only predict and embed.",
            )
        if task == "explain":
            return self._drawing
        if task == "embed" and not served.predictor.makes_features:
            raise Refusal(
                404,
                "no_features",
                f"{served.name!r} has nothing that makes features of images; it can "
                "only predict.",
            )
        return served.batcher(task)

    async def ask(self, served, task, uploads, how=()):
        """Return what a model makes of uploads: an item each.

        Parameters
        ----------
        served : ServedModel
        task : {"predict", "embed", "explain"}
        uploads : list of Upload
        how : tuple
            Appended to what the batcher is given of an image.

        Returns
        -------
        list
            Results, or an ImageDecodeError where an image cannot be read.
        """
        predictor = served.predictor
        observe = self.metrics.decode.labels(served.name).observe
        batcher = self.batcher(served, task)
        with _in_words(), batcher.coming(len(uploads)) as place:
            async with self.decoders.reading(uploads, predictor.read, observe) as read:
                good = [(predictor, image, *how) for image in readable(read)]
                results = await place.ask(good)
        return in_places(read, results)

    def check_room(self, served, task):
        """Refuse at once where too much waits already."""
        with _in_words():
            self.batcher(served, task).check_room()

    def count_in_line(self):
        """Bring the gauges up to date."""
        for name, served in self.models.items():
            n_images = sum(
                served.batcher(task).n_in_line for task in ("predict", "embed")
            )
            self.metrics.in_line.labels(name).set(n_images)

    async def _load(self):
        for served in self.models.values():
            _log.info("Loading %s.", served.name)
            try:
                await served.load_aside()
            except Exception as error:  # noqa: BLE001, it is said, and nothing is served
                self.status = f"{served.name} cannot be loaded"
                _log.error("%s: %s", served.name, error)
                if self._on_failure is not None:
                    self._on_failure(error)
                return
        self.status = "ready"
        self._after_load()
        if self.settings.reload_s:
            self._tasks.append(asyncio.create_task(self._watch()))

    async def _count(self):
        """Keep the gauges up to date for a worker that tells those of all."""
        while True:
            self.count_in_line()
            await asyncio.sleep(_COUNT_S)

    async def _watch(self):
        while True:
            await asyncio.sleep(self.settings.reload_s)
            for served in self.models.values():
                if await served.look_for_another():
                    self._after_load()


@contextmanager
def _in_words():
    try:
        yield
    except QueueFullError as error:
        raise too_busy("full", str(error), error.retry_after_s) from error
    except ClosedError as error:
        raise too_busy("closing", str(error)) from error

"""A model under a name: its batches, and its file, which may be replaced by another."""

import asyncio
import logging
import os
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from operator import itemgetter

from imgfeat._target import gives_several
from imgfeat.deploy._predictor import Predictor
from imgfeat.deploy._says_unknown import is_open
from imgfeat.deploy.serve._batch_size import BatchSize
from imgfeat.deploy.serve._low_priority import low_pool
from imgfeat.deploy.serve._micro_batcher import MicroBatcher
from imgfeat.sources._source import source_of

TASKS = ("predict", "embed")
_log = logging.getLogger("imgfeat.serve")


class ServedModel:
    """One of the models of a service.

    Parameters
    ----------
    name : str
    path : str
    settings : Settings
    executor : Executor
        Of one thread, which runs the batches of all models.
    metrics : ServiceMetrics

    Attributes
    ----------
    predictor : Predictor or None
        None until the file has been loaded. Replaced as a whole.
    reload_error : str or None
        Why the newest file was not taken.
    loaded_at : float or None
        Seconds since 1970.
    """

    def __init__(self, name, path, settings, executor: ThreadPoolExecutor, metrics):
        self.name, self.path = name, path
        self.predictor = self.reload_error = self.loaded_at = None
        self._settings, self._metrics = settings, metrics
        self._seen = self._unsteady = None
        self._batchers = {
            task: MicroBatcher(
                ask,
                executor,
                size=BatchSize(settings.max_batch, settings.deadline_s / 4),
                max_queue=settings.max_queue,
                max_wait_s=0.8 * settings.deadline_s,
                gather_s=settings.gather_s,
                watch=metrics.watch(name),
            )
            for task, ask in zip(TASKS, (_answer, _describe), strict=True)
        }

    def batcher(self, task):
        """What runs images of a task in batches; items are ``(predictor, image)``."""
        return self._batchers[task]

    async def close(self):
        """Answer what was taken."""
        await asyncio.gather(*(each.close() for each in self._batchers.values()))

    def load(self):
        """Load the file and let it answer from now on; raises what is wrong with it."""
        seen = source_of(self.path).identity()
        self.predictor = Predictor(self.path, max_pixels=self._settings.max_pixels)
        self._seen, self.loaded_at, self.reload_error = seen, time.time(), None

    async def load_aside(self):
        """As `load`, in a thread that gives way, as then those of a net do."""
        pool = low_pool(1, "load")
        try:
            await asyncio.get_running_loop().run_in_executor(pool, self.load)
        finally:
            pool.shutdown(wait=False)

    async def look_for_another(self):
        """Load the file if it is another; the old model answers until that works.

        Returns
        -------
        bool
            Whether it does.
        """
        facts = source_of(self.path).identity()
        # None: it is gone, or on its way; the model in memory goes on.
        if facts is None or facts == self._seen:
            return False
        if facts != self._unsteady:  # it may still be written
            self._unsteady = facts
            return False
        self._seen = facts
        try:
            await self.load_aside()
        except Exception as error:  # noqa: BLE001, whatever it is, the old one goes on
            words = " ".join(str(error).split())
            name = os.path.basename(self.path)
            self.reload_error = words.replace(str(self.path), name)
            self._metrics.reloads.labels(self.name, "failed").inc()
            _log.error(
                "%s: the new file is not taken, the model from before goes on: %s",
                self.name,
                self.reload_error,
            )
            return False
        self._metrics.reloads.labels(self.name, "done").inc()
        _log.warning("%s: the new file answers from now on.", self.name)
        return True

    def card(self):
        """What is said of the model, and nothing of the folders of any machine."""
        predictor = self.predictor
        settings, card = self._settings, predictor.card
        return {
            "name": self.name,
            "file": os.path.basename(self.path),
            "classes": card["classes"],
            "steps": _steps(card["reading"]),
            "versions": card["versions"],
            "format_version": card["format_version"],
            "says_unknown": is_open(predictor.model),
            "several_labels": gives_several(predictor.model),
            "thresholds": card.get("thresholds"),
            "makes_features": predictor.makes_features,
            "loaded_at": self.loaded_at,
            "reload_error": self.reload_error,
            "limits": {
                "max_body_bytes": settings.max_body_bytes,
                "max_files": settings.max_files,
                "max_pixels": settings.max_pixels,
                "deadline_s": settings.deadline_s,
            },
        }


def _answer(items):
    return _by_predictor(items, Predictor.answer)


def _describe(items):
    return _by_predictor(items, Predictor.describe)


def _by_predictor(items, ask):
    """Answers of the model that was there when each image came."""
    found = []
    for _, group in groupby(items, key=lambda item: id(item[0])):
        group = list(group)
        found += ask(group[0][0], list(map(itemgetter(1), group)))
    return found


def _steps(reading):
    """Steps that see images, with parameters; of paths the name alone."""
    return {
        step: {key: _without_folder(value) for key, value in params.items()}
        for step, params in reading.items()
    }


def _without_folder(value):
    return value.replace("\\", "/").rpartition("/")[2] if _is_path(value) else value


def _is_path(value):
    return isinstance(value, str) and (value.startswith("/") or "\\" in value)

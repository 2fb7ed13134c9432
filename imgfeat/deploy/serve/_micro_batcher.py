"""Requests that come at the same time share a run of the model.

While a batch runs, others queue up; when it is over, the next is taken from the queue.
Nobody waits while the model is idle, unless others are on their way: then a few
milliseconds, so that they can come along.
"""

import asyncio
import time
from collections import deque
from concurrent.futures import Executor
from contextlib import contextmanager

from imgfeat.deploy.serve._batch_size import BatchSize

GATHER_S = 0.002


class QueueFullError(RuntimeError):
    """No room: come back after ``retry_after_s`` seconds."""

    def __init__(self, retry_after_s):
        super().__init__(f"Too many images wait; try again in {retry_after_s:.1f} s.")
        self.retry_after_s = retry_after_s


class ClosedError(RuntimeError):
    """The batcher takes nothing any more."""


class Watch:
    """Told what happens; this one keeps nothing."""

    def waited(self, seconds):
        """An item was in the queue for so long."""

    def ran(self, n_items, seconds):
        """A batch took so long."""

    def dropped(self, n_items):
        """Whoever wanted them is gone, before they were run."""


class MicroBatcher:
    """Runs a function on batches of what many coroutines ask for.

    Parameters
    ----------
    run : callable
        From a list of items to a list of results. Called in `executor`, one call at a
        time. Where it raises for several items, it is called for each of them.
    executor : Executor
    size : BatchSize
    max_queue : int
        Items that wait, are prepared, or run, at most.
    max_wait_s : float
        Refuse also where that many seconds of work are in line.
    gather_s : float
        How long an idle model waits for what is being prepared.
    watch : Watch
    clock : callable
        Of seconds.
    """

    def __init__(
        self,
        run,
        executor: Executor,
        *,
        size: BatchSize,
        max_queue: int = 128,
        max_wait_s: float = float("inf"),
        gather_s: float = GATHER_S,
        watch: Watch | None = None,
        clock=time.monotonic,
    ):
        self._run, self._executor = run, executor
        self._size, self._clock = size, clock
        self._max_queue, self._max_wait_s = max_queue, max_wait_s
        self._gather_s = gather_s
        self._watch = watch or Watch()
        self._waiting = deque()  # of (item, future, since)
        self._n_coming = self._n_running = 0
        self._changed = asyncio.Event()
        self._is_closed = False
        self._worker = None

    @property
    def n_in_line(self):
        """Items that are being prepared, wait, or run."""
        return self._n_coming + len(self._waiting) + self._n_running

    def check_room(self, n_items=1):
        """Refuse at once what would have to wait for too long.

        Raises
        ------
        QueueFullError, ClosedError
        """
        if self._is_closed:
            raise ClosedError("The service is shutting down.")
        ahead_s = self._size.seconds(self.n_in_line)
        too_many = self.n_in_line + n_items > self._max_queue
        if too_many or ahead_s > self._max_wait_s:
            raise QueueFullError(max(ahead_s / 2, 0.1))

    @contextmanager
    def coming(self, n_items):
        """Hold room for items that are being prepared; yields a `Place` to ask from."""
        self.check_room(n_items)
        place = Place(self, n_items)
        try:
            yield place
        finally:
            place.give_up()

    async def close(self):
        """Take nothing more; return when all that was taken is answered."""
        self._is_closed = True
        self._changed.set()
        if self._worker is not None:
            await self._worker

    def _put(self, items):
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        now, loop = self._clock(), asyncio.get_running_loop()
        futures = [loop.create_future() for _ in items]
        self._waiting.extend(
            (item, future, now) for item, future in zip(items, futures, strict=True)
        )
        self._changed.set()
        return futures

    async def _work(self):
        answered = []  # and not yet told, so that the next batch starts before
        while True:
            if self._waiting and self._is_more_coming():
                _deliver(answered)
                await self._gather()
            batch = self._take()
            if not batch:
                _deliver(answered)
                if self._is_closed and not self.n_in_line:
                    return
                self._changed.clear()
                await self._changed.wait()
                continue
            self._n_running = len(batch)
            items = [item for item, _, _ in batch]
            running = self._start(items)
            _deliver(answered)
            results, seconds = await self._finish(running, items)
            self._n_running = 0
            self._watch.ran(len(batch), seconds)
            answered += zip(batch, results, strict=True)

    def _is_more_coming(self):
        return self._n_coming and len(self._waiting) < self._size.choose()

    def _start(self, items):
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(self._executor, self._timed, items)

    def _timed(self, items):
        started = self._clock()
        results = self._run(items)
        return results, self._clock() - started

    async def _finish(self, running, items):
        """Results, or errors in their place, and seconds."""
        try:
            results, seconds = await running
            self._size.note(len(items), seconds)
            return results, seconds
        except Exception as error:  # noqa: BLE001, it goes to whoever asked
            if len(items) == 1:
                return [error], 0.0
        found = [await self._finish(self._start([item]), [item]) for item in items]
        return [result for results, _ in found for result in results], sum(
            seconds for _, seconds in found
        )

    async def _gather(self):
        """Wait for what is coming, until there is enough, or for some milliseconds."""
        try:
            async with asyncio.timeout(self._gather_s):
                while self._is_more_coming():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            pass

    def _take(self):
        """The next batch, without what nobody waits for any more."""
        batch, n_dropped, now = [], 0, self._clock()
        while self._waiting and len(batch) < self._size.choose():
            item, future, since = self._waiting.popleft()
            if future.done():
                n_dropped += 1
                continue
            self._watch.waited(now - since)
            batch.append((item, future, since))
        if n_dropped:
            self._watch.dropped(n_dropped)
        return batch


class Place:
    """Room in the queue that one request holds."""

    def __init__(self, batcher, n_items):
        self._batcher, self._n_items = batcher, n_items
        batcher._n_coming += n_items

    def give_up(self):
        """Give back the room of what has not been asked for."""
        self._batcher._n_coming -= self._n_items
        self._n_items = 0
        self._batcher._changed.set()

    async def ask(self, items):
        """Return the results for some items, in order.

        Cancelled, it drops those that do not run yet.

        Raises
        ------
        Exception
            What the function raised for one of the items.
        """
        self.give_up()
        futures = self._batcher._put(items)
        try:
            results = [await future for future in futures]
        finally:
            for future in futures:
                future.cancel()
        for result in results:
            if isinstance(result, Exception):
                raise result
        return results


def _deliver(answered):
    """Hand results, or errors, over to whoever still waits for them."""
    for (_, future, _), result in answered:
        if not future.done():
            future.set_result(result)
    answered.clear()

"""Tests for imgfeat/deploy/serve/_micro_batcher.py: no test waits for a clock."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from imgfeat.deploy.serve._batch_size import BatchSize
from imgfeat.deploy.serve._micro_batcher import (
    ClosedError,
    MicroBatcher,
    QueueFullError,
    Watch,
)


class Model:
    """Squares numbers; stands still until it is told to go on."""

    def __init__(self, is_free=True):
        self.batches = []
        self._gate, self._started = threading.Event(), threading.Event()
        if is_free:
            self._gate.set()

    def __call__(self, items):
        self.batches.append(list(items))
        self._started.set()
        assert self._gate.wait(60)
        if "poison" in items:
            raise ValueError("poison")
        return [item * item for item in items]

    async def started(self):
        await asyncio.to_thread(self._started.wait, 60)

    def go_on(self):
        self._gate.set()


class Notes(Watch):
    def __init__(self):
        self.sizes, self.n_dropped, self.n_waited = [], 0, 0

    def waited(self, seconds):
        assert seconds >= 0
        self.n_waited += 1

    def ran(self, n_items, seconds):
        self.sizes.append(n_items)

    def dropped(self, n_items):
        self.n_dropped += n_items


@pytest.fixture
def pool():
    with ThreadPoolExecutor(1) as pool:
        yield pool


@pytest.fixture
def play(pool):
    """Play a scene of a model and its batcher, which is closed at the end."""

    def play(scene, *, is_free=True, most=8, **options):
        async def main():
            model = Model(is_free)
            how = {"gather_s": 60, "watch": Notes()} | options
            batcher = MicroBatcher(model, pool, size=BatchSize(most=most), **how)
            await scene(model, batcher)
            await batcher.close()

        asyncio.run(main())

    return play


async def ask(batcher, *items):
    with batcher.coming(len(items)) as place:
        return await place.ask(list(items))


async def settle():
    """Let everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


def test_one_request_is_answered_without_waiting_for_others(play):
    async def scene(model, batcher):
        assert await ask(batcher, 3) == [9]
        assert await ask(batcher, 1, 2) == [1, 4]
        assert model.batches == [[3], [1, 2]]

    play(scene)


def test_what_comes_while_a_batch_runs_shares_the_next(play):
    async def scene(model, batcher):
        first = asyncio.create_task(ask(batcher, 1))
        await model.started()
        others = [asyncio.create_task(ask(batcher, item)) for item in range(2, 9)]
        await settle()
        model.go_on()
        assert await first == [1]
        found = await asyncio.gather(*others)
        assert found == [[item * item] for item in range(2, 9)]
        assert model.batches == [[1], [2, 3, 4, 5, 6, 7, 8]]
        assert batcher._watch.sizes == [1, 7]
        assert batcher._watch.n_waited == 8

    play(scene, is_free=False)


def test_what_is_being_prepared_is_waited_for(play):
    async def scene(model, batcher):
        with batcher.coming(1) as late:
            early = asyncio.create_task(ask(batcher, 1))
            await settle()
            assert model.batches == []
            assert await late.ask([2]) == [4]
            assert await early == [1]
        assert model.batches == [[1, 2]]

    play(scene)


def test_what_is_prepared_too_slowly_is_not_waited_for(play):
    async def scene(model, batcher):
        with batcher.coming(1):
            assert await ask(batcher, 1) == [1]

    play(scene, gather_s=0)


def test_what_was_prepared_in_vain_is_not_waited_for(play):
    async def scene(model, batcher):
        late = batcher.coming(1)
        late.__enter__()
        early = asyncio.create_task(ask(batcher, 1))
        await settle()
        late.__exit__(None, None, None)
        assert await early == [1]
        assert batcher.n_in_line == 0

    play(scene)


def test_batches_are_no_larger_than_chosen(play):
    async def scene(model, batcher):
        assert await ask(batcher, *range(8)) == [item * item for item in range(8)]
        assert [len(batch) for batch in model.batches] == [3, 3, 2]

    play(scene, most=3)


def test_full_is_refused_at_once_and_says_when_to_come_back(play):
    async def scene(model, batcher):
        running = asyncio.create_task(ask(batcher, 1, 2))
        await model.started()
        waiting = asyncio.create_task(ask(batcher, 3))
        await settle()
        with batcher.coming(1) as place:
            with pytest.raises(QueueFullError, match="Too many images wait") as found:
                batcher.check_room()
            assert found.value.retry_after_s > 0
            model.go_on()
            assert await place.ask([4]) == [16]
        assert await running == [1, 4]
        assert await waiting == [9]
        batcher.check_room(4)

    play(scene, is_free=False, max_queue=4)


def test_a_queue_that_would_take_too_long_is_full(play):
    times = iter(range(0, 1000, 10))

    async def scene(model, batcher):
        await ask(batcher, 1)  # of 10 seconds, says the clock
        with batcher.coming(1), pytest.raises(QueueFullError, match="try again in"):
            batcher.check_room()

    play(scene, max_wait_s=5, clock=lambda: next(times))


def test_a_poisonous_item_fails_alone(play):
    async def scene(model, batcher):
        first = asyncio.create_task(ask(batcher, 1))
        await model.started()
        good = asyncio.create_task(ask(batcher, 2))
        bad = asyncio.create_task(ask(batcher, "poison"))
        more = asyncio.create_task(ask(batcher, 3, 4))
        await settle()
        model.go_on()
        assert await first == [1]
        with pytest.raises(ValueError, match="poison"):
            await bad
        assert await good == [4]
        assert await more == [9, 16]
        assert await ask(batcher, 5) == [25]

    play(scene, is_free=False)


def test_a_deadline_holds_while_a_batch_runs(play):
    async def scene(model, batcher):
        with pytest.raises(TimeoutError, match=r"^$"):
            async with asyncio.timeout(0.01):
                await ask(batcher, 1)
        assert batcher.n_in_line == 1  # it runs still
        model.go_on()
        assert await ask(batcher, 2) == [4]

    play(scene, is_free=False)


def test_who_has_left_is_dropped_before_the_model_runs(play):
    async def scene(model, batcher):
        first = asyncio.create_task(ask(batcher, 1))
        await model.started()
        gone = asyncio.create_task(ask(batcher, 2, 3))
        stays = asyncio.create_task(ask(batcher, 4))
        await settle()
        gone.cancel()
        await settle()
        model.go_on()
        assert await first == [1]
        assert await stays == [16]
        assert model.batches == [[1], [4]]
        assert batcher._watch.n_dropped == 2

    play(scene, is_free=False)


def test_all_may_leave(play):
    async def scene(model, batcher):
        first = asyncio.create_task(ask(batcher, 1))
        await model.started()
        gone = asyncio.create_task(ask(batcher, 2))
        await settle()
        gone.cancel()
        await settle()
        model.go_on()
        assert await first == [1]
        await batcher.close()
        assert model.batches == [[1]]

    play(scene, is_free=False)


def test_closing_answers_what_was_taken_and_takes_nothing_more(play):
    async def scene(model, batcher):
        taken = [asyncio.create_task(ask(batcher, 1))]
        await model.started()
        taken += [asyncio.create_task(ask(batcher, item)) for item in (2, 3)]
        await settle()
        closing = asyncio.create_task(batcher.close())
        await settle()
        with pytest.raises(ClosedError, match="shutting down"):
            await ask(batcher, 4)
        assert not closing.done()
        model.go_on()
        assert await asyncio.gather(*taken) == [[1], [4], [9]]
        await closing
        assert batcher.n_in_line == 0

    play(scene, is_free=False)


def test_nothing_is_lost_or_answered_twice_in_a_crowd(play):
    async def scene(model, batcher):
        found = await asyncio.gather(*(ask(batcher, item) for item in range(500)))
        assert found == [[item * item] for item in range(500)]
        assert sorted(item for batch in model.batches for item in batch) == list(
            range(500)
        )
        assert batcher.n_in_line == 0

    play(scene, max_queue=10_000, gather_s=0)

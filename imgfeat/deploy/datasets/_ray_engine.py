"""Parts by several processes, on one machine or many, by Ray.

Ray starts the processes, hands out parts, and starts anew what has died. What is
finished is told by our own parts alone: what comes back is their numbers, so that no
pixels and no vectors pass through Ray's memory, and none of its types is in a file.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import imgfeat
from imgfeat._optional import import_optional
from imgfeat.deploy.datasets._part_maker import PartMaker

_N_RETRIES = 3
# Ray 2.60 would write a token to ~/.ray otherwise, for other processes of the user to
# come in by. A cluster of ours listens to this machine alone, as long as a job takes.
_OWN_CLUSTER = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}


class RayEngine:
    """Makes parts by workers that load the model once; each has one part at a time.

    Parameters
    ----------
    task : Task
        Its `n_jobs` is the number of cores of each worker.
    n_workers : int, optional
        By default as many as find room.
    num_gpus : float
        Of each worker.

    Raises
    ------
    ModuleNotFoundError
        Without Ray.
    ValueError
        If there are not enough cores or GPUs for one worker.
    """

    def __init__(self, task, *, n_workers=None, num_gpus=0):
        self._ray = import_optional("ray", extra="ray", purpose="engine='ray'")
        self._open = ExitStack()
        with ExitStack() as undo:
            undo.enter_context(_cluster(self._ray))
            needs = {"CPU": task.n_jobs or 1, "GPU": num_gpus}
            n_workers = _count_workers(self._ray.cluster_resources(), needs, n_workers)
            self._workers = self._start(task, needs, n_workers)
            undo.callback(self._end_workers)
            self._get([worker.is_ready.remote() for worker in self._workers])
            self._open = undo.pop_all()

    def run(self, parts, advance) -> Iterator:
        """Yield a `FinishedPart` for each of `parts`, as they are finished.

        Parameters
        ----------
        parts : iterable of PartToDo
            Taken as workers are free for them.
        advance : callable
            Told how many rows are done.

        Raises
        ------
        ChildProcessError
            If a part ends the worker that makes it, however often it is tried.
        """
        free, busy = list(self._workers), {}

        def next_finished():
            (done, *_), _ = self._ray.wait(list(busy), num_returns=1)
            worker, name = busy.pop(done)
            (part,) = self._get([done], name)
            free.append(worker)
            advance(part.n_rows)
            return part

        for part in parts:
            if not free:
                yield next_finished()
            worker = free.pop()
            busy[worker.make.remote(part)] = worker, f"part {part.number}"
        while busy:
            yield next_finished()

    def close(self):
        """End the workers, and the cluster if it is ours."""
        self._open.close()

    def _start(self, task, needs, n_workers):
        kind = self._ray.remote(PartWorker).options(
            num_cpus=needs["CPU"],
            num_gpus=needs["GPU"],
            max_restarts=-1,
            max_task_retries=_N_RETRIES,
        )
        return [kind.remote(task) for _ in range(n_workers)]

    def _end_workers(self):
        for worker in self._workers:
            self._ray.kill(worker)

    def _get(self, references, name="the model"):
        errors = self._ray.exceptions
        try:
            return self._ray.get(references)
        except errors.RayTaskError as error:
            raise error.cause from error
        except errors.RayActorError as error:
            raise ChildProcessError(
                f"{name} has ended the process that works on it {1 + _N_RETRIES} "
                "times: it may need more memory. Parts that are finished stay; give a "
                "smaller batch_size or fewer workers, and resume=True."
            ) from error


class PartWorker:
    """What runs in a process of Ray's.

    Parameters
    ----------
    task : Task
    """

    def __init__(self, task):
        self._maker = PartMaker(task)

    def is_ready(self):
        """Whether the model is loaded."""
        return True

    def make(self, part):
        """Do as `PartMaker.make`."""
        return self._maker.make(part)


@contextmanager
def _cluster(ray):
    """Join a cluster of Ray's, or start one on this machine and end it."""
    if ray.is_initialized():
        yield
        return
    is_own = "RAY_ADDRESS" not in os.environ
    with _environment(_OWN_CLUSTER | _python_path() if is_own else {}):
        try:
            _start_or_join(ray, is_own)
            yield
        finally:
            ray.shutdown()


def _start_or_join(ray, is_own):
    quiet = {"logging_level": logging.ERROR, "log_to_driver": False}
    if not is_own:
        ray.init(**quiet)
        return
    # What passes through its memory is the names of a part's images.
    small = {"include_dashboard": False, "object_store_memory": 2**28}
    for is_last in (False, False, True):
        try:
            ray.init(**quiet, **small)
            return
        except Exception as error:  # Ray's own words for having waited for 30 s
            ray.shutdown()
            if is_last:
                raise ChildProcessError(f"Ray does not start here: {error}") from error


@contextmanager
def _environment(values):
    """Variables that are set within the block."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _python_path():
    """The variable by which a worker finds us where we are, installed or not."""
    ours = str(Path(imgfeat.__file__).parent.parent)
    paths = [ours, os.environ.get("PYTHONPATH")]
    return {"PYTHONPATH": os.pathsep.join(filter(None, paths))}


def _count_workers(there, needs, n_workers):
    """How many workers find room, at most `n_workers`."""
    room = [int(there.get(name, 0) / need) for name, need in needs.items() if need > 0]
    n_found = min(room)
    if n_found < (n_workers or 1):
        have = ", ".join(f"{there.get(name, 0):g} {name}" for name in needs)
        want = ", ".join(f"{need:g} {name}" for name, need in needs.items())
        raise ValueError(
            f"{n_workers or 1} workers need {want} each. Got {have} in all; give "
            "smaller n_workers, n_jobs or num_gpus."
        )
    return n_workers or n_found

"""Which way to run a net is the fastest on this machine: timed once, and kept."""

import hashlib
import json
import math
import threading
import time
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version

import numpy as np
from filelock import FileLock, Timeout

from imgfeat import __version__
from imgfeat._cpu import cpu_features, cpu_model, n_cores
from imgfeat._files import write_atomic
from imgfeat._forks import after_fork_in_child
from imgfeat._home import NoHomeError, home
from imgfeat._progress import announce
from imgfeat._threads import share_out
from imgfeat.nets.inference._photographs import cosines, views_of
from imgfeat.nets.inference._precision import LEAST_COSINE
from imgfeat.nets.inference._stock import make_engine, net_identity, open_engine

# Another way has to be so much faster than the usual one: less may be chance.
_FASTER_BY = 1.1
_BUDGET_S = 2.0
_MOST_ROUNDS = 12
_PATIENCE_S = 60.0  # with another process that is timing the same net

_PHOTOGRAPHS = "astronaut", "coffee", "rocket", "chelsea"
_LIBRARIES = "torch", "onnxruntime", "openvino"

_VERSION = 1  # of how nets are run and timed here: records of another are not used

_chosen = {}
_lock = threading.RLock()


def settle(backbone, readout, plan, verbose=False):
    """Return the plan, with what is the fastest of its choices on this machine.

    The first time a net is run here its choices are timed, for about two seconds; what
    they are exported and loaded for comes on top. The outcome is kept below
    ``IMGFEAT_HOME``, so all processes take the same.

    Parameters
    ----------
    backbone : Backbone
    readout : Readout
    plan : Plan
    verbose : bool or int, default=False

    Returns
    -------
    Plan
        Without choices.
    """
    if not plan.choices:
        return plan
    facts = _facts(backbone, readout, plan)
    key = _digest(facts)
    with _lock:
        if key not in _chosen:
            _chosen[key] = _find(key, facts, backbone, readout, plan, verbose)
        return plan.choose(*_chosen[key])


def kept_choices():
    """Return the records of the choices that hold here and now, as dicts, by net.

    Those of other versions, or of another machine that shares the folder, do not.
    """
    try:
        files = sorted((home() / "engines").glob("*.json"))
    except (NoHomeError, OSError):
        return []
    records = [_read(path) for path in files]
    here = _here()
    found = (one for one in records if one and here.items() <= one.items())
    return sorted(found, key=lambda record: (record["net"], str(record["size"])))


def _facts(backbone, readout, plan):
    """All that a choice depends on, ready for JSON."""
    return {
        "net": backbone.name,
        "size": list(backbone.preprocessing.size),
        "identity": repr(net_identity(backbone, readout)),
        "choices": [list(choice) for choice in plan.choices],
        **_here(),
    }


def _here():
    """What of a record is the same for all nets."""
    return {
        "cpu": cpu_model(),
        "cores": n_cores(),
        "features": list(cpu_features()),
        "versions": {"imgfeat": __version__, "choice": _VERSION} | dict(_versions()),
    }


def _versions():
    for name in _LIBRARIES:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue  # not installed, so not among the choices


def _digest(facts):
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _find(key, facts, backbone, readout, plan, verbose):
    try:
        name = backbone.name.replace("/", "-")
        path = home() / "engines" / f"{name}-{key[:16]}.json"
    except NoHomeError:
        return _time(backbone, readout, plan, verbose)["chosen"]
    record = _read(path, plan.choices)
    if record is None:
        with _alone(path):
            record = _read(path, plan.choices)  # by whoever was waited for
            if record is None:
                record = _time(backbone, readout, plan, verbose)
                if record["timed"]:
                    _write(path, facts | record)
    return tuple(record["chosen"])


@contextmanager
def _alone(path):
    """Let one process at a time go on, where that can be had."""
    lock = FileLock(path.with_suffix(".lock"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=_PATIENCE_S)
    except (OSError, Timeout):  # read-only; a file system without locks; a slow one
        yield
        return
    try:
        yield
    finally:
        lock.release()


def _read(path, choices=None):
    """A record, or None where there is none of use."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        chosen = tuple(map(str, record["chosen"]))
        record["chosen"] = list(chosen)
        record["net"], record["size"] = str(record["net"]), list(record["size"])
        for row in record["timed"]:
            row["engine"], row["precision"] = str(row["engine"]), str(row["precision"])
            row["images_per_s"] = float(row["images_per_s"])
            row["least_cosine"] = float(row["least_cosine"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return record if choices is None or chosen in choices else None


def _write(path, record):
    try:
        write_atomic(path, json.dumps(record, indent=1).encode())
    except OSError:
        return  # the next process times again, which takes two seconds


def _time(backbone, readout, plan, verbose):
    """Time all choices; ``timed`` is empty where the usual one does not run."""
    usual = plan.choices[0]
    engine = open_engine(backbone, readout, plan.choose(*usual), verbose)
    if engine.info["engine"] != usual[0]:
        return {"chosen": usual, "timed": []}  # it gave way to torch, and said so
    announce(
        f"Timing {len(plan.choices)} ways to run {backbone.name}: about two seconds, "
        "once on this machine.",
        verbose,
    )
    images = _images(backbone.preprocessing, 2 * plan.threads)

    def opener(choice):
        def open_run():
            taken = engine
            if choice != usual:
                bare = plan.choose(*choice, check=None)
                taken = make_engine(backbone, readout, bare, verbose)
            run = _runner(taken, plan, images)
            run()  # compiles, where that is left to the first run
            return run

        return open_run

    openers = {choice: opener(choice) for choice in plan.choices}
    seconds, rows, failed = time_in_turn(openers, _clock)
    least = {choice: float(cosines(rows[choice], rows[usual]).min()) for choice in rows}
    return {
        "chosen": choose(seconds, least),
        "timed": [
            {
                "engine": choice[0],
                "precision": choice[1],
                "images_per_s": len(images) / seconds[choice],
                "least_cosine": least[choice],
            }
            for choice in seconds
        ],
        "failed": [[*choice, reason] for choice, reason in failed.items()],
    }


def choose(seconds, least):
    """Return the choice to take: the usual one, unless another is clearly faster.

    Parameters
    ----------
    seconds : dict of choice to float
        The usual one first.
    least : dict of choice to float
        Least cosine of any row with what the usual one gives.
    """
    usual, *_ = seconds
    near = [choice for choice in seconds if least[choice] >= LEAST_COSINE]
    fastest = min(near, key=seconds.get, default=usual)
    return fastest if seconds[fastest] * _FASTER_BY <= seconds[usual] else usual


def time_in_turn(openers, clock, budget_s=_BUDGET_S):
    """Time several runs, one after the other, again and again until time is up.

    Parameters
    ----------
    openers : dict of choice to callable
        Each returns the callable that is timed. The first one runs in any case; those
        whose turn does not come are left out.
    clock : callable
        Returns seconds.
    budget_s : float

    Returns
    -------
    seconds : dict of choice to float
        Of the fastest run of each.
    outcomes : dict of choice to object
        What each returned.
    failed : dict of choice to str
        Why some do not run.
    """
    runs, seconds, outcomes, failed = {}, {}, {}, {}
    usual, spent = next(iter(openers)), 0.0
    for round in range(_MOST_ROUNDS):
        for choice, open_run in openers.items():
            if choice in failed:
                continue
            if seconds and spent > budget_s:
                return seconds, outcomes, failed
            try:
                if round == 0:
                    runs[choice] = open_run()
                before = clock()
                outcomes[choice] = runs[choice]()
                took = clock() - before
            except Exception as error:  # runtimes raise what their parts raise
                if choice == usual:
                    raise
                failed[choice] = (str(error).splitlines() or [""])[0]
                continue
            spent += took
            seconds[choice] = min(seconds.get(choice, math.inf), took)
    return seconds, outcomes, failed


def _images(preprocessing, n_least):
    """Photographs as the net sees them, over again if there are not enough."""
    views = views_of(_PHOTOGRAPHS, preprocessing)[::8]
    return np.ascontiguousarray(views[np.arange(max(n_least, len(views))) % len(views)])


def _runner(engine, plan, images):
    n_workers, n_intra, pieces = plan.split(len(images))

    def run():
        rows = [None] * len(pieces)
        with engine.running(n_intra, max(1, plan.threads // n_intra)) as call:

            def work(piece):
                rows[pieces.index(piece)] = call(images[piece])

            share_out(lambda: work, pieces, n_workers, lambda steps: None)
        return np.concatenate(rows)

    return run


def _clock():
    return time.perf_counter()


@after_fork_in_child
def _start_afresh():
    global _lock  # noqa: PLW0603
    _lock = threading.RLock()

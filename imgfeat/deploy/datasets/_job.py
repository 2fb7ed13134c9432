"""Make what is missing of a dataset, by an engine, and keep account."""

import time
from contextlib import closing
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path

from imgfeat._home import expanded
from imgfeat._progress import progress
from imgfeat.deploy.datasets._dataset_card import make_card, part_counts, seal_of
from imgfeat.deploy.datasets._local_engine import LocalEngine
from imgfeat.deploy.datasets._output_folder import claimed_folder
from imgfeat.deploy.datasets._row_makers import check_widths
from imgfeat.deploy.datasets._task import (
    EMBEDDINGS,
    HopelessError,
    PartToDo,
    Task,
)
from imgfeat.sources import ImageListing, list_images

MOST_ROWS = 10_000


@dataclass(frozen=True)
class DatasetSummary:
    """What became of a dataset.

    Attributes
    ----------
    folder : Path
    n_rows : int
        Images, a row each.
    n_errors : int
        Those that could not be used.
    n_parts : int
    n_new : int
        Parts that were made just now; the others were there.
    startup_s : float
        Seconds until the first of these was begun: the model loaded, workers there.
    working_s : float
        Seconds from there to the end.
    """

    folder: Path
    n_rows: int
    n_errors: int
    n_parts: int
    n_new: int
    startup_s: float
    working_s: float


@dataclass(frozen=True)
class JobOptions:
    """How a dataset is made, as `embed_dataset` tells."""

    root: object = None
    engine: str = "local"
    n_jobs: int | None = None
    n_workers: int | None = None
    num_gpus: float = 0
    batch_size: int = 256
    part_rows: int = 1000
    max_errors: int | None = None
    resume: bool = False
    retry_failed: bool = False
    verbose: int = 0

    def threads(self):
        """Of each process."""
        if self.engine == "ray" and self.n_jobs in (None, -1):
            return 1
        return self.n_jobs

    def check(self):
        """Refuse what cannot be."""
        _check_count("batch_size", self.batch_size, 1)
        _check_count("part_rows", self.part_rows, 1, MOST_ROWS)
        if self.max_errors is not None:
            _check_count("max_errors", self.max_errors, 0)
        if self.n_workers is not None:
            _check_count("n_workers", self.n_workers, 1)
        if self.engine not in ("local", "ray"):
            raise ValueError(f"engine is 'local' or 'ray'. Got {self.engine!r}.")
        if self.engine == "ray" and self.threads() < 1:
            raise ValueError(
                "With engine='ray' n_jobs is the cores of each worker. Got "
                f"{self.n_jobs}; give a positive number."
            )
        if self.engine == "local" and (self.n_workers is not None or self.num_gpus):
            raise ValueError(
                "n_workers and num_gpus need engine='ray'. Got engine='local', which "
                "takes n_jobs threads of one process."
            )


def run_job(kind, source, model, out, columns, options, how):
    """Make a dataset, or what is missing of it.

    Parameters
    ----------
    kind : {"embeddings", "predictions"}
    source : path or ImageListing
    model : UsedModel
    out : path
    columns : dict of str to type
        What the table has besides id, row and error.
    options : dict
        What its values depend on.
    how : JobOptions
        Checked.

    Returns
    -------
    DatasetSummary
    """
    started = time.perf_counter()
    listing = source
    if not isinstance(source, ImageListing):
        listing = list_images(source, root=how.root)
    columns = {"id": str, "row": int, **columns, "error": str}
    card = make_card(
        kind,
        model,
        listing,
        columns=columns,
        part_rows=how.part_rows,
        batch_size=how.batch_size,
        options=options,
    )
    folder = expanded(out).absolute()
    task = Task(
        kind=kind,
        model=model,
        folder=folder,
        seal=seal_of(card),
        columns=columns,
        options=options,
        batch_size=how.batch_size,
        n_jobs=how.threads(),
        max_errors=how.max_errors,
    )
    going_on = how.resume or how.retry_failed
    with claimed_folder(folder, card, resume=going_on) as finished:
        wanted = _Wanted(card, finished, how.retry_failed)
        account = _Account(wanted.kept, how.max_errors, folder)
        ready = time.perf_counter()
        if wanted.n_rows:
            with closing(_engine(task, how)) as engine:
                ready = time.perf_counter()
                title = "embed" if kind == EMBEDDINGS else "predict"
                with progress(title, wanted.n_rows, how.verbose) as advance:
                    for part in engine.run(wanted.parts(listing), advance):
                        account.add(part)
        return DatasetSummary(
            folder=folder,
            n_rows=card["n_rows"],
            n_errors=account.n_errors,
            n_parts=len(part_counts(card)),
            n_new=account.n_new,
            startup_s=ready - started,
            working_s=time.perf_counter() - ready,
        )


class _Wanted:
    """The parts that are to be made, as the listing gives their images."""

    def __init__(self, card, finished, retry_failed):
        self._part_rows = card["part_rows"]
        counts = dict(enumerate(part_counts(card)))
        self._mended = {
            number
            for number, part in finished.items()
            if retry_failed and part.n_errors
        }
        self._new = counts.keys() - finished.keys()
        self.kept = [finished[each] for each in finished.keys() - self._mended]
        self.n_rows = sum(counts[number] for number in self._new | self._mended)

    def parts(self, listing):
        for number, images in enumerate(listing.chunks(self._part_rows)):
            if number in self._new or number in self._mended:
                first_row = number * self._part_rows
                yield PartToDo(number, first_row, images, number in self._mended)


class _Account:
    """How many images failed, and whether parts fit each other."""

    def __init__(self, kept, max_errors, folder):
        self._max_errors = max_errors
        self._folder = folder
        self._widths = {part.width for part in kept} - {None}
        self._n_rows = sum(part.n_rows for part in kept)
        self.n_errors = sum(part.n_errors for part in kept)
        self.n_new = 0
        self._check()

    def add(self, part):
        self._widths |= {part.width} - {None}
        self._n_rows += part.n_rows
        self.n_errors += part.n_errors
        self.n_new += 1
        self._check()

    def _check(self):
        check_widths(self._widths)
        if self._max_errors is not None and self.n_errors > self._max_errors:
            raise HopelessError(
                f"max_errors={self._max_errors} is passed: {self.n_errors} of the "
                f"{self._n_rows} images so far could not be used; {self._folder} tells "
                "which. Mend them and give retry_failed=True, or allow more errors and "
                "give resume=True."
            )


def _engine(task, how):
    if how.engine == "local":
        return LocalEngine(task)
    from imgfeat.deploy.datasets._ray_engine import RayEngine  # only where asked for

    return RayEngine(task, n_workers=how.n_workers, num_gpus=how.num_gpus)


def _check_count(name, value, least, most=None):
    is_count = isinstance(value, Integral) and not isinstance(value, bool)
    if not is_count or value < least or (most is not None and value > most):
        upper = "" if most is None else f" and at most {most}"
        raise ValueError(f"{name} needs to be at least {least}{upper}. Got {value!r}.")

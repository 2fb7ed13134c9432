"""Make parts of a dataset, one after the other, in any process."""

import numpy as np

from imgfeat.deploy.datasets._part_file import PartPlace, new_part
from imgfeat.deploy.datasets._row_makers import check_widths, row_maker
from imgfeat.deploy.datasets._task import FinishedPart, HopelessError


class PartMaker:
    """Makes parts, with a model that is loaded once.

    Parameters
    ----------
    task : Task
    """

    def __init__(self, task):
        self._task = task
        self._make_rows = row_maker(task)

    def make(self, part, advance=lambda n_rows: None):
        """Make a part, and write it.

        Parameters
        ----------
        part : PartToDo
        advance : callable, optional
            Told how many rows are done.

        Returns
        -------
        FinishedPart

        Raises
        ------
        HopelessError
            If it has more errors than the task allows.
        OSError
            If it cannot be written.
        """
        place = PartPlace(self._task.folder, part.number)
        n_rows, n_errors = len(part.images), 0
        pieces = self._mended(part, place) if part.is_mended else self._all_new(part)
        with new_part(place, n_rows) as new:
            for first, rows, vectors in pieces:
                self._name(part, first, rows)
                new.add(rows, vectors)
                n_errors += sum(row["error"] is not None for row in rows)
                self._check_errors(new.rows, n_errors)
                advance(len(rows))
            new.finish(self._task.columns, self._task.seal)
        return FinishedPart(part.number, n_rows, n_errors, new.width)

    def _all_new(self, part):
        """Yield the first row, the rows and the vectors of some images after others."""
        for first in range(0, len(part.images), self._task.batch_size):
            some = part.images[first : first + self._task.batch_size]
            yield first, *self._make_rows(some)

    def _mended(self, part, place):
        """The same, with what is there but for the rows that have an error."""
        old = place.read_rows()
        try:
            stored = place.read_vectors(len(old))
        except FileNotFoundError:
            stored = None
        for first in range(0, len(old), self._task.batch_size):
            rows = old[first : first + self._task.batch_size]
            vectors = None if stored is None else np.array(stored[first:][: len(rows)])
            failed = [at for at, row in enumerate(rows) if row["error"] is not None]
            if failed:
                again = [part.images[first + at] for at in failed]
                vectors = _with(rows, vectors, failed, *self._make_rows(again))
            yield first, rows, vectors

    def _name(self, part, first, rows):
        images = part.images[first : first + len(rows)]
        for row, image in enumerate(images):
            number = part.first_row + first + row
            rows[row] |= {"id": image.id, "row": number}

    def _check_errors(self, rows, n_errors):
        limit = self._task.max_errors
        if limit is not None and n_errors > limit:
            bad = next(row for row in rows if row["error"] is not None)
            raise HopelessError(
                f"max_errors={limit} is passed: {n_errors} of {len(rows)} images in "
                f"one part could not be used, the first is {bad['id']}: "
                f"{bad['error']}. Parts that are finished stay; mend the images, and "
                "go on with resume=True."
            )


def _with(rows, vectors, places, new_rows, new_vectors):
    """Put new rows in the place of old ones; return the vectors with the new ones."""
    for place, row in zip(places, new_rows, strict=True):
        rows[place] = row
    if new_vectors is None:
        return vectors
    if vectors is None:
        shape = len(rows), new_vectors.shape[1]
        vectors = np.full(shape, np.nan, dtype=np.float32)
    check_widths({vectors.shape[1], new_vectors.shape[1]})
    vectors[places] = new_vectors
    return vectors

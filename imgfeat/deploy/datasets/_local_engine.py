"""Parts one after the other, in this process; threads read while the model computes."""

from imgfeat.deploy.datasets._part_maker import PartMaker


class LocalEngine:
    """Makes parts here.

    Parameters
    ----------
    task : Task
    """

    def __init__(self, task):
        self._maker = PartMaker(task)

    def run(self, parts, advance):
        """Yield a `FinishedPart` for each of `parts`, in order.

        Parameters
        ----------
        parts : iterable of PartToDo
        advance : callable
            Told how many rows are done.
        """
        for part in parts:
            yield self._maker.make(part, advance)

    def close(self):
        """End it."""

"""The model of a study: saved while other work goes on, and kept whatever comes."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from imgfeat.deploy._bundle import saving


class StudyInterrupted(KeyboardInterrupt):
    """Ctrl-C in `run_study`, after the comparison.

    Attributes
    ----------
    comparison : Comparison
    model : Path or None
        The file of the best model, which is whole; None if it came too early for that.
    """

    def __init__(self, comparison, model):
        kept = "no model yet" if model is None else f"the model is in {model}"
        super().__init__(f"The study was interrupted after its comparison; {kept}.")
        self.comparison = comparison
        self.model = model


class KeptModel:
    """A block of work beside the check of a model; the file is there at its end.

    Also where an error or Ctrl-C ends the block, which then waits for the check, or
    where Ctrl-C comes in that wait.

    Parameters
    ----------
    path : Path
    comparison : Comparison
        For a `StudyInterrupted`.
    """

    def __init__(self, path, comparison):
        self.path = path
        self._comparison = comparison
        self._saving = ExitStack()
        self._has_begun = False

    def save(self, pipeline, facts):
        """Begin to save; the arguments are those of `imgfeat.save`."""
        self._saving.enter_context(saving(pipeline, self.path, facts=facts))
        self._has_begun = True

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if not isinstance(error, Exception | KeyboardInterrupt | None):
            self._saving.__exit__(kind, error, traceback)
            return
        is_interrupted = self._finish() or isinstance(error, KeyboardInterrupt)
        if is_interrupted:
            model = self.path if self._has_begun else None
            raise StudyInterrupted(self._comparison, model) from error

    def _finish(self):
        """Wait for the check, also where Ctrl-C comes meanwhile; tell if it did."""
        # In a thread of its own, where no interrupt comes.
        with ThreadPoolExecutor(1) as pool:
            closing = pool.submit(self._saving.close)
            try:
                closing.result()
            except KeyboardInterrupt:
                closing.result()
                return True
        return False

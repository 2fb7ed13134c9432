"""The folds of all candidates, one after the other, until they or the time are over."""

from copy import copy
from itertools import groupby

import joblib
import numpy as np

from imgfeat._interrupts import noticing_interrupts
from imgfeat._progress import progress
from imgfeat.evaluation.comparison._deadline import Deadline
from imgfeat.evaluation.comparison._metadata import take
from imgfeat.evaluation.comparison._one_fold import run_fold


class Race:
    """Runs candidates on folds and holds what has come of it, at any moment.

    Parameters
    ----------
    candidates : list of Candidate
    y : ndarray
        Labels of all images.
    folds : list of (ndarray, ndarray)
    scorers : dict of str to scorer
        The first one decides.
    fronts : Fronts
    kept : KeptFolds
    metadata : dict of str to (ndarray or None), optional
        Groups and sample weights of all images.
    time_budget_s : float, optional
        No fold begins later, but for the very first.
    n_jobs : int, optional
        Processes, as for joblib.
    resume : bool
        Take results that are kept.
    verbose : int
        A line for each candidate that is over.

    Attributes
    ----------
    results : dict of str to list of FoldResult
    parts : list of Race
        On some of the images, fewest first.
    deadline : Deadline
    """

    def __init__(
        self,
        candidates,
        y,
        folds,
        scorers,
        fronts,
        kept,
        *,
        metadata=None,
        time_budget_s=None,
        n_jobs=None,
        resume=True,
        verbose=0,
    ):
        self.candidates = candidates
        self.y = y
        self.folds = folds
        self.scorers = scorers
        self.fronts = fronts
        self.kept = kept
        self.metadata = metadata or {}
        self.n_jobs = n_jobs
        self.resume = resume
        self.verbose = verbose
        self.results = {candidate.name: [] for candidate in candidates}
        self.parts = []
        self.deadline = Deadline(time_budget_s)
        self._rows = np.arange(len(y))  # of all images, those that it runs on
        self._of_how_many = ""

    def part(self, rows, candidates):
        """Begin a race of some candidates on some of the images.

        Parameters
        ----------
        rows : ndarray of int
            Sorted.
        candidates : list of Candidate

        Returns
        -------
        Race
            With the same deadline; nothing has run yet.
        """
        part = copy(self)
        part.candidates = candidates
        part.y = self.y[rows]
        part.folds = [
            tuple(np.searchsorted(rows, side[np.isin(side, rows)]) for side in fold)
            for fold in self.folds
        ]
        part.fronts = self.fronts.part(rows)
        part.metadata = take(self.metadata, rows)
        part.results = {candidate.name: [] for candidate in candidates}
        part.parts = []
        part._rows = self._rows[rows]
        part._of_how_many = f" on {len(rows):,} of {len(self.y):,} images"
        self.parts.append(part)
        return part

    def run(self, rounds=None):
        """Run all folds, or those that there is time for.

        Parameters
        ----------
        rounds : iterable of (list of Candidate, sequence of int), optional
            Who runs on which folds, one after the other. It is asked for the next when
            the one before is over, of which `results` tell.
        """
        if rounds is None:
            rounds = [(self.candidates, range(len(self.folds)))]
        total = len(self.folds) * len(self.candidates)
        with (
            progress("compare", total, self.verbose) as advance,
            noticing_interrupts() as self._interrupts,
        ):
            for running, numbers in rounds:
                for _, group in groupby(running, key=self._front_of):
                    if self.deadline.has_passed():
                        return
                    self._run_group(list(group), numbers, advance)

    def run_on(self, candidate, parts):
        """Run a candidate on other rows, as [(number, (train, test)), ...].

        Returns
        -------
        list of FoldResult
            One a part, in order; those that there was no time for are missing.
        """
        found, todo = [], []
        for number, rows in parts:
            key = self._key(candidate, rows)
            kept = self.resume and self.kept.find(key, candidate.name, number)
            if kept:
                found.append(kept)
            else:
                todo.append((number, rows, key))
        if todo:
            features = self.fronts.features(candidate.front)
            tasks = (
                self._task(candidate, features, number, rows)
                for number, rows, _ in todo
                if not self.deadline.has_passed()
            )
            results = joblib.Parallel(self.n_jobs)(tasks)
            for result, (_, _, key) in zip(results, todo, strict=False):
                self.kept.keep(key, result)
                found.append(result)
        return sorted(found, key=lambda result: result.fold)

    def mean_score(self, name):
        """Of a candidate, by the first score, over the folds so far.

        -inf if there is none.
        """
        score = next(iter(self.scorers))
        values = [result.scores.get(score, np.nan) for result in self.results[name]]
        values = [value for value in values if np.isfinite(value)]
        return np.mean(values) if values else -np.inf

    def seconds_of_front(self, candidate):
        """What the features of an image take."""
        return self.fronts.seconds(candidate.front)

    def _run_group(self, group, numbers, advance):
        """Candidates that share their features."""
        todo = []
        for candidate in group:
            is_over = {result.fold for result in self.results[candidate.name]}
            for number in sorted({*numbers} - is_over):
                key = self._key(candidate, self.folds[number])
                found = self.resume and self.kept.find(key, candidate.name, number)
                if found:
                    self._take(found, advance)
                else:
                    todo.append((candidate, number, key))
        if not todo:
            return
        advance(0, description=f"{todo[0][0].name}: features")
        features = self.fronts.features(group[0].front)
        self._interrupts.raise_again()  # one in the middle of a callback in C is lost
        keys = {(candidate.name, number): key for candidate, number, key in todo}
        parallel = joblib.Parallel(self.n_jobs, return_as="generator_unordered")
        tasks = self._tasks(todo, features, advance)
        for result in parallel(tasks):
            self.kept.keep(keys[result.name, result.fold], result)
            self._take(result, advance)
            self._interrupts.raise_again()

    def _tasks(self, todo, features, advance):
        for candidate, number, _ in todo:
            if self.deadline.has_passed():
                return
            text = f"{candidate.name}: fold {number + 1} of {len(self.folds)}"
            text += self._of_how_many
            advance(0, description=text)
            self.deadline.n_begun += 1
            yield self._task(candidate, features, number, self.folds[number])

    def _task(self, candidate, features, number, rows):
        model, features = self.fronts.place(candidate, features)
        return joblib.delayed(run_fold)(
            candidate.name,
            model,
            features,
            self.y,
            number,
            rows,
            self.scorers,
            self.metadata,
        )

    def _take(self, result, advance):
        self.deadline.n_begun += 1
        results = self.results[result.name]
        results.append(result)
        results.sort(key=lambda result: result.fold)
        advance(1)
        if len(results) == len(self.folds):
            advance.say(self._line(result.name, results))

    def _line(self, name, results):
        failed = [result.error for result in results if result.error is not None]
        mean = self.mean_score(name)
        shown = f"{mean:.3f} {next(iter(self.scorers))}"
        shown = shown + self._of_how_many if np.isfinite(mean) else "failed"
        note = f"; {len(failed)} folds failed: {failed[0]}" if failed else ""
        n_over = sum(len(r) == len(self.folds) for r in self.results.values())
        return f"{name:14} {shown}  ({n_over} of {len(self.results)}){note}"

    def _key(self, candidate, rows):
        """By which a result is kept: rows of a part are told as rows of all images."""
        return self.kept.key(candidate, [self._rows[side] for side in rows])

    def _front_of(self, candidate):
        return self.fronts.key(candidate.front)

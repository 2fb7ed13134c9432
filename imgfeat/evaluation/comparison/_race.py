"""The folds of all candidates, one after the other, until they or the time are over."""

import time
from itertools import groupby

import joblib
import numpy as np

from imgfeat._interrupts import noticing_interrupts
from imgfeat._progress import progress
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
        The first one decides who goes on when time is short.
    fronts : Fronts
    kept : KeptFolds
    metadata : dict of str to (ndarray or None), optional
        Groups and sample weights of all images.
    time_budget_s : float, optional
        No fold begins later, but for the very first. The folds are run one by one then,
        each by the better half of those that ran the one before (successive halving).
    n_jobs : int, optional
        Processes, as for joblib.
    resume : bool
        Take results that are kept.
    verbose : int
        A line for each candidate that is over.

    Attributes
    ----------
    results : dict of str to list of FoldResult
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
        self._n_begun = 0
        self._deadline = np.inf
        if time_budget_s is not None:
            self._deadline = time.monotonic() + time_budget_s

    def run(self):
        """Run all folds, or those that there is time for."""
        numbers = range(len(self.folds))
        rounds = [numbers] if self._deadline == np.inf else [[n] for n in numbers]
        running = self.candidates
        total = len(self.folds) * len(self.candidates)
        with (
            progress("compare", total, self.verbose) as advance,
            noticing_interrupts() as self._interrupts,
        ):
            for these in rounds:
                if these[0] > 0:
                    running = self._better_half(running)
                for _, group in groupby(running, key=self._front_of):
                    if self._is_late():
                        return
                    self._run_group(list(group), these, advance)

    def run_on(self, candidate, parts):
        """Run a candidate on other rows, as [(number, (train, test)), ...].

        Returns
        -------
        list of FoldResult
            One a part, in order; those that there was no time for are missing.
        """
        found, todo = [], []
        for number, rows in parts:
            key = self.kept.key(candidate, rows)
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
                if not self._is_late()
            )
            results = joblib.Parallel(self.n_jobs)(tasks)
            for result, (_, _, key) in zip(results, todo, strict=False):
                self.kept.keep(key, result)
                found.append(result)
        return sorted(found, key=lambda result: result.fold)

    def seconds_of_front(self, candidate):
        """What the features of an image take."""
        return self.fronts.seconds(candidate.front)

    def _run_group(self, group, numbers, advance):
        """Candidates that share their features."""
        todo = []
        for candidate in group:
            for number in numbers:
                key = self.kept.key(candidate, self.folds[number])
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
            if self._is_late():
                return
            text = f"{candidate.name}: fold {number + 1} of {len(self.folds)}"
            advance(0, description=text)
            self._n_begun += 1
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
        self._n_begun += 1
        results = self.results[result.name]
        results.append(result)
        results.sort(key=lambda result: result.fold)
        advance(1)
        if len(results) == len(self.folds):
            advance.say(self._line(result.name, results))

    def _line(self, name, results):
        failed = [result.error for result in results if result.error is not None]
        score = next(iter(self.scorers))
        values = [result.scores.get(score, np.nan) for result in results]
        values = [value for value in values if np.isfinite(value)]
        shown = f"{np.mean(values):.3f} {score}" if values else "failed"
        note = f"; {len(failed)} folds failed: {failed[0]}" if failed else ""
        n_over = sum(len(r) == len(self.folds) for r in self.results.values())
        return f"{name:14} {shown}  ({n_over} of {len(self.results)}){note}"

    def _better_half(self, running):
        """Those with the higher scores so far, in the order in which they run."""
        score = next(iter(self.scorers))

        def mean(candidate):
            values = [r.scores.get(score, np.nan) for r in self.results[candidate.name]]
            values = [value for value in values if np.isfinite(value)]
            return np.mean(values) if values else -np.inf

        ranked = sorted(running, key=mean, reverse=True)
        best = {candidate.name for candidate in ranked[: max(2, -(-len(ranked) // 2))]}
        return [candidate for candidate in running if candidate.name in best]

    def _front_of(self, candidate):
        return self.fronts.key(candidate.front)

    def _is_late(self):
        # One fold of one candidate is run in any case, as all that is less is nothing.
        return self._n_begun > 0 and time.monotonic() > self._deadline

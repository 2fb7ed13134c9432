"""Successive halving: all candidates on some images, the better half on more.

What a budget is spent on, cheapest and best first. Candidates run on a part of the
images, the better half of them on twice as many, and so on up to all images, where they
run fold by fold, still halved. If time is left then, or as soon as it is seen to be
enough, the others follow, the best of them first.
"""

from itertools import product

import numpy as np

from imgfeat._target import questions_of
from imgfeat.evaluation.comparison._stratified_order import stratified_order

_LEAST = 100  # images; the scores of fewer would be a draw of lots
_MOST = 0.75  # of the next rung; a larger one would spare next to nothing
_N_TRAIN = 4  # images (or groups) of a class that searches within folds take
_N_TEST = 1


def run_rungs(race):
    """Run a Race within its deadline, on parts of the images first.

    Parameters
    ----------
    race : Race
        On all images; those on fewer are in its ``parts`` afterwards.
    """
    running = race.candidates
    groups = race.metadata.get("groups")
    for rows in draw_rungs(race.y, race.folds, groups, len(running)):
        part = race.part(rows, _by_front(running, race))
        left_s = race.deadline.left_s()
        part.run()
        if race.deadline.has_passed():
            return
        running = _best_first(running, part)
        used_s = left_s - race.deadline.left_s()
        if used_s * len(race.y) / len(rows) <= race.deadline.left_s():
            break  # all of them on all images
        running = running[: half_of(len(running))]
    race.run(_rounds(race, running))


def draw_rungs(y, folds, groups, n_candidates):
    """Draw the images of each rung below the last, which is of all.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
    folds : list of (ndarray, ndarray)
        Rows to train on, rows to test on.
    groups : ndarray of shape (n_samples,) or None
        Images that share one are in a rung together.
    n_candidates : int

    Returns
    -------
    list of ndarray of int
        Sorted rows, fewest first, each within the next. As many as halve the candidates
        to two; about a half of the images, a quarter, and so on. Each holds every class
        in the shares of all, also in each test part, but never fewer images (or groups)
        of a class than the fold and a search within it need. None that is of fewer than
        100 images, or of most of the next.
    """
    units = np.arange(len(y)) if groups is None else groups
    _, first, unit_of = np.unique(units, return_index=True, return_inverse=True)
    order = stratified_order(first, _strata(y, folds))
    place = np.empty(len(order), dtype=int)
    place[unit_of[order]] = np.arange(len(order))
    place = place[unit_of]  # in the order, of the unit of each row
    n_until = np.cumsum(np.bincount(place))
    is_needed = np.isin(place, _needed(place, y, folds))
    rungs = [np.arange(len(y))]
    while half_of(n_candidates) < n_candidates:
        n_candidates = half_of(n_candidates)
        n_wanted = len(y) / 2 ** len(rungs)
        last = np.searchsorted(n_until, n_wanted)
        rows = np.flatnonzero((place <= last) | is_needed)
        if n_wanted < _LEAST or len(rows) > _MOST * len(rungs[0]):
            break
        rungs.insert(0, rows)
    return rungs[:-1]


def half_of(n_candidates):
    """How many go on: the half, rounded up, but two at least, if there are."""
    return min(n_candidates, max(2, -(-n_candidates // 2)))


def home_of(race, name):
    """The Race on the most images that has results of a candidate."""
    races = [race, *reversed(race.parts)]
    return next((one for one in races if one.results.get(name)), race)


def _rounds(race, running):
    """Candidates and folds of all images to run next, in view of what is over."""
    for number in range(len(race.folds)):
        left_s = race.deadline.left_s()
        yield _by_front(running, race), [number]
        running = _best_first(running, race)
        used_s = left_s - race.deadline.left_s()
        if used_s * (len(race.folds) - number - 1) <= race.deadline.left_s():
            break  # all of them on all folds
        running = running[: half_of(len(running))]
    yield _by_front(_furthest_first(race), race), range(len(race.folds))


def _best_first(candidates, race):
    return sorted(candidates, key=lambda c: race.mean_score(c.name), reverse=True)


def _by_front(candidates, race):
    """Those that share features one after the other, so that these are read once."""
    fronts = [race.fronts.key(candidate.front) for candidate in candidates]
    order = sorted(range(len(fronts)), key=lambda n: fronts.index(fronts[n]))
    return [candidates[n] for n in order]


def _furthest_first(race):
    """All candidates: those with the most folds and images first, the best of them."""

    def standing(candidate):
        home = home_of(race, candidate.name)
        n_folds = len(race.results[candidate.name])
        return n_folds, len(home.y), home.mean_score(candidate.name)

    return sorted(race.candidates, key=standing, reverse=True)


def _strata(y, folds):
    """Numbers for pairs of a class and the fold that tests it."""
    _, class_of = np.unique(y, return_inverse=True, axis=0)
    class_of = class_of.ravel()
    tested_in = np.zeros(len(y), dtype=int)
    for number, (_, test) in enumerate(folds, start=1):
        tested_in[test] = number
    return class_of * (len(folds) + 1) + tested_in


def _needed(place, y, folds):
    """Places of the first units of each class in each part of each fold."""
    found = []
    for class_of, fold in product(questions_of(y), folds):
        for rows, n_needed in zip(fold, (_N_TRAIN, _N_TEST), strict=True):
            pairs = np.column_stack([class_of[rows], place[rows]])
            pairs = np.unique(pairs, axis=0)  # sorted, too
            rank = np.arange(len(pairs)) - np.searchsorted(pairs[:, 0], pairs[:, 0])
            found.append(pairs[rank < n_needed, 1])
    return np.concatenate(found)

"""What a race has come to, as a `Comparison`."""

from dataclasses import replace

import numpy as np
import pandas as pd

from imgfeat._frames import make_frame
from imgfeat.evaluation.comparison._candidates import Candidate
from imgfeat.evaluation.comparison._comparison import Comparison
from imgfeat.evaluation.comparison._fold_answers import FoldAnswers, decide
from imgfeat.evaluation.comparison._rungs import home_of
from imgfeat.evaluation.comparison._soft_vote import find_soft_vote
from imgfeat.evaluation.comparison._verdict import judge
from imgfeat.evaluation.comparison._vote_model import make_vote
from imgfeat.evaluation.report._unlike_scores import are_unlike, on_most_images


def compared(race, target):
    """The Comparison that a Race has come to, over or not.

    Parameters
    ----------
    race : Race
    target : Target
        What it races for.

    Returns
    -------
    Comparison
    """
    names = list(race.scorers)
    rows, splits, errors, unfinished = {}, {}, [], []
    for candidate in race.candidates:
        home = home_of(race, candidate.name)
        results = home.results[candidate.name]
        rows[candidate.name] = _row(home, candidate, results)
        splits[candidate.name] = {
            f"split{result.fold}_test_{name}": result.scores.get(name, np.nan)
            for result in results
            for name in names
        }
        errors += [[r.name, r.fold, r.error] for r in results if r.error is not None]
        if len(race.results[candidate.name]) < len(race.folds):
            unfinished.append(candidate.name)
    can_vote = {
        name: shares
        for name, shares in _shares(race).items()
        if all(result.error is None for result in race.results[name])
    }
    vote = _find_vote(race, can_vote)
    columns = [
        f"split{fold}_test_{name}" for name in names for fold in range(len(race.folds))
    ]
    splits = pd.DataFrame.from_dict(splits, orient="index")
    splits = splits.reindex(index=list(rows), columns=columns)  # some ran no fold
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("candidate")
    if vote is not None:
        table.loc[vote.name] = _row_of_vote(race, vote, table)
        splits.loc[vote.name] = vote.scores.to_numpy().T.ravel()
    verdict = _judge(race, splits, table, names[0])
    table = table.sort_values(
        ["n_images", f"mean_test_{names[0]}"], ascending=False, na_position="last"
    )
    return Comparison(
        table=table.astype({"n_folds": int, "n_images": int}),
        cv_results_=splits.loc[table.index].rename_axis("candidate"),
        verdict=verdict,
        errors=make_frame(errors, columns=["candidate", "fold", "reason"]),
        unfinished=unfinished,
        _images=race.fronts.X,
        _target=target,
        _answers=_out_of_fold(race, target, vote),
        soft_vote=vote,
    )


def best_of(race, comparison):
    """The Candidate that a Comparison takes, which may be the vote of some."""
    vote = comparison.soft_vote
    if vote is None or vote.name != comparison.best:
        return next(c for c in race.candidates if c.name == comparison.best)
    stored = race.fronts.stored(vote.classifier)
    return Candidate(vote.name, vote.classifier, front=None, rest=stored)


def _find_vote(race, shares):
    alone = {name: [r.scores for r in race.results[name]] for name in shares}
    vote = find_soft_vote(shares, race.y, race.folds, race.scorers, alone)
    if vote is None:
        return None
    members = _members(race, vote)
    classifier = make_vote(members, race.fronts.key, is_several=race.y.ndim == 2)
    return replace(vote, classifier=classifier)


def _members(race, vote):
    by_name = {candidate.name: candidate for candidate in race.candidates}
    return [by_name[name] for name in vote.members]


def _row_of_vote(race, vote, table):
    """Its scores, and the times of all members, each distinct front once."""
    members = table.loc[list(vote.members)]
    seen, spared_s = set(), 0.0
    for member in _members(race, vote):
        key = race.fronts.key(member.front)
        spared_s += race.seconds_of_front(member) if key in seen else 0.0
        seen.add(key)
    n_train = np.mean([len(train) for train, _ in race.folds])
    row = {}
    for name, values in vote.scores.items():
        row[f"mean_test_{name}"] = values.mean()
        row[f"std_test_{name}"] = values.std(ddof=0)
    row["mean_fit_time"] = members["mean_fit_time"].sum() - n_train * spared_s
    image_s = (1 / members["predict_images_per_s"]).sum() - spared_s
    row["predict_images_per_s"] = 1 / image_s
    row["n_folds"] = len(vote.scores)
    row["n_images"] = len(race.y)
    return row


def _row(race, candidate, results):
    scored = [result for result in results if result.scores]
    row = {}
    for name in race.scorers:
        values = np.array([result.scores[name] for result in scored])
        values = values[np.isfinite(values)]
        row[f"mean_test_{name}"] = values.mean() if len(values) else np.nan
        row[f"std_test_{name}"] = values.std() if len(values) else np.nan
    row["mean_fit_time"] = row["predict_images_per_s"] = np.nan
    if scored:
        front_s = race.seconds_of_front(candidate)
        fit_s = [r.fit_s + front_s * len(race.folds[r.fold][0]) for r in scored]
        row["mean_fit_time"] = np.mean(fit_s)
        predict_s = np.median([result.predict_s for result in scored])
        row["predict_images_per_s"] = 1 / (predict_s + front_s)
    first = next(iter(race.scorers))
    row["n_folds"] = sum(np.isfinite(result.scores[first]) for result in scored)
    row["n_images"] = len(race.y) if row["n_folds"] else 0
    return row


def _judge(race, splits, table, score):
    """The verdict among those that are scored on the most images."""
    scores = splits[[name for name in splits if name.endswith(f"_test_{score}")]]
    n_most = table["n_images"].max()
    folds = next((r.folds for r in race.parts if len(r.y) == n_most), race.folds)
    return judge(
        scores[on_most_images(table)].reindex(scores.index),
        n_train=np.mean([len(train) for train, _ in folds]),
        n_test=np.mean([len(test) for _, test in folds]),
        seconds=1 / table["predict_images_per_s"],
        by=score,
        on=_of_how_many(table, len(race.y)),
    )


def _of_how_many(table, n_all):
    """Of which images the verdict is, in words, if that is not plain."""
    n_most = int(table["n_images"].max())
    if n_most < n_all:
        return f"on {n_most:,} of {n_all:,} images"
    return "on all images" if are_unlike(table) else ""


def _shares(race):
    """Probabilities on each fold, of those that have them on all."""
    found = {}
    for name, results in race.results.items():
        shares = [result.probabilities for result in results]
        if len(results) == len(race.folds) and all(s is not None for s in shares):
            found[name] = shares
    return found


def _out_of_fold(race, target, vote):
    """FoldAnswers by name, of those that have probabilities on all folds."""
    found = {}
    for name, shares in _shares(race).items():
        results = race.results[name]
        unknown = next((r.unknown for r in results if r.unknown is not None), None)
        decided = [result.decided for result in results]
        found[name] = _whole(race, target, shares, decided, unknown)
    if vote is not None:
        decided = [decide(part, target.is_several) for part in vote.probabilities]
        found[vote.name] = _whole(race, target, vote.probabilities, decided)
    return found


def _whole(race, target, shares, decided, unknown=None):
    """What is said on each fold, as FoldAnswers of all images."""
    n_images, n_classes = len(race.y), len(target.classes)
    probabilities = np.full((n_images, n_classes), np.nan, dtype=np.float32)
    of_all = np.zeros((n_images, *decided[0].shape[1:]), dtype=decided[0].dtype)
    for (_, test), share, said in zip(race.folds, shares, decided, strict=True):
        probabilities[test], of_all[test] = share, said
    return FoldAnswers(probabilities, of_all, unknown)

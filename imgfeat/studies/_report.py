"""The report of a study: what came of the folds, and of the held-out images."""

import numpy as np
import pandas as pd

from imgfeat._frames import make_series
from imgfeat.evaluation.comparison._shared_mistakes import (
    shared_mistakes,
    shared_mistakes_of_several,
)
from imgfeat.evaluation.comparison._soft_vote import without_vote
from imgfeat.evaluation.explanation._explained_thumbnails import explain_thumbnails
from imgfeat.evaluation.report._comparison_page import render_comparison
from imgfeat.studies._kept_looks import keep_pictures

N_PICTURES = 24  # mistakes of a candidate


def write_report(
    path, comparison, evaluations, images, train, test, *, looked_at=None, **texts
):
    """Write the page of a study.

    Parameters
    ----------
    path : Path
    comparison : Comparison
        On the images of `train`.
    evaluations : dict of {str: Evaluation}
        Of the candidates that ran on all folds, on the images of `test`.
    images : ndarray
    train, test : ndarray of int
        Rows of `images`.
    looked_at : dict of {str: dict of {int: str}}, optional
        As for `render_comparison`.
    **texts
        Its ``title``, ``facts`` and ``about``.
    """
    ranked = [name for name in comparison.table.index if name in evaluations]
    render_comparison(
        path,
        comparison=comparison,
        evaluations={name: evaluations[name] for name in ranked},
        rows=test,
        evaluated_on=("held out", "held-out images"),
        shared=_shared(comparison, evaluations, train, test),
        images=images,
        n_pictures=N_PICTURES,
        looked_at=looked_at,
        **texts,
    )


def write_unfinished(path, comparison, title, about):
    """Write the page of a comparison that was interrupted, if a fold of it was over."""
    if comparison.table["n_folds"].any():
        comparison.save_html(path, title=f"{title}, interrupted", about=about)


def looks_at_mistakes(pipeline, evaluation, images, test, n_jobs=None):
    """Draw what a fitted pipeline looked at in the mistakes that the page shows.

    What an earlier study has drawn of them is taken from the feature store.

    Parameters
    ----------
    pipeline : fitted classifier
    evaluation : Evaluation
        Of it, on the images of `test`.
    images : ndarray
    test : ndarray of int
    n_jobs : int, optional
        Threads.

    Returns
    -------
    dict of {int: str}
        By row of `images`; empty where only occlusion would tell, which takes long.
    """
    rows = test[evaluation.top_mistakes(N_PICTURES).index]
    if not len(rows):
        return {}
    pictures = keep_pictures(
        pipeline,
        images[rows],
        lambda: explain_thumbnails(pipeline, images[rows], n_jobs=n_jobs),
    )
    return {int(r): p for r, p in zip(rows, pictures, strict=True) if p is not None}


def _shared(comparison, evaluations, train, test):
    """What all get wrong, on the folds or held out; rows are those of all images."""
    on_folds = comparison.shared_mistakes()
    on_folds.index = train[on_folds.index]
    alone = without_vote(evaluations, comparison.soft_vote)
    found = [evaluation.predictions for evaluation in alone.values()]
    held_out = _all_wrong(list(alone.values()), found)
    images = found[0]["image"].to_numpy()[held_out.index]
    held_out.insert(0, "image", make_series(images, index=held_out.index))
    held_out.index = test[held_out.index]
    parts = [table for table in (on_folds, held_out) if len(table)]
    both = pd.concat(parts) if parts else on_folds
    return both.sort_values("probability", ascending=False, kind="stable")


def _all_wrong(evaluations, found):
    """Held-out images that all get wrong, by their place among these."""
    if evaluations[0].is_multi_label:
        outcomes = [evaluation._outcome for evaluation in evaluations]
        guesses = np.stack([outcome.predicted for outcome in outcomes])
        first = outcomes[0]
        return shared_mistakes_of_several(first.true, guesses, first.names)
    return shared_mistakes(
        found[0]["true"].to_numpy(),
        np.stack([table["predicted"] for table in found]),
        np.stack([table["probability"] for table in found]).astype(float),
    )

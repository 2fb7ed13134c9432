"""Comparisons that nobody has run, to have pages of every kind at once."""

import numpy as np
import pandas as pd
from PIL import Image

from imgfeat._target import Target
from imgfeat.evaluation import Comparison
from imgfeat.evaluation.comparison._fold_answers import FoldAnswers, decide
from imgfeat.evaluation.comparison._verdict import judge

NASTY = "<script>alert(1)</script>\"'&\n\u202etxt\u05d0"
SCORES = ("accuracy", "precision_macro", "recall_macro", "f1_macro")


def made_up(
    images,
    classes,
    candidates=("slow", "fast", "poor"),
    *,
    right=(0.9, 0.88, 0.6),
    all_wrong=(),
    with_probabilities=True,
    errors=(),
    unfinished=(),
):
    """A Comparison by 5 folds, of image n in class n modulo their number.

    Parameters
    ----------
    images : images
    classes : sequence of str, in order
    candidates : sequence of str
    right : sequence of float
        Share of right predictions of each candidate.
    all_wrong : sequence of int
        Rows that every candidate takes for the next class.
    with_probabilities : bool
    errors : sequence of (candidate, fold, reason)
    unfinished : sequence of str
    """
    rng = np.random.default_rng(0)
    n_images, n_classes = len(images), len(classes)
    code = np.arange(n_images) % n_classes
    found, rows, splits = {}, {}, {}
    for number, (name, share) in enumerate(zip(candidates, right, strict=False)):
        is_wrong = rng.random(n_images) >= share
        is_wrong[list(all_wrong)] = True
        said = (code + is_wrong) % n_classes
        probabilities = rng.random((n_images, n_classes)) * 0.5 / n_classes
        probabilities[np.arange(n_images), said] += 1 + rng.random(n_images)
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        found[name] = probabilities.astype(np.float32)
        failed = {fold for who, fold, _ in errors if who == name}
        scores = [
            np.nan if f in failed else 1 - is_wrong[f::5].mean() for f in range(5)
        ]
        rows[name] = {}
        for score in SCORES:
            rows[name][f"mean_test_{score}"] = pd.Series(scores).mean()
            rows[name][f"std_test_{score}"] = pd.Series(scores).std(ddof=0)
        rows[name]["mean_fit_time"] = 1.0 + number
        rows[name]["predict_images_per_s"] = 20.0 * 3**number
        rows[name]["n_folds"] = 5 - len(failed)
        rows[name]["n_images"] = n_images
        splits[name] = {
            f"split{fold}_test_accuracy": value for fold, value in enumerate(scores)
        }
    table = pd.DataFrame.from_dict(rows, orient="index")
    table = table.sort_values("mean_test_accuracy", ascending=False)
    splits = pd.DataFrame.from_dict(splits, orient="index")
    # As they decide, in the order of sorted classes, which is not that of `classes`.
    target = Target.of(np.asarray(classes, dtype=object)[code], "compare")
    answers = {
        name: FoldAnswers(shares, decide(shares, is_several=False))
        for name, shares in found.items()
    }
    return Comparison(
        table=table,
        cv_results_=splits.loc[table.index],
        verdict=judge(
            splits,
            n_train=0.8 * n_images,
            n_test=0.2 * n_images,
            seconds=1 / table["predict_images_per_s"],
        ),
        errors=pd.DataFrame(list(errors), columns=["candidate", "fold", "reason"]),
        unfinished=list(unfinished),
        _images=images,
        _target=target,
        _answers={name: one for name, one in answers.items() if with_probabilities},
    )


def write_pictures(folder, n_images):
    """Small photos of noise, which JPEG cannot make smaller; return their paths."""
    rng = np.random.default_rng(0)
    paths = []
    for number in range(n_images):
        pixels = rng.integers(256, size=(48, 64, 3), dtype=np.uint8)
        path = folder / f"photo {number}.png"
        Image.fromarray(pixels).save(path)
        paths.append(str(path))
    return paths

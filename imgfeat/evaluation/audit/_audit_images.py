"""One audit of images and labels: every check that there is, each image read once."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from imgfeat._clear_labels import refuse_unclear
from imgfeat._frames import make_series
from imgfeat._on_arrays import on_arrays
from imgfeat._optional import has_module
from imgfeat._stateless import split_stateless
from imgfeat._target import Target, is_several
from imgfeat._typing import ArrayLike, ImageBatch
from imgfeat.estimators import make_recipe
from imgfeat.evaluation.audit._audit_result import Audit
from imgfeat.evaluation.audit._duplicates import duplicate_issues, find_duplicates
from imgfeat.evaluation.audit._each_label_errors import issues_of_labels
from imgfeat.evaluation.audit._findings import make_findings, sort_findings
from imgfeat.evaluation.audit._label_errors import label_issues
from imgfeat.evaluation.audit._label_texts import NO_LABEL, LabelTexts
from imgfeat.evaluation.audit._looks import look_at
from imgfeat.evaluation.audit._out_of_fold import labels_out_of_fold, out_of_fold
from imgfeat.evaluation.audit._outliers import MIN_IMAGES, outlier_issues
from imgfeat.evaluation.audit._quality import quality_issues
from imgfeat.features import CachedFeatures

_SEES_AS = "cnn-ridge"  # its features are kept, so that `compare` finds them


def audit_images(
    images: ImageBatch,
    y: ArrayLike | None = None,
    *,
    split: ArrayLike | None = None,
    probabilities: np.ndarray | None = None,
    embeddings: np.ndarray | str | None = "auto",
    label_separator: str | None = None,
    n_jobs: int | None = None,
    verbose: int = 0,
    random_state: int = 0,
) -> Audit:
    """Find bad files, copies, wrong labels and what does not belong.

    Nothing is changed or left out: every finding names the row of its image, and a
    person decides. What cannot be read is a finding, not an error.

    Parameters
    ----------
    images : images
        Any batch that the library takes.
    y : array-like of shape (n_images,), or (n_images, n_classes), optional
        Labels, for what is wrong with them; or several an image: a matrix or table of
        0 and 1, or a list of names for each image.
    split : array-like of str of shape (n_images,), optional
        Name of the split of each image, such as ``"train"``, for copies in two splits;
        None where there is none.
    probabilities : ndarray of shape (n_images, n_classes), optional
        Of models that have not seen the image, as ``cross_val_predict`` gives them; a
        column a class, in sorted order, or that of the columns of y; NaN where there
        are none. Without, logistic regression on the embeddings is cross-validated,
        copies in one fold; of several labels one for each.
    embeddings : ndarray of shape (n_images, n_features), "auto" or None
        What tells likeness. "auto" is `CNNEmbedding`, kept by `CachedFeatures`; NaN is
        for images without one; with None, what needs them is left out.
    label_separator : str, optional
        What stands between the names of several labels, in findings and in a corrected
        table; by default ``";"``, or another sign that no label has.
    n_jobs : int, optional
        Threads; None is 1, -1 is all cores.
    verbose : int, default=0
        Whether to show progress.
    random_state : int, default=0
        Shuffles the folds.

    Returns
    -------
    Audit

    Raises
    ------
    ValueError
        If `images` is no batch of images, a label is missing, labels are of several
        kinds, lengths or numbers of classes differ, there are `probabilities` but no
        labels, or a label of several cannot be told in a table.

    See Also
    --------
    duplicate_groups : For ``groups=`` of a splitter that keeps copies in one fold.

    Notes
    -----
    The search for wrong labels needs the extra ``imgfeat[audit]``; without it, the rest
    is done. What was left out and why stands in `Audit.notes`.

    Near duplicates are found if they were resized, recompressed, retouched, mirrored,
    turned by quarters, or cropped by a tenth of a side; most are if by a sixth. Blur by
    motion, and copies turned by other angles or cropped by more, are mostly not found.

    Examples
    --------
    >>> import numpy as np
    >>> from imgfeat import audit_images
    >>> photos = np.random.default_rng(0).integers(0, 256, (9, 32, 32), dtype=np.uint8)
    >>> photos[3] = photos[1]
    >>> photos[5] = 0
    >>> audit = audit_images(photos, embeddings=None)
    >>> audit.issues[["row", "kind"]].to_numpy().tolist()
    [[5, 'one color'], [1, 'exact duplicate'], [3, 'exact duplicate']]
    >>> list(audit.corrected().index)
    [0, 1, 2, 4, 5, 6, 7, 8]
    """
    labels, several = _labels(y, len(images), label_separator)
    split = _checked(split, len(images), "split", may_miss=True)
    given = labels if several is None else several
    _check_shapes(embeddings, probabilities, given, len(images))
    looks = look_at(images, n_jobs=n_jobs, verbose=verbose)
    notes = []
    vectors = _vectors(embeddings, images, looks, n_jobs, verbose, notes)
    pairs = find_duplicates(looks, vectors, n_jobs=n_jobs)
    paths = looks.table["path"]
    texts = None if labels is None else _texts(labels)
    no_label = "" if several is None else NO_LABEL
    copies = duplicate_issues(pairs, texts, split, paths, no_label=no_label)
    found = [quality_issues(looks), copies]
    if labels is not None:
        how = {"random_state": random_state, "n_jobs": n_jobs, "verbose": verbose}
        groups = _groups(copies, len(looks))
        judge = _wrong_labels if several is None else _wrong_of_several
        found += judge(given, probabilities, vectors, groups, how, notes)
    if vectors is not None:
        found.append(_outliers(vectors, texts, notes))
    return Audit(
        _in_one_table(found, paths, texts),
        _images_table(looks, labels, split),
        tuple(notes),
        images,
        None if several is None else several.texts,
    )


@dataclass(frozen=True)
class _Several:
    """Several labels an image, in numbers, and how they are written."""

    values: np.ndarray
    texts: LabelTexts


def _labels(y, n_images, separator):
    """A label an image, as it is or as the text of several, and several in numbers."""
    if y is None or not is_several(y):
        if separator is not None:
            raise ValueError(
                "label_separator needs several labels an image. Got "
                f"{'none' if y is None else 'one'} an image; leave it out."
            )
        labels = _checked(y, n_images, "y")
        if labels is not None:
            refuse_unclear(labels, "audit_images")
        return labels, None
    target = Target.of(y, "audit_images")
    if len(target) != n_images:
        raise ValueError(
            f"y needs a row of labels for each of the {n_images} images. Got "
            f"{len(target)}."
        )
    texts = LabelTexts.of(y, target, separator)
    labels = np.array([*texts.of_rows(target.values), None], dtype=object)[:-1]
    return labels, _Several(target.values, texts)


def _checked(values, n_images, name, *, may_miss=False):
    """Values an image as an array of objects; "" for those that may be missing."""
    if values is None:
        return None
    values = np.asarray(values).astype(object)
    if values.shape != (n_images,):
        raise ValueError(
            f"{name} needs a value for each of the {n_images} images. Got the shape "
            f"{values.shape}."
        )
    values[pd.isna(values)] = ""  # NA cannot be compared
    missing = np.flatnonzero(values == "")
    if not may_miss and len(missing):
        raise ValueError(
            f"{name} needs a value for each image. Got {len(missing)} without, the "
            f"first in row {missing[0]}; leave these images out, or {name}."
        )
    return values


def _check_shapes(embeddings, probabilities, labels, n_images):
    """Refuse what is of other images, or other classes, before any is read."""
    if isinstance(embeddings, str):
        if embeddings != "auto":
            raise ValueError(
                f"embeddings must be an array, 'auto' or None. Got {embeddings!r}."
            )
    elif embeddings is not None:
        shape = np.shape(embeddings)
        if len(shape) != 2 or shape[0] != n_images:
            raise ValueError(
                f"embeddings needs a row for each of the {n_images} images. Got the "
                f"shape {shape}."
            )
    if probabilities is None:
        return
    if labels is None:
        raise ValueError("probabilities needs y, the labels to be judged. Got none.")
    is_several = isinstance(labels, _Several)
    wanted = labels.values.shape if is_several else (n_images, len(pd.unique(labels)))
    if np.shape(probabilities) != wanted:
        raise ValueError(
            f"probabilities needs a row an image and a column a class, of shape "
            f"{wanted}. Got {np.shape(probabilities)}."
        )


def _vectors(embeddings, images, looks, n_jobs, verbose, notes):
    """An embedding a row, NaN for what cannot be read; None without."""
    if embeddings is None:
        notes.append(
            "Without embeddings, outliers were not looked for, and fewer near "
            "duplicates are found."
        )
        return None
    if not isinstance(embeddings, str):
        return np.asarray(embeddings)
    if not looks.is_read.any():
        notes.append("No image can be read, so only files were looked at.")
        return None
    front, _ = split_stateless(make_recipe(_SEES_AS))
    kept = CachedFeatures(front, on_error="nan", n_jobs=n_jobs, verbose=verbose)
    return on_arrays(kept).fit_transform(images)


def _groups(copies, n_images):
    """A number an image, which copies share; None if there are no copies."""
    if copies.empty:
        return None
    groups = np.arange(n_images) + n_images
    groups[copies["row"]] = copies["group"]
    return groups


def _wrong_labels(labels, probabilities, vectors, groups, how, notes):
    """Findings in a list, which is empty where they cannot be looked for."""
    classes = pd.unique(labels)
    if not _can_judge(classes, probabilities, vectors, notes):
        return []
    if probabilities is not None:
        return [label_issues(labels, probabilities, sorted(classes))]
    judged = out_of_fold(vectors, labels, groups=groups, **how)
    notes += judged.notes
    return [label_issues(labels, judged.probabilities, judged.classes)]


def _wrong_of_several(several, probabilities, vectors, groups, how, notes):
    """As `_wrong_labels`, of several labels an image."""
    values, names = several.values, several.texts.names
    if not _can_judge(names, probabilities, vectors, notes):
        return []
    if probabilities is None:
        found, of_labels = labels_out_of_fold(
            vectors, values, names, groups=groups, **how
        )
        notes += of_labels
    else:
        found = np.asarray(probabilities, dtype=np.float64)
    return [issues_of_labels(values, found, several.texts)]


def _can_judge(classes, probabilities, vectors, notes):
    """Whether wrong labels can be looked for; a note says why not."""
    why_not = None
    if probabilities is None and vectors is None:
        why_not = "there are neither embeddings nor probabilities."
    elif len(classes) < 2:
        why_not = "all images have one label."
    elif not has_module("cleanlab"):
        why_not = "this needs the package 'cleanlab'. Run: pip install 'imgfeat[audit]'"
    if why_not is not None:
        notes.append(f"Wrong labels were not looked for: {why_not}")
    return why_not is None


def _outliers(vectors, labels, notes):
    n_usable = int(np.isfinite(vectors).all(axis=1).sum())
    if n_usable < MIN_IMAGES:
        notes.append(
            f"Outliers were not looked for: {n_usable} images are too few to tell what "
            f"is usual, {MIN_IMAGES} are needed."
        )
    return outlier_issues(vectors, labels)


def _in_one_table(found, paths, labels):
    """All findings, each with path and label as text."""
    found = [table for table in found if len(table)]
    if not found:
        return make_findings([])
    issues = pd.concat(found, ignore_index=True)
    rows = issues["row"].to_numpy(dtype=int)
    issues["path"] = make_series(paths.to_numpy()[rows], index=issues.index)
    issues["label"] = "" if labels is None else labels[rows]
    issues["suggested"] = _texts(issues["suggested"])
    return sort_findings(issues)


def _images_table(looks, labels, split):
    table = looks.table.drop(columns="place")
    given = {"label": labels, "split": split}
    for place, (name, values) in enumerate(given.items(), start=1):
        if values is not None:
            values = make_series(values, index=table.index)
            table.insert(min(place, 1 + ("label" in table)), name, values)
    codes, _ = pd.factorize(looks.digests)
    return table.assign(content=np.where(looks.digests == "", -1, codes))


def _texts(values):
    return np.array([str(value) for value in values], dtype=object)

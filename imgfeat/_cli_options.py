"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

import imgfeat
from imgfeat._printing import print_note

Folder = Annotated[
    Path,
    typer.Argument(
        metavar="DIR|CSV",
        help="A folder with one sub-folder a class, or a CSV with columns path, label.",
    ),
]
Model = Annotated[Path, typer.Argument(help="A file that train or compare wrote.")]
Paths = Annotated[list[str], typer.Argument(help="Image files, or folders of them.")]
Jobs = Annotated[int, typer.Option("--jobs", "-j", help="Threads; -1: every core.")]
Size = Annotated[int, typer.Option(help="Pixels, for hand-made features such as HOG.")]
Seed = Annotated[int, typer.Option(help="Seed of splits and classifiers.")]
Location = Annotated[
    Path | None, typer.Option(help="Folder of the cache, if it is not the default.")
]
Split = Annotated[
    str | None, typer.Option(help="Of a folder with splits: train, val or test.")
]
PathColumn = Annotated[str, typer.Option(help="Column of a CSV with the image files.")]
LabelColumn = Annotated[str, typer.Option(help="Column of a CSV with the classes.")]
LabelColumns = Annotated[
    list[str] | None,
    typer.Option(
        "--label-columns",
        help="Of a CSV where an image may have several labels: a column of 0 and 1. "
        "Repeat it for each label.",
    ),
]
LabelSeparator = Annotated[
    str | None,
    typer.Option(help="What stands between several labels in --label-column, as ';'."),
]
TuneThresholds = Annotated[
    bool,
    typer.Option(
        "--tune-thresholds",
        help="Of several labels an image: give each label from its probability of "
        "highest F1, chosen on images held out, not from one half.",
    ),
]
Skip = Annotated[
    bool,
    typer.Option(
        "--skip-unreadable", help="Leave out files that cannot be read, and list them."
    ),
]


def look_over(data, skip_unreadable, jobs):
    """Say what is to be known of the images; leave the unreadable out if asked."""
    for note in data.notes:
        print_note(note)
    if not skip_unreadable:
        return data
    bad = imgfeat.sources.list_unreadable(data.images, n_jobs=jobs, verbose=1)
    for path, reason in zip(bad["path"], bad["reason"], strict=True):
        print_note(f"left out {path}: {reason}")
    left_out, n_images = set(bad["row"]), len(data.images)
    if len(left_out) == n_images:
        raise ValueError(
            f"Images that can be read are needed. Got {n_images}, and none that can; "
            "name another folder or table."
        )
    return data.take([row for row in range(n_images) if row not in left_out])

"""``imgfeat explain``: pictures of what a saved model looked at."""

from pathlib import Path
from typing import Annotated

import typer

import imgfeat
from imgfeat import deploy
from imgfeat._cli_options import Jobs
from imgfeat._files import unique_stems
from imgfeat._plain_errors import plain_errors
from imgfeat._printing import err, out, print_note
from imgfeat._rows import check_can_fill

_BATCH = 64  # images whose maps are in memory


def explain(
    model: Annotated[Path, typer.Argument(help="A file that train or compare wrote.")],
    paths: Annotated[
        list[str], typer.Argument(help="Image files, or folders of them.")
    ],
    to: Annotated[
        Path, typer.Option("--out", help="Folder for a picture of each image.")
    ],
    target: Annotated[
        str | None, typer.Option(help="The class to explain, not the predicted one.")
    ] = None,
    jobs: Jobs = -1,
):
    """Draw what a saved model looked at: orange speaks for the class, blue against."""
    with plain_errors():
        loaded = imgfeat.load(model)
        check_can_fill(to)
        files, notes = deploy.expand_paths(paths)
        for note in notes:
            print_note(note)
        bad = imgfeat.sources.list_unreadable(files, n_jobs=jobs)
        for path, reason in zip(bad["path"], bad["reason"], strict=True):
            err.print(f"{path}: {reason}")
        readable = [files[row] for row in sorted({*range(len(files))} - {*bad["row"]})]
        names = unique_stems(readable)
        label = None if target is None else _label_of(loaded, target)
        for start in range(0, len(readable), _BATCH):
            some = slice(start, start + _BATCH)
            found = imgfeat.explain(
                loaded, readable[some], target=label, n_jobs=jobs, verbose=1
            )
            pictures = found.save_png(to, names[some])
            if start == 0:
                print_note(f"Method: {found.method}")
            for row, picture in enumerate(pictures):
                line = f"{picture}: {found.targets[row]} {found.decisions[row]:+.2f}"
                out.print(line)
    if len(bad):
        err.print(f"{len(bad)} of {len(files)} files could not be read.")
        raise typer.Exit(1)


def _label_of(model, text):
    """The class that a text names; what is none is refused by `explain`."""
    known = getattr(model, "classes_", ())  # of what has none, `explain` says so
    return next((label for label in known if str(label) == text), text)

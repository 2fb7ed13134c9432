"""``imgfeat similar``: the images of a folder that are most like others."""

from pathlib import Path
from typing import Annotated

import typer

import imgfeat
from imgfeat._cli_options import Jobs, Skip
from imgfeat._plain_errors import plain_errors
from imgfeat._printing import print_note
from imgfeat._rows import Format, check_can_write, row_writer

COLUMNS = ["query", "path", "similarity"]


def similar(
    model: Annotated[Path, typer.Argument(help="A file that train or compare wrote.")],
    gallery: Annotated[
        Path, typer.Argument(metavar="DIR", help="Images to look among, at any depth.")
    ],
    queries: Annotated[
        list[str],
        typer.Argument(metavar="QUERY...", help="Images to look for, or folders."),
    ],
    n: Annotated[
        int, typer.Option("--number", "-n", min=1, help="How many to find for each.")
    ] = 5,
    format: Annotated[Format, typer.Option(help="How to write.")] = Format.csv,
    to: Annotated[
        Path | None,
        typer.Option("--out", help="File to write, whole or not at all."),
    ] = None,
    raw: Annotated[
        bool,
        typer.Option("--raw", help="Leave cells of CSV as they are, as in predict."),
    ] = False,
    skip_unreadable: Skip = False,
    jobs: Jobs = -1,
):
    """Find the images of a folder that are most like others, to the model's features.

    Writes a row each of query, path and similarity, the cosine of the features. These
    are kept, as compare and train keep them, so that another search reads no image
    again; see: imgfeat cache.
    """
    with plain_errors(can_skip=True):
        if to is not None:
            check_can_write(to)
        images = _files([gallery], "image to look among")
        wanted = _files(queries, "image to look for")
        index = imgfeat.evaluation.SimilarImages(
            imgfeat.load(model),
            on_error="skip" if skip_unreadable else "raise",
            cache=True,
            n_jobs=jobs,
            verbose=1,
        )
        index.fit(images)
        _note(index.errors_)
        if skip_unreadable:
            bad = imgfeat.sources.list_unreadable(wanted, n_jobs=jobs)
            _note(bad)
            wanted = [path for path in wanted if path not in set(bad["path"])]
        found = index.search(wanted, n)
        with row_writer(format, to, raw=raw, columns=COLUMNS) as write:
            for row in found.to_dict("records"):
                write(row | {"query": wanted[row["query"]]})


def _note(errors):
    for path, reason in zip(errors["path"], errors["reason"], strict=True):
        print_note(f"left out {path}: {reason}")


def _files(paths, what):
    files, notes = imgfeat.deploy.expand_paths(paths)
    for note in notes:
        print_note(note)
    for path in files:
        if Path(path).is_dir():
            raise ValueError(f"There is no {what} in {path}.")
    return files

"""``imgfeat suggest``: what to label next."""

import math
import os
import warnings
from pathlib import Path
from typing import Annotated

import typer

import imgfeat
from imgfeat import deploy
from imgfeat._cli_options import Jobs, Model, Paths
from imgfeat._plain_errors import plain_errors
from imgfeat._printing import err, out, print_note
from imgfeat._rows import Format, check_can_write, plain_cell, row_writer
from imgfeat.sources._url import is_url

COLUMNS = ["path", "label", "predicted", "probability"]


def suggest(
    model: Model,
    paths: Paths,
    to: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="CSV to write, whole or not at all; standard output if not given.",
        ),
    ] = None,
    n: Annotated[int, typer.Option("-n", min=1, help="How many images.")] = 50,
    jobs: Jobs = -1,
    seed: Annotated[int, typer.Option(help="Seed of the clusters.")] = 0,
):
    """Name the unlabelled images most worth a label; fill in its column, and train.

    Paths in the CSV start from its folder, as train, compare and evaluate read it; from
    the current one where it goes to standard output.
    """
    with plain_errors():
        if to is not None:
            check_can_write(to)
        loaded = imgfeat.load(model)
        files, notes = deploy.expand_paths(paths)
        files, unwritable = _that_a_csv_can_name(files)
        for note in [*notes, *unwritable]:
            print_note(note)
        warnings.filterwarnings("always", ".*(images are suggested|no probabilities)")
        # Each of them has a line of its own.
        warnings.filterwarnings("ignore", ".* cannot be read and are left out")
        found = imgfeat.evaluation.suggest(
            loaded, files, n, random_state=seed, n_jobs=jobs, verbose=1
        )
        errors = found.attrs["errors"]
        for error in errors:
            print_note(f"left out {error['path']}: {error['reason']}")
        folder = os.path.realpath(os.curdir if to is None else to.parent)
        with row_writer(Format.csv, to, columns=COLUMNS) as write:
            for row in found.to_dict("records"):
                write(_as_written(row, folder))
        if to is not None:
            out.print(f"{to}: {len(found)} images to label, the least sure first")
    if errors or unwritable:
        n_bad = len(errors) + len(unwritable)
        err.print(f"{n_bad} files could not be judged.")
        raise typer.Exit(1)


def _as_written(row, folder):
    share = row["probability"]
    return {
        "path": _path_from(folder, row["path"]),
        "predicted": row["label"],
        "probability": None if math.isnan(share) else share,
    }


def _path_from(folder, path):
    """A path as `load_image_table` finds it from the folder of the CSV; or a URL."""
    if is_url(path):
        return path
    place, name = os.path.split(path)
    whole = os.path.join(os.path.realpath(place), name)
    try:
        found = os.path.relpath(whole, folder)
    except ValueError:  # another drive
        return whole
    # Such a name would get a quote in front, or lose its blanks.
    is_plain = plain_cell(found) == found and found == found.lstrip()
    return found if is_plain else os.path.join(os.curdir, found)


def _that_a_csv_can_name(files):
    """Files whose names are text, and a line on each of the others."""
    good, notes = [], []
    for file in files:
        try:
            file.encode()
            good.append(file)
        except UnicodeEncodeError:
            notes.append(f"left out {file!r}: its name is no text; rename it")
    return good, notes

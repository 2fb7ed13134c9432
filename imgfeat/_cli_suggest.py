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
from imgfeat._rows import check_can_write, plain_cell, write_table
from imgfeat.sources._url import is_url

COLUMNS = ["path", "label", "predicted", "probability"]


def suggest(
    model: Model,
    paths: Paths,
    to: Annotated[
        Path, typer.Option("--out", help="CSV to write, whole or not at all.")
    ],
    n: Annotated[int, typer.Option("-n", min=1, help="How many images.")] = 50,
    jobs: Jobs = -1,
    seed: Annotated[int, typer.Option(help="Seed of the clusters.")] = 0,
):
    """Name the unlabelled images most worth a label; fill in its column, and train.

    Paths in the CSV start from its folder, as train, compare and evaluate read it.
    """
    with plain_errors():
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
        write_table(to, COLUMNS, _rows(found, to))
        out.print(
            f"{to}: {len(found)} images to label, the least sure first",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
    if errors or unwritable:
        n_bad = len(errors) + len(unwritable)
        err.print(f"{n_bad} files could not be judged.")
        raise typer.Exit(1)


def _rows(found, to):
    folder = os.path.realpath(to.parent)
    for path, label, share in zip(
        found["path"], found["label"], found["probability"], strict=True
    ):
        shown = "" if math.isnan(share) else f"{share:.6f}"
        yield [_path_from(folder, path), "", label, shown]


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

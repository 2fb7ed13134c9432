"""The command predict."""

import codecs
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from imgfeat import deploy
from imgfeat._cli_datasets import (
    EngineOption,
    Gpus,
    MaxErrors,
    PartRows,
    RetryFailed,
    Workers,
    end,
    listed,
    options_of,
    saying_what_is_kept,
)
from imgfeat._cli_options import Jobs, Model
from imgfeat._plain_errors import plain_errors
from imgfeat._printing import err, print_note
from imgfeat._rows import Format, check_can_write, row_writer

Files = Annotated[
    list[str],
    typer.Argument(
        help="Image files, or folders of them; - reads their names from standard "
        "input, one a line.",
    ),
]


def predict(
    model: Model,
    paths: Files,
    format: Annotated[
        Format | None,
        typer.Option(help="How to write; as --out ends, or csv.", show_default=False),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            metavar="FILE|DIR/",
            help="File to write, whole or not at all; or a folder for any number of "
            "images, of one source: a folder, a pattern in quotes, a CSV or Parquet "
            "file with a column path, or tar shards; here, or at a URL.",
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with what an ended run kept for the same --out.",
        ),
    ] = False,
    top_k: Annotated[
        int, typer.Option("--top-k", help="Labels an image, the most probable first.")
    ] = 1,
    threshold: Annotated[
        float | None,
        typer.Option(help="Leave the label empty where it is less probable."),
    ] = None,
    raw: Annotated[
        bool,
        typer.Option(
            "--raw",
            help="Leave cells of CSV as they are. Otherwise those that a spreadsheet "
            "would take for a formula, as they begin with = + - @ or a tab and are no "
            "number, get a quote (') in front: take it away to have the name.",
        ),
    ] = False,
    retry_failed: RetryFailed = False,
    max_errors: MaxErrors = None,
    engine: EngineOption = None,
    workers: Workers = None,
    gpus: Gpus = None,
    part_rows: PartRows = None,
    jobs: Jobs = -1,
):
    """Label image files: a row each of path, label, probability and error.

    Of a model trained with --coverage also set and score: which labels are plausible,
    with | between, and how far it is from the training images. Where it is unknown,
    there is no label. Where it is ended before its file is whole, its rows are kept
    beside it for --resume.

    A folder, that ends with / or is there, gets the rows in parts, part-000000.parquet
    and so on, with id and row in the place of path. The options from --retry-failed to
    --part-rows are for folders.
    """
    with plain_errors():
        of_folder = options_of(
            engine, workers, gpus, part_rows, max_errors, retry_failed
        )
        ranking: dict[str, Any] = {"top_k": top_k, "threshold": threshold}
        folder = _folder_of(out, of_folder)
        if folder is not None:
            _check_for_folder(paths, format, raw)
            how: dict[str, Any] = {"n_jobs": jobs, "resume": resume, "verbose": 1}
            with saying_what_is_kept(folder):
                done = deploy.predict_dataset(
                    listed(paths[0]), model, folder, **how, **ranking, **of_folder
                )
            end(done)
            return
        to = None if out is None else Path(out)
        _check_out(to, resume)
        loaded = deploy.load(model)
        files, notes = deploy.expand_paths(_named(paths))
        for note in notes:
            print_note(note)
        n_bad = 0
        with _keeping(to, model, ranking, resume) as kept:
            found = deploy.predict_files(
                loaded,
                files,
                kept=kept,
                n_jobs=jobs,
                verbose=1,
                **ranking,
            )
            columns = deploy.prediction_columns(loaded, top_k)
            format = format or _format_of(to)
            with row_writer(format, to, raw=raw, columns=columns) as write:
                for prediction in found:
                    write(deploy.as_row(prediction))
                    n_bad += prediction.error is not None
    if n_bad:
        err.print(f"{n_bad} of {len(files)} files could not be labelled.")
        raise typer.Exit(1)


def _folder_of(out, of_folder) -> str | None:
    """The folder that --out names, if it names one; files get no options for those."""
    ends = tuple(filter(None, (os.sep, os.altsep)))
    if out is not None and (out.endswith(ends) or os.path.isdir(out)):
        return out
    if of_folder.keys() - {"engine"} or (of_folder and out is None):
        raise ValueError(
            "--engine, --workers, --gpus, --part-rows, --max-errors and --retry-failed "
            f"need --out to name a folder. Got {out}; end its name with /."
        )
    return out if of_folder else None


def _check_for_folder(paths, format, raw):
    if format is not None or raw:
        raise ValueError(
            "--format and --raw are for a file; a folder gets Parquet. Leave them out."
        )
    if len(paths) > 1:
        raise ValueError(
            "A folder gets the labels of one source. Got "
            f"{len(paths)}; name the folder that they are in, put a pattern in quotes, "
            "or list them in a CSV with a column path."
        )


def _check_out(to, resume):
    if to is not None:
        check_can_write(to)
    elif resume:
        raise ValueError("--resume needs --out, beside which rows are kept.")


def _named(paths):
    """The paths, with those that standard input names in the place of a ``-``."""
    for path in paths:
        if path == "-":
            yield from _names_in(sys.stdin.buffer.read())
        else:
            yield path


def _names_in(content):
    """Names of files, one a line; Windows may put a mark of UTF-8 in front."""
    if b"\0" in content:
        raise ValueError(
            "Standard input needs names of files, one a line. Got a zero byte, which "
            "none has; let find write lines (-print), or name the image that was sent."
        )
    lines = content.removeprefix(codecs.BOM_UTF8).splitlines()
    return [os.fsdecode(line) for line in lines if line]


def _format_of(to):
    names = {f".{format}": format for format in Format}
    return names.get(to.suffix.lower(), Format.csv) if to else Format.csv


@contextmanager
def _keeping(to, model, options, resume):
    if to is None:
        yield None
        return
    made_by = deploy.made_by(model) | options
    with deploy.keeping_rows(to, made_by, resume=resume) as kept:
        if resume:
            print_note(f"{kept.n_rows} rows of an earlier run are kept.")
        try:
            yield kept
        except (KeyboardInterrupt, OSError):
            if kept.n_rows:
                print_note(
                    f"{kept.n_rows} rows are kept beside {to}; the same command with "
                    "--resume goes on."
                )
            raise

"""``imgfeat audit``: what is wrong with images and labels."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

import imgfeat
from imgfeat import studies
from imgfeat._cli_options import (
    Jobs,
    LabelColumn,
    LabelColumns,
    LabelSeparator,
    PathColumn,
    Seed,
)
from imgfeat._plain_errors import plain_errors
from imgfeat._printing import out, print_frame, print_note
from imgfeat._rows import check_can_write


def audit(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DIR|CSV",
            help="A folder with one sub-folder a class, perhaps in folders for splits; "
            "a folder of images; or a CSV with columns path, label, split.",
        ),
    ],
    to: Annotated[
        Path | None,
        typer.Option(
            "--out", help="A page to look and to decide on, such as audit.html."
        ),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(
            help="All findings as a table, for people: cells that a spreadsheet would "
            "take for a formula get a quote (') in front."
        ),
    ] = None,
    fixed: Annotated[
        Path | None,
        typer.Option(
            help="A CSV for train, without unreadable files and exact copies; paths "
            "are absolute."
        ),
    ] = None,
    embeddings: Annotated[
        bool,
        typer.Option(help="Look for outliers and wrong labels, which takes a net."),
    ] = True,
    labels: Annotated[
        bool, typer.Option(help="Whether sub-folders, or a column, are classes.")
    ] = True,
    split: Annotated[
        str | None, typer.Option(help="Only this one, such as train.")
    ] = None,
    path_column: PathColumn = "path",
    label_column: LabelColumn = "label",
    label_columns: LabelColumns = None,
    label_separator: LabelSeparator = None,
    jobs: Jobs = -1,
    seed: Seed = 0,
):
    """Find bad files, copies and wrong labels; change nothing."""
    with plain_errors():
        for path, option in ((to, "--out"), (csv, "--csv"), (fixed, "--fixed")):
            if path is not None:
                check_can_write(path, option)
        found = studies.load_to_audit(
            data,
            labels=labels,
            split=split,
            path_column=path_column,
            label_column=label_column,
            label_columns=label_columns,
            label_separator=label_separator,
        )
        for note in found.notes:
            print_note(note)
        audited = imgfeat.audit_images(
            found.images,
            found.y,
            label_separator=label_separator,
            split=found.splits,
            embeddings="auto" if embeddings else None,
            n_jobs=jobs,
            verbose=1,
            random_state=seed,
        )
        _print(audited)
        if csv is not None:
            audited.save_issues(csv)
            print_note(f"Findings: {csv}")
        if fixed is not None:
            _save_fixed(audited, fixed)
        if to is not None:
            command = shlex.join(["imgfeat", *sys.argv[1:]])
            about = {"command": command, "seed": str(seed)}
            audited.save_html(to, title=f"Audit of {data.resolve().name}", about=about)
            print_note(f"Report: {to}")
        _print_next(audited, to, fixed, _options(label_columns, label_separator))


def _print(audited):
    if len(audited.issues):
        print_frame(audited.summary(), "Findings")
    out.print(audited.sentence())
    for note in audited.notes:
        print_note(note)


def _save_fixed(audited, path):
    left_out = audited.save_corrected(path)
    n_rows = len(audited.corrected()) - len(left_out)
    print_note(f"Corrected: {path}, {n_rows} of {len(audited.images)} images")
    for name in left_out[:20]:
        print_note(f"left out {name!r}: a name that no CSV can hold; rename the file")


def _options(label_columns, label_separator):
    """What `train` needs to read the corrected table, which has a column label."""
    options = [f"--label-columns={column}" for column in label_columns or ()]
    if label_separator is not None:
        options.append(f"--label-separator={label_separator}")
    return "".join(f" {shlex.quote(option)}" for option in options)


def _print_next(audited, to, fixed, options):
    """Say what to do with what was found."""
    if audited.issues.empty:
        return
    if to is not None:
        print_note(f"Open {to}, choose for each image, and write the corrected CSV.")
    else:
        print_note("Look at them: --out audit.html writes a page to choose on.")
    labelled = "label" in audited.images
    if fixed is not None and labelled:
        print_note(f"Then: imgfeat train {fixed}{options} --out model.imgfeat")
    if audited.issues["group"].ge(0).any():
        print_note(
            "Copies belong in one fold: duplicate_groups gives groups= for that."
        )

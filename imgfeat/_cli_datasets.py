"""The command embed, and what it shares with a predict that writes a folder."""

from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated, Any

import typer

from imgfeat import deploy, sources
from imgfeat._cli_options import Jobs
from imgfeat._plain_errors import plain_errors
from imgfeat._printing import err, print_note


class Engine(StrEnum):
    """What makes the parts of a dataset."""

    local = "local"
    ray = "ray"


Source = Annotated[
    str,
    typer.Argument(
        help="A folder, a pattern in quotes, a CSV or Parquet file with a column "
        "path, or tar shards; here, or at a URL.",
    ),
]
EngineOption = Annotated[
    Engine | None,
    typer.Option(
        help="local: the threads of one process. ray: processes, on this machine or "
        "the cluster that RAY_ADDRESS names.",
        show_default=False,
    ),
]
Workers = Annotated[
    int | None, typer.Option(help="Processes, with ray.", show_default=False)
]
Gpus = Annotated[
    float | None,
    typer.Option(help="GPUs of each process, with ray; 0.5: two share one."),
]
PartRows = Annotated[
    int | None,
    typer.Option(
        "--part-rows", help="Images in a part, 10,000 at most.", show_default="1000"
    ),
]
MaxErrors = Annotated[
    int | None,
    typer.Option("--max-errors", help="End the work when more images than these fail."),
]
RetryFailed = Annotated[
    bool,
    typer.Option(
        "--retry-failed", help="Go on, and try the images again that have an error."
    ),
]


def embed(
    source: Source,
    model: Annotated[
        str,
        typer.Option(
            "--model",
            help="A file that train or compare wrote, whose features are taken; or "
            "the name of a net, as efficientnet_lite0, resnet50 or timm/NAME.",
        ),
    ],
    to: Annotated[str, typer.Option("--out", help="Folder, for nothing else.")],
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with what --out holds.")
    ] = False,
    retry_failed: RetryFailed = False,
    max_errors: MaxErrors = None,
    engine: EngineOption = None,
    workers: Workers = None,
    gpus: Gpus = None,
    part_rows: PartRows = None,
    jobs: Jobs = -1,
):
    """Describe images, however many, by vectors in a folder.

    Its parts are part-000000.npy and so on, a vector a row, and part-000000.parquet
    with id, row and error; imgfeat.deploy.load_embeddings reads them. Where the work is
    ended, whole parts stay, and --resume goes on.
    """
    with plain_errors():
        dataset_options = options_of(
            engine, workers, gpus, part_rows, max_errors, retry_failed
        )
        with saying_what_is_kept(to):
            done = deploy.embed_dataset(
                listed(source),
                model,
                to,
                n_jobs=jobs,
                resume=resume,
                verbose=1,
                **dataset_options,
            )
    end(done)


def options_of(
    engine, workers, gpus, part_rows, max_errors, retry_failed
) -> dict[str, Any]:
    """Options that are given, by their names in Python."""
    given = {
        "engine": engine and engine.value,
        "n_workers": workers,
        "num_gpus": gpus,
        "part_rows": part_rows,
        "max_errors": max_errors,
        "retry_failed": retry_failed or None,
    }
    return {name: value for name, value in given.items() if value is not None}


def listed(source):
    """List the images of a source, and say what is to be known of them."""
    listing = sources.list_images(source)
    for note in listing.notes:
        print_note(note)
    return listing


@contextmanager
def saying_what_is_kept(to):
    """At Ctrl-C, say how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        print_note(f"Parts in {to} are kept; the same command with --resume goes on.")
        raise


def end(done):
    """Say what became of a dataset, and end with 1 if an image failed."""
    parts = "1 part" if done.n_parts == 1 else f"{done.n_parts} parts"
    print_note(f"{done.folder}: {done.n_rows} images in {parts}.")
    if done.n_errors:
        err.print(f"{done.n_errors} of {done.n_rows} images could not be used.")
        raise typer.Exit(1)

"""``imgfeat weights``: the weights files of this machine."""

from typing import Annotated

import typer

import imgfeat
from imgfeat._plain_errors import plain_errors
from imgfeat._printing import err, out

weights = typer.Typer(help="Weights of nets: which are here, and how to get others.")


@weights.command("list")
def weights_list():
    """List the weights files that are on this machine."""
    with plain_errors():
        files = imgfeat.nets.list_weights()
        for file in files:
            size = f"{file.n_bytes / 1e6:9,.1f} MB"
            print(f"{file.path.name}  {size}  sha256 {file.sha256[:12]}")
        if not files:
            out.print("There are none yet, but those of the default net.")


@weights.command("fetch")
def weights_fetch(
    names: Annotated[
        list[str],
        typer.Argument(metavar="NAME...", help="resnet50, timm/resnet18.a1_in1k, ..."),
    ],
):
    """Download the weights of nets, check them, and keep them."""
    with plain_errors():
        for name in names:
            print(imgfeat.nets.fetch_weights(name))


@weights.command("where")
def weights_where():
    """Print the folders that are searched for weights, in this order."""
    with plain_errors():
        for folder in imgfeat.nets.search_folders():
            print(folder)


@weights.command("verify")
def weights_verify():
    """Compute the hashes of all weights files again; name those that are damaged."""
    with plain_errors():
        files = imgfeat.nets.list_weights()
    damaged = [file.path for file in files if file.is_whole is False]
    for path in damaged:
        err.print(f"damaged: {path}")
    n_checked = sum(file.is_whole is not None for file in files)
    n_unknown = len(files) - n_checked
    print(f"{n_checked} checked, {len(damaged)} damaged, {n_unknown} without a hash.")
    if damaged:
        raise typer.Exit(1)

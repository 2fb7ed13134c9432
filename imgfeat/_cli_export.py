"""``imgfeat export``: a saved model as one ONNX file."""

from pathlib import Path
from typing import Annotated

import typer

import imgfeat
from imgfeat import deploy
from imgfeat._cli_options import Model
from imgfeat._plain_errors import plain_errors
from imgfeat._printing import out


def export(
    model: Model,
    to: Annotated[Path, typer.Argument(help="The file to write, as model.onnx.")],
):
    """Write a saved model as one ONNX file, from pixels to probabilities.

    It runs without imgfeat, wherever an ONNX runtime does, in a browser too. Before it
    is written it has answered for photos and noise as the model does.
    """
    with plain_errors():
        deploy.check_target(to)  # before what takes long
        found = deploy.export_onnx(imgfeat.load(model), to)
        out.print(
            f"{to}: {found.n_bytes / 1e6:.1f} MB, from images to {found.output} and "
            f"label; within {found.worst:.1g} of the model on {found.n_checked} images",
        )

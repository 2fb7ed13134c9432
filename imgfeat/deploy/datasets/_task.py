"""What is to be done to every part of a dataset, as any process may be told."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from imgfeat.deploy.datasets._used_model import UsedModel

EMBEDDINGS, PREDICTIONS = "embeddings", "predictions"


@dataclass(frozen=True)
class Task:
    """All but the images.

    Parameters
    ----------
    kind : {"embeddings", "predictions"}
    model : UsedModel
    folder : Path
        Where parts are written.
    seal : str
        Of the dataset; every part carries it.
    columns : dict of str to type
        Of a part's table.
    options : dict
        What predictions depend on besides: top_k, threshold.
    batch_size : int
        Images that the model gets at once.
    n_jobs : int, optional
        Threads of a process; None leaves the model's own.
    max_errors : int, optional
        A part with more than these ends the work.
    """

    kind: str
    model: UsedModel
    folder: Path
    seal: str
    columns: dict[str, type]
    options: dict[str, Any] = field(default_factory=dict)
    batch_size: int = 256
    n_jobs: int | None = None
    max_errors: int | None = None


class PartToDo(NamedTuple):
    """A part that is not finished.

    Attributes
    ----------
    number : int
    first_row : int
        Of the dataset, that is the part's first.
    images : list of ListedImage
    is_mended : bool
        Whether only the rows are tried that have an error in the part that is there.
    """

    number: int
    first_row: int
    images: list
    is_mended: bool = False


class FinishedPart(NamedTuple):
    """What is known of a part that is finished.

    Attributes
    ----------
    number : int
    n_rows, n_errors : int
    width : int or None
        Numbers in a vector; None where there is no vector.
    """

    number: int
    n_rows: int
    n_errors: int
    width: int | None


class HopelessError(ValueError):
    """More images fail than the user would have."""

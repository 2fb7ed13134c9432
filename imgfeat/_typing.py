"""What public functions take, for type checkers and for people who read signatures."""

import os
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
else:
    Axes = Figure = Any  # matplotlib is loaded by who draws


class Rows(Protocol):
    """A list, tuple, array, Series or whatever else has rows."""

    def __len__(self) -> int: ...

    def __getitem__(self, key: Any, /) -> Any: ...


PathLike: TypeAlias = str | os.PathLike[str]
# Any batch: an array, or a sequence with an image behind each item.
ImageBatch: TypeAlias = Rows
ArrayLike: TypeAlias = Rows
RandomState: TypeAlias = int | np.random.RandomState | None
Size: TypeAlias = int | tuple[int, int] | list[int]

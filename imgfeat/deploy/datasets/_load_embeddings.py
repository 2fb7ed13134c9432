"""The vectors and the table that embed_dataset wrote, again."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from imgfeat._frames import make_frame
from imgfeat._home import expanded
from imgfeat._optional import import_optional
from imgfeat._typing import PathLike
from imgfeat.deploy.datasets._dataset_card import part_counts, read_card
from imgfeat.deploy.datasets._mapped_rows import MappedRows
from imgfeat.deploy.datasets._output_folder import find_finished
from imgfeat.deploy.datasets._part_file import PartPlace
from imgfeat.deploy.datasets._row_makers import check_widths
from imgfeat.deploy.datasets._task import EMBEDDINGS


class Embeddings(NamedTuple):
    """Vectors, and a table with a row for each.

    Attributes
    ----------
    vectors : MappedRows of shape (n_images, width), float32
        NaN where an image could not be used.
    table : DataFrame with columns id, row, error
    """

    vectors: MappedRows
    table: pd.DataFrame


def load_embeddings(folder: PathLike) -> Embeddings:
    """Open the vectors that `embed_dataset` wrote, without reading them.

    Parameters
    ----------
    folder : str or path

    Returns
    -------
    Embeddings
        ``vectors, table = load_embeddings(folder)``; rows in the order of the images
        that were listed.

    Raises
    ------
    FileNotFoundError
        If it is no such folder.
    ValueError
        If it holds no vectors, is not finished, or is damaged.
    ModuleNotFoundError
        Without pyarrow.

    See Also
    --------
    embed_dataset : Writes them.

    Examples
    --------
    >>> import tempfile
    >>> from skimage import data_dir
    >>> from imgfeat.deploy import embed_dataset, load_embeddings
    >>> from imgfeat.features import ColorHistogram
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     done = embed_dataset(data_dir + "/c*.png", ColorHistogram(), folder)
    ...     vectors, table = load_embeddings(folder)
    ...     first = vectors[:2]
    >>> first.shape == (2, vectors.shape[1]), len(table) == len(vectors)
    (True, True)
    """
    folder = expanded(folder)
    card = read_card(folder)
    if card.get("kind") != EMBEDDINGS:
        raise ValueError(
            f"{folder} holds {card.get('kind')}, no vectors; pandas.read_parquet reads "
            "them."
        )
    counts = part_counts(card)
    finished = find_finished(folder, card)
    if len(finished) < len(counts):
        raise ValueError(
            f"{folder} is not finished. Got {len(finished)} of {len(counts)} parts; go "
            "on with resume=True."
        )
    check_widths({part.width for part in finished.values()} - {None})
    width = next((part.width for part in finished.values() if part.width), 0)
    arrays = [
        np.broadcast_to(np.float32(np.nan), (n_rows, width))
        if finished[number].width is None
        else PartPlace(folder, number).read_vectors(n_rows)
        for number, n_rows in enumerate(counts)
    ]
    return Embeddings(MappedRows(arrays, width), _table(folder, len(counts)))


def _table(folder, n_parts):
    arrow = import_optional("pyarrow", extra="parquet", purpose="A dataset")
    parquet = import_optional("pyarrow.parquet", extra="parquet", purpose="A dataset")
    tables = [
        parquet.read_table(PartPlace(folder, number).table) for number in range(n_parts)
    ]
    table = arrow.concat_tables(tables)
    return make_frame({name: table[name].to_numpy() for name in table.column_names})

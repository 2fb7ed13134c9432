"""Images by the million: what they are called and where they lie, some at a time."""

import functools
import itertools
import os
from collections.abc import Iterator
from typing import Any, NamedTuple

from imgfeat._home import expanded
from imgfeat._typing import PathLike
from imgfeat.sources._archive_member import ArchiveMember
from imgfeat.sources._folder import note_left_out
from imgfeat.sources._listed_files import find_named
from imgfeat.sources._listed_rows import ListedRows
from imgfeat.sources._listed_shards import read_shard
from imgfeat.sources._listed_table import is_table, read_listed
from imgfeat.sources._path_table import find_file, folder_of
from imgfeat.sources._source import hash_parts
from imgfeat.sources._url import is_remote, is_url, local_path, shown_url


class ListedImage(NamedTuple):
    """An image of a listing.

    ``id`` is what it is called, the path as it was given, say; ``item`` what every
    batch takes for it.
    """

    id: str
    item: Any


class ImageListing:
    """Names of images in a fixed order, by `list_images`.

    Attributes
    ----------
    source : str
        What was listed.
    identity : str
        A digest of what was listed, and of all names and places in their order.
    notes : list of str
        What a person has to know besides.
    """

    def __init__(self, source, rows, as_item, notes=(), facts=()):
        self.source = _shown(source)
        self.notes = list(notes)
        asked = "\0".join([_absolute(source), *facts])
        self.identity = hash_parts(
            b"listing", os.fsencode(asked), rows.digest.encode()
        ).hex()
        self._rows = rows
        self._as_item = as_item

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        return f"<{len(self)} images of {self.source}>"

    def chunks(self, n_rows: int) -> Iterator[list[ListedImage]]:
        """Yield lists of `n_rows` images, the last of what is left.

        Parameters
        ----------
        n_rows : int

        Yields
        ------
        list of ListedImage

        Raises
        ------
        ValueError
            If that is less than one.
        """
        if n_rows < 1:
            raise ValueError(f"n_rows needs to be at least 1. Got {n_rows}.")
        rows = iter(self._rows)
        while chunk := list(itertools.islice(rows, n_rows)):
            yield [ListedImage(row[0], self._as_item(*row[1:])) for row in chunk]


def list_images(source: PathLike, *, root: PathLike | None = None) -> ImageListing:
    """List images, however many, without a look into them.

    Parameters
    ----------
    source : str or path
        Path or URL of a folder, whose images are listed with those below it; of a CSV
        or Parquet file with a column ``path``, and perhaps ``id``; of a tar shard, or a
        folder of them; or of one image. Or a pattern, such as ``photos/*.jpg`` or
        ``photos-{000000..000127}.tar``.
    root : str or path, optional
        Folder, or its URL, that relative paths of a CSV or Parquet file start from; by
        default its own.

    Returns
    -------
    ImageListing
        Has a length, and gives the images some at a time. Of a folder or pattern they
        come sorted, of a table in its order.

    Raises
    ------
    FileNotFoundError
        If there is no such file or folder.
    ValueError
        If there is no image, a table lacks its column or has an empty cell, an id comes
        twice, or a shard is damaged.
    ModuleNotFoundError
        For Parquet without pyarrow.

    See Also
    --------
    load_image_folder : Images and labels that fit into memory.

    Notes
    -----
    Which files of a folder are images, is told as by `load_image_folder`; in a shard,
    which must not be compressed, the suffixes tell. Whether the files of a table exist,
    who reads them says, and so of the last image of a shard that was cut off. A listing
    of a million images takes about 20 MB.

    URLs go through fsspec, which takes credentials from where its file systems do. Of
    their files the suffixes tell images too; the name and password in a URL, and what
    stands behind a question mark, are in the items and not in the ids.

    Examples
    --------
    >>> from imgfeat.sources import list_images
    >>> from skimage import data_dir
    >>> listing = list_images(data_dir + "/*.png")
    >>> len(listing) > 4
    True
    >>> for chunk in listing.chunks(2):
    ...     names = [image.id for image in chunk]
    >>> len(names) in (1, 2)
    True
    """
    source = os.fspath(source)
    if is_url(source) and not is_remote(source):
        source = local_path(source)
    if is_table(source) and not os.path.isdir(source):
        return _list_table(source, root)
    if root is not None:
        raise ValueError(
            f"root={os.fspath(root)!r} needs a CSV or Parquet file of paths. Got "
            f"{source}; leave root out."
        )
    found = find_named(source)
    rows = ListedRows()
    for path in found.images:
        rows.add(_shown(path), path)
    for shard in found.shards:
        for name, *place in read_shard(shard, found.left_out):
            rows.add(f"{_shown(shard)}/{name}", shard, name, *place)
    _seal(rows, source)
    as_item = _in_shard if found.shards else _absolute
    return ImageListing(source, rows, as_item, note_left_out(found.left_out))


def _list_table(table, root):
    root = folder_of(table) if root is None else os.fspath(root)
    rows = ListedRows()
    for id, path in read_listed(table):
        rows.add(_shown(id), path)
    _seal(rows, table)
    root = root if is_remote(root) else os.path.abspath(expanded(root))
    as_item = functools.partial(find_file, root)
    return ImageListing(table, rows, as_item, facts=[root])


def _in_shard(shard, *place):
    return ArchiveMember(_absolute(shard), *place)


def _absolute(name):
    return name if is_remote(name) else os.path.abspath(name)


def _shown(name):
    return shown_url(name) if is_remote(name) else name


def _seal(rows, source):
    repeated = rows.seal()
    if repeated is not None:
        id, first, again = repeated
        raise ValueError(
            f"{_shown(source)} needs another name for each image. Got {id!r} in row "
            f"{first} and in row {again}; drop one of them."
        )
    if not len(rows):
        raise ValueError(f"{_shown(source)} needs at least one image. Got none.")

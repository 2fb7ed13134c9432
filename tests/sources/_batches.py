"""Every kind of batch that the library takes."""

import io
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from imgfeat.sources import list_images
from tests.sources._files import encode
from tests.sources._servers import Bucket


def batch_kinds(batch, folder):
    """Every kind of batch that holds these images, by name."""
    paths = []
    for index, image in enumerate(batch):
        paths.append(str(folder / f"{index}.png"))
        Path(paths[-1]).write_bytes(encode(image))
    objects = np.empty(len(batch), dtype=object)
    objects[:] = list(batch)
    return {
        "array": batch,
        "nested lists": batch.tolist(),
        "flattened": batch.reshape(len(batch), -1),
        "list of str": paths,
        "list of Path": [Path(path) for path in paths],
        "tuple of str": tuple(paths),
        "str array": np.array(paths),
        "object array of str": np.array(paths, dtype=object),
        "Series of str": pd.Series(paths, index=range(10, 10 + len(paths))),
        "Series of objects": pd.Series(paths, dtype=object),
        "Index": pd.Index(paths),
        "URLs": urls_of(paths),
        "URLs of files": [Path(path).as_uri() for path in paths],
        "members of an archive": members_of(paths, folder / "images.tar"),
        "bytes": [Path(path).read_bytes() for path in paths],
        "PIL images": [Image.fromarray(image) for image in batch],
        "file objects": [io.BytesIO(Path(path).read_bytes()) for path in paths],
        "list of arrays": list(batch),
        "object array of arrays": objects,
        "mixed": [paths[0], batch[1], Image.fromarray(batch[2]), *paths[3:]],
    }


def urls_of(paths):
    """The same files in memory, as URLs."""
    bucket = Bucket()
    return [bucket.put(Path(path).name, Path(path).read_bytes()) for path in paths]


def members_of(paths, archive):
    """The same files in a tar archive, as a list of `ArchiveMember`."""
    with tarfile.open(archive, "w") as file:
        for row, path in enumerate(paths):
            file.add(path, f"{row:04}{Path(path).suffix}")
    (chunk,) = list_images(archive).chunks(len(paths))
    return [image.item for image in chunk]

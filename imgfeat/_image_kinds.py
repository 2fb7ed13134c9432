"""All that a batch of the same images may come in, for `imgfeat.testing`.

What is called a case has ``pixels``, RGB of shape (n_images, height, width, 3) and
uint8, the ``paths`` of PNG files of them, and a ``folder`` to write to.
"""

import io
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from imgfeat._optional import import_optional

INDEX = (40, 3, 0, 17, 2, 1)  # as a shuffled and filtered frame has it


def _content(case):
    return [Path(path).read_bytes() for path in case.paths]


def _pictures(case):
    return [Image.fromarray(image) for image in case.pixels]


def _mix(case):
    return [
        case.paths[0],
        _content(case)[1],
        _pictures(case)[2],
        case.pixels[3],
        *case.paths[4:],
    ]


def _column(items):
    cells = np.empty((len(items), 1), dtype=object)
    for row, item in enumerate(items):
        cells[row, 0] = item
    return cells


def _series(items, **options):
    return pd.Series(items, INDEX, **options)


KINDS = {
    "a list of arrays": lambda case: list(case.pixels),
    "paths": lambda case: case.paths,
    "a tuple of paths": lambda case: tuple(map(Path, case.paths)),
    "an array of paths": lambda case: np.array(case.paths),
    "bytes": _content,
    "memoryviews": lambda case: [memoryview(content) for content in _content(case)],
    "open files": lambda case: list(map(io.BytesIO, _content(case))),
    "PIL images": _pictures,
    "a mix": _mix,
    "a column of str": lambda case: np.array(case.paths)[:, None],
    "a column of paths": lambda case: _column(case.paths),
    "a column of bytes": lambda case: _column(_content(case)),
    "a column of PIL images": lambda case: _column(_pictures(case)),
    "a column of arrays": lambda case: _column(case.pixels),
    "a Series": lambda case: _series(case.paths),
    "a Series of objects": lambda case: _series(case.paths, dtype=object),
    "a Series of categories": lambda case: _series(case.paths, dtype="category"),
    "a Series of bytes": lambda case: _series(_content(case)),
    "a Series of PIL images": lambda case: _series(_pictures(case)),
    "pandas strings": lambda case: pd.array(case.paths, dtype="string"),
    "a frame": lambda case: _series(case.paths).to_frame("photo"),
    "a frame of arrays": lambda case: _series(list(case.pixels)).to_frame("photo"),
}


def dicom_files(case):
    """Write the images as DICOM files, which needs pydicom; return their paths."""
    pydicom = import_optional(
        "pydicom", extra="medical", purpose="a DICOM file to test with"
    )
    paths = [str(case.folder / f"{row}.dcm") for row in range(len(case.pixels))]
    for row, (path, image) in enumerate(zip(paths, case.pixels, strict=True)):
        meta = pydicom.dataset.FileMetaDataset()
        meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        meta.MediaStorageSOPClassUID = pydicom.uid.SecondaryCaptureImageStorage
        meta.MediaStorageSOPInstanceUID = f"1.2.3.{row}"
        dataset = pydicom.Dataset()
        dataset.file_meta = meta
        dataset.SOPClassUID = meta.MediaStorageSOPClassUID
        dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
        dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = image.shape
        dataset.PhotometricInterpretation, dataset.PlanarConfiguration = "RGB", 0
        dataset.BitsAllocated = dataset.BitsStored = 8
        dataset.HighBit, dataset.PixelRepresentation = 7, 0
        dataset.PixelData = image.tobytes()
        dataset.save_as(path, enforce_file_format=True)
    return paths

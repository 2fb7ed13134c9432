"""DICOM files for the tests, of a patient who must not be told of."""

import io

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

PATIENT = "DOE^JOHN"


def dataset_of(pixels, **elements):
    """Return a data set around gray or RGB pixels; None takes an element away."""
    depth = 8 * pixels.dtype.itemsize
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = CTImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    settings = {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": "1.2.3.4",
        "PatientName": PATIENT,
        "PatientID": PATIENT,
        "Rows": pixels.shape[0],
        "Columns": pixels.shape[1],
        "SamplesPerPixel": 1 if pixels.ndim == 2 else 3,
        "PhotometricInterpretation": "MONOCHROME2" if pixels.ndim == 2 else "RGB",
        "BitsAllocated": depth,
        "BitsStored": depth,
        "HighBit": elements.get("BitsStored", depth) - 1,
        "PixelRepresentation": int(pixels.dtype.kind == "i"),
        "PixelData": pixels.tobytes(),
    }
    if pixels.ndim == 3:
        settings["PlanarConfiguration"] = 0
    for name, value in (settings | elements).items():
        if value is not None:
            setattr(dataset, name, value)
    return dataset


def dicom(pixels, **elements):
    """Return the bytes of a file around pixels."""
    return written(dataset_of(pixels, **elements))


def written(dataset):
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


def table(entries, first=0, n_bits=16):
    """Return a sequence of one look-up table."""
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(entries), first, n_bits])
    item.add_new("LUTData", "US", [int(entry) for entry in entries])
    return Sequence([item])


def ramp(n=64, dtype=np.uint16, step=64):
    """Return n x n pixels that rise from 0 by `step`."""
    return (np.arange(n * n) * step % 65536).astype(dtype).reshape(n, n)

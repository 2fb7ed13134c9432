"""DICOM: one frame of a scanner or an X-ray machine, without a word about the patient.

Only the elements of `_TAGS` are read. What pydicom says of an error is not passed on,
for in a damaged file any text may stand in any place.
"""

from contextlib import contextmanager

import numpy as np
from PIL import Image

from imgfeat._optional import has_module
from imgfeat.sources._decode_error import DECODER_ERRORS, ImageDecodeError
from imgfeat.sources._dicom_frame import check_frame
from imgfeat.sources._dicom_values import gray_values, has_window
from imgfeat.sources._pixels import warn_once
from imgfeat.sources._quiet import hush

GRAY = ("MONOCHROME1", "MONOCHROME2")
_COLORS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
_PALETTE = "PALETTE COLOR"
_MARK = slice(128, 132)
_DEFLATED = "1.2.840.10008.1.2.1.99"
_EXTENDED = "1.2.840.10008.1.2.4.51"
_OF_LIBJPEG = (_EXTENDED, *(f"1.2.840.10008.1.2.4.{end}" for end in (57, 70, 80, 81)))
_LUTS = [
    f"{kind}PaletteColorLookupTable{part}"
    for kind in ("Red", "Green", "Blue", "Alpha")
    for part in ("Descriptor", "Data")
] + [f"Segmented{name}PaletteColorLookupTableData" for name in ("Red", "Green", "Blue")]
_TAGS = [
    *("Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "PlanarConfiguration"),
    *("PhotometricInterpretation", "PresentationLUTShape", "PixelRepresentation"),
    *("BitsAllocated", "BitsStored", "HighBit", "ICCProfile"),
    *("ModalityLUTSequence", "RescaleSlope", "RescaleIntercept"),
    *("VOILUTSequence", "WindowCenter", "WindowWidth", "VOILUTFunction"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
    *("PixelData", "FloatPixelData", "DoubleFloatPixelData", *_LUTS),
]


def is_dicom(start):
    """Whether a file that starts so is DICOM, with its preamble."""
    return start[_MARK] == b"DICM"


def open_dicom(file, name):
    """Return a `DicomImage` of which no pixel has been decoded.

    Parameters
    ----------
    file : binary file object
        At its start.
    name : str
        What errors call it.

    Raises
    ------
    ImageDecodeError
        If pydicom is not installed, or the file is none of one frame that we can read.
    """
    if not has_module("pydicom"):
        raise ImageDecodeError(
            name,
            "DICOM needs the package 'pydicom', which is not installed",
            "run pip install 'imgfeat[medical]'",
        )
    import pydicom
    import pydicom.misc

    hush(pydicom.misc)
    with _nothing_told(name, "its header is damaged, or ends early"):
        # The content is a bomb perhaps, which pydicom would unpack before it reads.
        if _syntax_of(file) == _DEFLATED:
            remedy = "save it again without that"
            raise ImageDecodeError(name, "it is deflated as a whole", remedy)
        file.seek(0)
        dataset = pydicom.dcmread(file, specific_tags=_TAGS)
        return DicomImage(dataset, name)


def _syntax_of(file):
    """Return the transfer syntax that the group of elements at the start names."""
    from pydicom.filereader import read_dataset

    file.seek(_MARK.stop)
    meta = read_dataset(
        file,
        is_implicit_VR=False,
        is_little_endian=True,
        stop_when=lambda tag, vr, length: tag.group != 2,
    )
    return meta.get("TransferSyntaxUID")


class DicomImage(Image.Image):
    """The header of a DICOM file, as Pillow's images are before they are loaded.

    Parameters
    ----------
    dataset : pydicom.Dataset
        With the elements of `_TAGS`.
    name : str
        What errors call it.
    """

    format = "DICOM"

    def __init__(self, dataset, name):
        super().__init__()
        self._dataset = dataset
        self._name = name
        self._check_content()
        self._kind = str(dataset.PhotometricInterpretation)
        self._check_kind()
        self._size = int(dataset.Columns), int(dataset.Rows)
        self._mode = "RGB" if self._kind not in GRAY else "L"
        if self._mode == "L" and dataset.BitsAllocated > 8:
            self._mode = "F"
        if self._mode == "RGB" and "ICCProfile" in dataset:
            self.info["icc_profile"] = bytes(dataset.ICCProfile)

    def load(self):
        """Do nothing: who reads it asks `decode`."""

    def decode(self, value_range=None):
        """Return gray floats or uint8, or RGB uint8.

        Parameters
        ----------
        value_range : tuple of (low, high), optional
            Then gray of more than 8 bits comes in the units of its modality.
        """
        stored = self._stored()
        with _nothing_told(self._name, "its tables or its window are damaged"):
            if self._kind == _PALETTE:
                return self._colors_of(stored)
            if self._kind not in GRAY:
                return _upper_bits(stored, self._dataset.BitsStored)
            if stored.itemsize > 1:
                values = gray_values(stored, self._dataset, value_range)
                if value_range is None and not has_window(self._dataset):
                    _note_flat(values)
                return values
            return np.rint(255 * gray_values(stored, self._dataset)).astype(np.uint8)

    def _stored(self):
        """Return one frame as it is stored, YBR as RGB."""
        from pydicom.pixels import get_decoder

        syntax = self._dataset.file_meta.TransferSyntaxUID
        if syntax.is_compressed:
            with _nothing_told(self._name, "its compressed data is damaged"):
                check_frame(self._dataset, self.size, self._name)
        with _nothing_told(self._name, "its data is truncated or damaged"):
            pixels, _ = get_decoder(syntax).as_array(self._dataset, index=0)
            shape = self.size[::-1] + (() if pixels.ndim == 2 else (3,))
            if pixels.shape != shape:
                raise ValueError
            return np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("="))

    def _colors_of(self, stored):
        from pydicom.pixels import apply_color_lut

        colors = apply_color_lut(stored, self._dataset)
        if colors.shape[2] != 3:
            self._refuse("its palette has an alpha", "save it as RGB")
        return _upper_bits(colors, 8 * colors.itemsize)

    def _check_content(self):
        dataset = self._dataset
        if "FloatPixelData" in dataset or "DoubleFloatPixelData" in dataset:
            self._refuse("its pixels are floats", "save them as 16 bits, and a slope")
        if "PixelData" not in dataset or "Rows" not in dataset:
            self._refuse("it holds no pixels, as plans and reports do", "leave it out")
        n_frames = int(dataset.get("NumberOfFrames") or 1)
        if n_frames != 1:
            self._refuse(
                f"it has {n_frames} frames, and an image is one",
                "save each frame in a file of its own, or give arrays: "
                "pydicom.pixels.pixel_array(path, index=0)",
            )
        if dataset.keys() & {0x52009229, 0x52009230}:  # functional groups
            self._refuse(
                "it is an enhanced object, whose windows belong to frames",
                "save the frame as a classic image",
            )
        syntax = dataset.file_meta.get("TransferSyntaxUID")
        if syntax is None:
            self._refuse("its transfer syntax is not given", "save it with one")
        self._check_syntax(syntax)

    def _check_syntax(self, syntax):
        from pydicom.pixels import get_decoder

        try:
            decoder = get_decoder(syntax)
        except NotImplementedError:
            shown = str(syntax) if syntax.is_valid else "that is no UID"
            self._refuse(
                f"nothing decodes its transfer syntax {shown}",
                "save it without compression",
            )
        # Pillow says that it reads these, and means 8 bits.
        is_deep = syntax == _EXTENDED and self._dataset.get("BitsStored") != 8
        only_pillow = decoder.available_plugins == ("pillow",)
        if not decoder.is_available or (is_deep and only_pillow):
            package = "'imgfeat[medical]'"
            if syntax in _OF_LIBJPEG:
                package = "pylibjpeg-libjpeg (under the GPL)"
            self._refuse(
                f"no package that decodes {syntax.name} is installed",
                f"run pip install {package}, or save it without compression",
            )

    def _check_kind(self):
        dataset, kind = self._dataset, self._kind
        n_samples = 3 if kind in _COLORS else 1
        known = (*GRAY, *_COLORS, _PALETTE)
        if kind not in known or dataset.SamplesPerPixel != n_samples:
            shown = kind if kind in known else "of another kind"
            self._refuse(
                f"its photometric interpretation is {shown}, with "
                f"{int(dataset.SamplesPerPixel)} samples a pixel",
                f"save it as one of {', '.join(known)}",
            )
        if kind == "MONOCHROME2" and dataset.get("PresentationLUTShape") == "INVERSE":
            self._refuse(
                "it says both MONOCHROME2 and INVERSE", "find out which of them is true"
            )
        stored, allocated = dataset.BitsStored, dataset.BitsAllocated
        if not 1 <= stored <= allocated <= 32 or dataset.HighBit != stored - 1:
            self._refuse(
                f"it keeps {int(stored)} of {int(allocated)} bits up to bit "
                f"{int(dataset.HighBit)}",
                "save it with the lowest bits in use",
            )

    def _refuse(self, reason, remedy):
        raise ImageDecodeError(self._name, reason, remedy)


def _upper_bits(colors, n_bits):
    """Return RGB as uint8, as of deep PNG files."""
    if n_bits <= 8:
        scale = 255 // (2**n_bits - 1)
        return colors.astype(np.uint8) * np.uint8(scale)
    return (colors >> (n_bits - 8)).astype(np.uint8)


def _note_flat(values):
    if 0 < np.ptp(values) < 0.1:
        warn_once(
            "DICOM images without a window that use less than a tenth of what their "
            "bits hold are flat. Say which values are black and white, of CT for "
            "example by ImageReader(value_range=(-1024, 3071))."
        )


@contextmanager
def _nothing_told(name, reason):
    """Say `reason` in place of an error whose text may quote the file."""
    try:
        yield
    except ImageDecodeError:
        raise
    except DECODER_ERRORS:
        raise ImageDecodeError(name, reason) from None

"""What a compressed DICOM frame says of itself, before anything decodes it.

Its own header, not that of the file, decides how much memory a decoder takes.
"""

from imgfeat.sources._decode_error import ImageDecodeError
from imgfeat.sources._jpeg import JpegFile

_JPEG_2000 = b"\xff\x4f\xff\x51"
_JP2 = b"\0\0\0\x0cjP  "
_BASELINE = "1.2.840.10008.1.2.4.50"
_RLE = "1.2.840.10008.1.2.5"
_FRAMES = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}  # 0xF7 is JPEG-LS


def check_frame(dataset, size, name):
    """Refuse a frame of another size than its file says, or a JPEG that is not whole.

    Parameters
    ----------
    dataset : pydicom.Dataset
    size : tuple of (width, height)
    name : str

    Raises
    ------
    ImageDecodeError
    """
    from pydicom.encaps import get_frame

    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax == _RLE:  # which has no size of its own
        return
    frame = get_frame(dataset.PixelData, 0, number_of_frames=1)
    if frame.startswith(_JP2):
        raise ImageDecodeError(
            name,
            "its JPEG 2000 data stands in a file of its own, against the standard",
            "save it again",
        )
    found = _size_of(frame)
    if found != (*size, dataset.SamplesPerPixel):
        raise ImageDecodeError(
            name,
            "its compressed data is of another size than its header, or damaged",
            "save it again",
        )
    if syntax == _BASELINE:
        jpeg = JpegFile(frame.rstrip(b"\0"), name)
        jpeg.check_size(*size)
        jpeg.decode("L", size)


def _size_of(frame):
    """Return width, height and number of components, or None."""
    if frame.startswith(_JPEG_2000):
        right, bottom, left, top = (
            int.from_bytes(frame[at : at + 4]) for at in (8, 12, 16, 20)
        )
        return right - left, bottom - top, int.from_bytes(frame[40:42])
    at = 2
    while frame[at : at + 1] == b"\xff" and at + 10 <= len(frame):
        marker = frame[at + 1]
        if marker == 0xFF:  # fills
            at += 1
        elif marker in _FRAMES:
            height = int.from_bytes(frame[at + 5 : at + 7])
            return int.from_bytes(frame[at + 7 : at + 9]), height, frame[at + 9]
        else:
            at += 2 + int.from_bytes(frame[at + 2 : at + 4])
    return None

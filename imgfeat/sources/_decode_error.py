"""What is said of an image that cannot be read."""

import struct
import zlib

from PIL import Image

# Everything that decoders are known to raise on damaged files. Warning is here for
# programs that turn warnings into errors.
DECODER_ERRORS = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Warning,
)


class ImageDecodeError(ValueError):
    """An image that cannot be read.

    Parameters
    ----------
    source : str
        The path, or ``"image 3"`` for what has none.
    reason : str
        What is wrong with it.
    remedy : str, default="repair or remove it"
        What to do about it.

    Examples
    --------
    >>> from imgfeat.sources import ImageDecodeError
    >>> raise ImageDecodeError("cat.jpg", "the file is empty")
    Traceback (most recent call last):
    ...
    imgfeat.sources._decode_error.ImageDecodeError: Cannot read cat.jpg: the file is \
empty; repair or remove it.
    """

    def __init__(self, source, reason, remedy="repair or remove it"):
        super().__init__(source, reason, remedy)  # all of args, so that it pickles
        self.source = source
        self.reason = reason
        self.remedy = remedy

    def __str__(self):
        return f"Cannot read {self.source}: {self.reason}; {self.remedy}."


def error_text(error):
    """What a decoder's error says, on one line."""
    if isinstance(error, MemoryError):
        return "there is not enough memory to decode it"
    text = " ".join(str(error).split()) or type(error).__name__
    return text[:200]

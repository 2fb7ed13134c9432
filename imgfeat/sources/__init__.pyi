from ._audit import list_unreadable as list_unreadable
from ._decode import decode_image as decode_image
from ._decode_error import ImageDecodeError as ImageDecodeError
from ._folder import load_image_folder as load_image_folder
from ._folder import load_image_table as load_image_table
from ._reader import ImageReader as ImageReader
from ._samples import load_sample as load_sample

"""The outside world -> images and labels."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "_decode": ["ImageDecodeError", "decode_image"],
        "_folder": ["load_image_folder", "load_image_table"],
        "_reader": ["ImageReader"],
        "_samples": ["load_sample"],
    },
)

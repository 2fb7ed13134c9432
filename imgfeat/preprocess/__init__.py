"""Images -> images: transformers that keep images images."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "_color": ["Equalize", "Grayscale"],
        "_geometry": ["CenterCrop", "Resize"],
    },
)

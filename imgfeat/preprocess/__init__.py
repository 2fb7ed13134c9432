"""Images -> images: transformers that keep images images."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "_augment": ["Policy", "augment_image", "find_policy"],
        "_color": ["Equalize", "Grayscale"],
        "_geometry": ["CenterCrop", "Resize"],
    },
)

"""Images -> vectors: transformers that describe images."""

import lazy_loader as lazy

# Lazy, so that HOG does not wait for torch.
# The names stand in __init__.pyi.
__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)

"""Torch and weights; knows nothing of scikit-learn."""

import lazy_loader as lazy

# Lazy, so that who only wants a name does not wait for torch.
# The names stand in __init__.pyi.
__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)

"""Predictions -> numbers and pictures."""

import lazy_loader as lazy

# The names stand in __init__.pyi.
__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)

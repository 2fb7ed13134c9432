"""The main job, put together from the rooms: what the command line calls."""

import lazy_loader as lazy

# The names stand in __init__.pyi.
__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)

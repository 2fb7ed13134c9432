"""Image classification for people who think in scikit-learn."""

import lazy_loader as lazy

from imgfeat._home import check_current_folder

__version__ = "0.2.0"

check_current_folder()

# Nothing is imported until it is asked for: no torch, cv2 or numba by the import alone.
# The names stand in __init__.pyi.
__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
__all__ += ["__version__"]

"""``skops.io``, imported without torch.

On import, skops asks scikit-learn for all its estimators, and scikit-learn imports all
its packages to find them. Those that adapt it to torch and dask hold no estimator, but
import torch and dask: seconds, and memory, that a HOG pipeline never needs.
"""

import importlib
import sys

_ADAPTERS = [
    f"sklearn.externals.array_api_compat.{library}"
    for library in ("cupy", "dask", "torch")
    if f"sklearn.externals.array_api_compat.{library}" not in sys.modules
]

# None makes an import fail, and scikit-learn passes over what cannot be imported.
sys.modules.update(dict.fromkeys(_ADAPTERS))
try:
    io = importlib.import_module("skops.io")
finally:
    for name in _ADAPTERS:
        del sys.modules[name]

"""Image classification for people who think in scikit-learn."""

import lazy_loader as lazy

__version__ = "0.1.0"

# Nothing is imported until it is asked for: no torch, cv2 or numba by the import alone.
__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submodules=[
        "deploy",
        "estimators",
        "evaluation",
        "features",
        "kernels",
        "nets",
        "preprocess",
        "sources",
    ],
    submod_attrs={
        "deploy": ["load", "save"],
        "estimators": ["list_recipes", "make_recipe"],
        "evaluation": ["compare", "evaluate"],
        "sources": ["load_image_folder", "load_image_table", "load_sample"],
    },
)
__all__ += ["__version__"]

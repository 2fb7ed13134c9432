"""Vectors or images -> labels: named pipelines and classifiers."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={"_recipes": ["list_recipes", "make_recipe"]},
)

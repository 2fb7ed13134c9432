"""Vectors or images -> labels: named pipelines and classifiers."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "_augmented": ["AugmentedClassifier"],
        "_find_lr": ["LearningRates", "find_lr"],
        "_finetune": ["CNNClassifier"],
        "_probe": ["RidgeProbe"],
        "_recipes": ["list_recipes", "make_recipe"],
    },
)

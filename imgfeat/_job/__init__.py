"""The main job, put together from the rooms: what the command line calls."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "_demo": ["write_demo_images"],
        "_predict": ["expand_paths", "predict_files"],
        "_study": ["quick_recipes", "run_study", "train_recipe", "unreadable"],
    },
)

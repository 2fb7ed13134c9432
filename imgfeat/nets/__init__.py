"""Torch and weights; knows nothing of scikit-learn."""

import lazy_loader as lazy

# Lazy, so that who only wants a name does not wait for torch.
__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "_backbones": ["Backbone", "find_backbone"],
        "_catalog": ["list_backbones"],
        "_engine": ["open_engine", "plan_inference"],
        "_fetch": ["fetch_weights", "list_weights", "search_folders"],
        "_layer_list": ["list_layers"],
        "_preprocessing": ["Preprocessing"],
        "_registry": ["register_backbone"],
        "_weights": ["register_weights"],
    },
)

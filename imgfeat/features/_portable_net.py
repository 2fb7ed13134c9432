"""What of a fitted net goes along where its estimator goes, and what stays behind."""

from imgfeat.nets.catalog._lite import NAME, TAG
from imgfeat.nets.catalog._tensors import register_weights, registered_weights


class PortableNet:
    """Part of an estimator that runs a net by name: its pickles and saved files.

    A pickle holds no weights and no net, as these are found again by their hash. A
    saved file holds the weights that no installed package has.
    """

    def __getstate__(self):
        state = super().__getstate__().copy()
        for name in ("_ready", "_held_weights"):
            state.pop(name, None)
        return state

    def __setstate__(self, state):
        super().__setstate__(state)
        # A copy holds what came with a saved file, as long as that is there.
        weights = registered_weights(getattr(self, "weights_info_", {}).get("sha256"))
        if weights is not None:
            self._held_weights = weights

    def _weights_needed(self):
        """What a saved file calls the weights that it must hold, or None if none.

        Inner layers need those of the net's head as well.
        """
        info = getattr(self, "weights_info_", None)
        if info is None or (info["name"], info["tag"]) == (NAME, TAG):
            return None
        sha256 = info["sha256"]
        return sha256 if self.layer is None else f"{sha256} with head"

    def _weights(self):
        """The tensors that a saved file must hold, by name."""
        return self._find_backbone(self.weights_info_["sha256"]).state_dict()

    def _use_weights(self, sha256, tensors):
        """Run with the tensors of a saved file from now on."""
        # As long as they are held, they are found.
        self._held_weights = register_weights(sha256, tensors)
        self.weights_info_ = {**self.weights_info_, "sha256": sha256}

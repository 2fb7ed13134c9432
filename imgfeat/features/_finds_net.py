"""Find the net of an estimator, and remember how it has run."""

from imgfeat._threads import usable_threads
from imgfeat.nets._pooling import Readout, layer_names
from imgfeat.nets._ready import ReadyNet
from imgfeat.nets.catalog._backbones import find_backbone
from imgfeat.nets.catalog._registered import is_own_code
from imgfeat.nets.inference._plan import plan_inference


class FindsNet:
    """Part of an estimator with `CNNEmbedding`'s parameters: from them to a `ReadyNet`.

    Once it is fitted the net has the weights of then, and "auto" means what it meant
    then, also where it is loaded.
    """

    def _ready_net(self):
        """The net of `fit`; looked up again only where something of it has changed."""
        if not (hasattr(self, "weights_info_") and isinstance(self.backbone, str)):
            # A module may have been trained since.
            return self._find_net().settled(self.verbose)
        key, net = self.__dict__.get("_ready", (None, None))
        if key != self._key():
            net = self._find_net(self.weights_info_["sha256"]).settled(self.verbose)
            self._ready = self._key(), net
        return net

    def _key(self):
        """All that the net of a fitted estimator depends on."""
        params = repr(self.get_params(deep=False))  # lists among them can change
        return params, usable_threads(self.n_jobs), self.weights_info_["sha256"]

    def _find_net(self, sha256=None):
        """The net; with the hash of `fit`, run in the precision of then."""
        readout = Readout(self.pooling, layer_names(self.layer))
        fitted = None if sha256 is None else self.inference_info_
        return ReadyNet(self._find_backbone(sha256), readout, self._plan(fitted))

    def _find_backbone(self, sha256=None):
        # Files of before there were modes were fitted with the first of them.
        fitted = {} if sha256 is None else self.weights_info_["preprocessing"]
        return find_backbone(
            self.backbone,
            self.weights,
            sha256=sha256,
            whole=self.layer is not None,
            size=self.size,
            crop=self.crop,
            interpolation=self.interpolation,
            crop_mode=fitted.get("crop_mode", "center") if fitted else None,
        )

    def _plan(self, fitted=None):
        return plan_inference(
            engine=self.engine,
            device=self.device,
            precision=self.precision,
            compile=self.compile,
            threads=usable_threads(self.n_jobs),
            batch_size=self.batch_size,
            own_module=is_own_code(self.backbone),
            fitted=fitted,
        )

    def _note(self, info, plan):
        """Keep what has run: it runs so from now on, and wherever this is loaded."""
        self.inference_info_.update(info)
        if info["precision"] != plan.precision:
            self._ready = None, None

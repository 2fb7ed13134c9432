"""Find the net of an estimator, as it was fitted."""

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

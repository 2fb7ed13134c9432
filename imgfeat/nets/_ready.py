"""A net that is found and planned: what stays the same from one call to the next."""

from dataclasses import dataclass, replace
from functools import cached_property

from imgfeat.nets._pooling import Readout
from imgfeat.nets.catalog._backbones import Backbone
from imgfeat.nets.inference._choice import settle
from imgfeat.nets.inference._plan import Plan
from imgfeat.nets.inference._run import known_width, measure_layers, measure_width
from imgfeat.nets.inference._stock import open_engine


@dataclass(frozen=True)
class ReadyNet:
    """What `open_engine` needs, and the lengths of vectors.

    Holds no engine, so that the stock of engines decides which nets stay in memory, and
    a fork does no harm.

    Parameters
    ----------
    backbone : Backbone
    readout : Readout
    plan : Plan
    """

    backbone: Backbone
    readout: Readout
    plan: Plan

    def settled(self, verbose=False):
        """The same, run in what is the fastest way on this machine; see `settle`."""
        plan = settle(self.backbone, self.readout, self.plan, verbose)
        return self if plan is self.plan else replace(self, plan=plan)

    @cached_property
    def width(self):
        """Length of the vectors; unless it is known, by a run."""
        known = known_width(self.backbone, self.readout)
        return known or measure_width(self._engine(), self.backbone)

    @cached_property
    def widths(self):
        """Length of the vectors, layer by layer."""
        if len(self.readout.layers) > 1:
            return measure_layers(self.backbone, self.readout)
        return [self.width]

    def _engine(self):
        return open_engine(self.backbone, self.readout, self.plan)

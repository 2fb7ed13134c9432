"""Which net was fitted, whatever the parameters have been set to since."""

import os
from dataclasses import dataclass, fields
from numbers import Integral

from torch import nn


@dataclass(frozen=True)
class NetChoice:
    """The parameters of a CNNClassifier that say which net it has.

    Plain values, so that they can stand in a saved file; but a module of the user's own
    is itself, which a pickle takes along and a saved file refuses.

    Parameters
    ----------
    backbone : str or Module
    weights : str or None
    size : int, tuple or None
    trainable : str or list of str
    dropout : float
    compile : bool
    """

    backbone: object
    weights: str | None
    size: object
    trainable: object
    dropout: float
    compile: bool

    @classmethod
    def of(cls, cnn):
        """What the parameters of a CNNClassifier say now."""
        backbone, trainable, size = cnn.backbone, cnn.trainable, cnn.size
        if size is not None:
            size = int(size) if isinstance(size, Integral) else tuple(map(int, size))
        if not isinstance(trainable, str):
            trainable = [str(pattern) for pattern in trainable]
        return cls(
            backbone=backbone if isinstance(backbone, nn.Module) else str(backbone),
            weights=None if cnn.weights is None else str(os.fspath(cnn.weights)),
            size=size,
            trainable=trainable,
            dropout=float(cnn.dropout),
            compile=bool(cnn.compile),
        )

    @classmethod
    def of_fitted(cls, cnn):
        """What they said when it was fitted; of an older file, what they say now."""
        return cls(**cnn._chosen) if hasattr(cnn, "_chosen") else cls.of(cnn)

    def as_dict(self):
        """Plain values, for a file."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def say(self, names):
        """``name=value`` of some of them; a module by its address, not its layers."""
        values = [getattr(self, name) for name in names]
        said = [
            object.__repr__(value) if isinstance(value, nn.Module) else repr(value)
            for value in values
        ]
        return ", ".join(map("=".join, zip(names, said, strict=True)))


def check_same_net(cnn, size):
    """Refuse to go on with another net than the one that is asked for.

    Parameters
    ----------
    cnn : CNNClassifier
        Fitted.
    size : tuple of (int, int)
        Height and width in pixels of what its net sees.

    Raises
    ------
    ValueError
        If its backbone, weights or size have been set to others since.
    """
    fitted, asked = NetChoice.of_fitted(cnn), NetChoice.of(cnn)
    names = ["backbone", "weights"]
    if asked.size != fitted.size and _as_pair(asked.size) != size:
        names.append("size")
    names = [name for name in names if getattr(asked, name) != getattr(fitted, name)]
    if names:
        raise ValueError(
            "partial_fit, and fit with warm_start=True, go on with the net that was "
            f"fitted, with {fitted.say(names)}. Got {asked.say(names)}; set it back, "
            "or fit a new net with warm_start=False."
        )


def _as_pair(size):
    return (size, size) if isinstance(size, int) else size

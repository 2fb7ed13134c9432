"""What an estimator of ours says of itself, beyond scikit-learn's tags.

Nobody asks for a class by its name: an estimator has a method ``__imgfeat_traits__``
that returns `Traits`, as a subclass or an estimator of a user's own may. Two things are
said elsewhere: scikit-learn's tag ``requires_fit`` tells whether it learns, and its
method ``_cache_facts`` what its rows depend on besides its parameters.
"""

from dataclasses import dataclass

# Largest error of outputs, relative to the largest value (at least 1 for scores).
# float32 sums in another order differ by 1e-6 or so, and what follows (a scaler, a
# classifier) may enlarge that.
TOLERANCE = 1e-3


@dataclass(frozen=True)
class Traits:
    """What somebody who saves, loads or runs an estimator has to know of it.

    Parameters
    ----------
    holds_net : bool, default=False
        It runs a net, so that torch is needed wherever it is loaded.
    takes_any_size : bool, default=False
        It brings images of any size to one of its own.
    device_param : str, optional
        The parameter that binds it to a device.
    learns_without_labels : bool, default=False
        What it learns, it learns from the images alone.
    tolerance : float
        How far its outputs may differ on another machine, of the largest value.
    """

    holds_net: bool = False
    takes_any_size: bool = False
    device_param: str | None = None
    learns_without_labels: bool = False
    tolerance: float = TOLERANCE


def traits_of(thing):
    """The `Traits` of an estimator; the usual ones of what says nothing."""
    method = getattr(type(thing), "__imgfeat_traits__", None)
    return Traits() if method is None else method(thing)

"""Learning rates over the course of a training, as functions of its progress."""

import math

SCHEDULES = ("onecycle", "cosine", None)
# Share of the steps in which onecycle's rate rises, and where it starts and ends.
_RISE, _START, _END = 0.25, 0.04, 0.002


def rate(schedule, progress):
    """The share of the highest rate at some point of the training.

    Parameters
    ----------
    schedule : {"onecycle", "cosine", None}
        "onecycle" rises linearly in the first quarter and falls as a half cosine [1]_;
        "cosine" only falls; None stays.
    progress : float
        From 0, at the first step, to 1, at the last.

    References
    ----------
    .. [1] L. Smith and N. Topin, "Super-convergence", 2018,
       :doi:`10.48550/arXiv.1708.07120`. The fall ends near zero here, where they add a
       third phase.
    """
    if schedule is None:
        return 1.0
    rise = _RISE if schedule == "onecycle" else 0.0
    if progress < rise:
        return _START + (1 - _START) * progress / rise
    fall = (progress - rise) / (1 - rise)
    return _END + (1 - _END) * (1 + math.cos(math.pi * min(fall, 1.0))) / 2

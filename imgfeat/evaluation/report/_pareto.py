"""Accuracy against speed, as places in an inline SVG."""

from itertools import pairwise

import numpy as np

WIDTH, HEIGHT = 420, 300  # units; letters are 13 of them high
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 10, 12, 44
_LETTER = 7.8  # how wide one is, at most on average
_LINE = 15
_MAX_NAMED = 25  # points; of more only those on the front have a name


def pareto_picture(names, scores, milliseconds):
    """Place candidates by score and time, and their names where there is room.

    Parameters
    ----------
    names : list of str
        As they are shown.
    scores, milliseconds : ndarray of shape (n_candidates,)
        Finite; the times positive.

    Returns
    -------
    dict
        ``points`` with name and place, ``front`` (points of a polyline through those
        that none is both better and faster than), ``x_ticks``, ``y_ticks``.
    """
    x, x_ticks = _log_scale(milliseconds)
    y, y_ticks = _linear_scale(scores)
    on_front = _on_front(scores, milliseconds)
    order = np.lexsort([-scores, milliseconds])
    front = [(x[i], y[i]) for i in order if on_front[i]]
    points = [
        {"name": name, "x": x[i], "y": y[i], "on_front": bool(on_front[i])}
        | {"score": float(scores[i]), "milliseconds": float(milliseconds[i])}
        for i, name in enumerate(names)
    ]
    _place_names(points, front)
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "frame": (_LEFT, _TOP, WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM),
        "points": points,
        "front": " ".join(f"{right:.1f},{down:.1f}" for right, down in front),
        "x_ticks": x_ticks,
        "y_ticks": y_ticks,
    }


def _on_front(scores, milliseconds):
    """Whether none is faster and as good, or as fast and better."""
    better = scores[:, np.newaxis] > scores
    faster = milliseconds[:, np.newaxis] < milliseconds
    as_good = scores[:, np.newaxis] >= scores
    as_fast = milliseconds[:, np.newaxis] <= milliseconds
    return ~((better & as_fast) | (faster & as_good)).any(axis=0)


def _log_scale(values):
    low, high = np.log10(values.min()), np.log10(values.max())
    margin = max(0.15, 0.15 * (high - low))
    low, high = low - margin, high + margin
    steps = (1,) if high - low > 4 else (1, 3) if high - low > 2 else (1, 2, 5)
    ticks = [
        (step * 10.0**power)
        for power in range(int(np.floor(low)), int(np.ceil(high)))
        for step in steps
    ]
    span = WIDTH - _LEFT - _RIGHT

    def place(value):
        return _LEFT + span * (np.log10(value) - low) / (high - low)

    shown = [(place(t), f"{t:g}") for t in ticks if low <= np.log10(t) <= high]
    return place(values), shown


def _linear_scale(values):
    low, high = values.min(), values.max()
    margin = max(0.005, 0.12 * (high - low))
    low, high = low - margin, high + margin
    rough = (high - low) / 6
    unit = 10.0 ** np.floor(np.log10(rough))
    step = next(s * unit for s in (1, 2, 5, 10) if s * unit >= rough)
    span = HEIGHT - _TOP - _BOTTOM

    def place(value):
        return _TOP + span * (high - value) / (high - low)

    ticks = np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step
    digits = max(0, int(-np.floor(np.log10(step) + 1e-9)))
    return place(values), [(place(t), f"{t:.{digits}f}") for t in ticks]


def _place_names(points, front):
    """Give each point ``label``: x, baseline and anchor of its name, or None.

    The first place that covers no point, no other name and no line; the front is
    served first. ``leader`` is where a line from a point to a far name ends.
    """
    taken = [(p["x"] - 5, p["y"] - 5, p["x"] + 5, p["y"] + 5) for p in points]
    taken += [(x - 1, y - 1, x + 1, y + 1) for x, y in _along(front)]
    ranked = sorted(points, key=lambda p: (not p["on_front"], p["y"]))
    for number, point in enumerate(ranked):
        point["label"] = point["leader"] = None
        if number >= _MAX_NAMED and not point["on_front"]:
            continue
        width = _LETTER * len(point["name"])
        places = list(_places(point["x"], point["y"], width))
        free = [p for p in places if not any(_overlap(p[0], t) for t in taken)]
        box, x, anchor = next(iter(free), places[-1])
        taken.append(box)
        point["label"] = x, box[3] - 4, anchor
        middle = (box[1] + box[3]) / 2
        if abs(middle - point["y"]) > 1.6 * _LINE:
            near = min(max(point["x"], box[0]), box[2])
            point["leader"] = near, middle


def _along(front):
    """Places along a line, close together."""
    for (x1, y1), (x2, y2) in pairwise(front):
        for share in np.linspace(0, 1, 2 + int(np.hypot(x2 - x1, y2 - y1) / 5)):
            yield x1 + share * (x2 - x1), y1 + share * (y2 - y1)


def _places(x, y, width):
    """Where a name may stand, the best first: its box, and its x by its anchor.

    A box is left, top, right, bottom.
    """
    sides = [(x + 8, x + 8, "start"), (x - 8 - width, x - 8, "end")]
    middle = (x - width / 2, x, "middle")
    for shift in (0, 1, -1, 2, -2, 3, -3, 4, -4, 6, -6, 8, -8):
        top = y + shift * _LINE * 0.9 - _LINE / 2
        # Straight above and below comes first, as it is nearest.
        for left, at, anchor in [middle, *sides] if shift else sides:
            inside = left >= _LEFT + 2 and left + width <= WIDTH - 2
            if inside and top >= 0 and top + _LINE <= HEIGHT - _BOTTOM:
                yield (left, top, left + width, top + _LINE), at, anchor
    left = min(max(x + 8, _LEFT + 2), max(WIDTH - width - 2, 2))
    yield (left, y - _LINE / 2, left + width, y + _LINE / 2), left, "start"


def _overlap(one, other):
    return (
        one[0] < other[2] and other[0] < one[2]
        and one[1] < other[3] and other[1] < one[3]
    )  # fmt: skip

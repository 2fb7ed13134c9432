"""Names with a pattern in them: ``*.jpg``, ``part-{000..127}.tar``."""

import itertools
import math
import re

_BRACES = re.compile(r"\{(?:(\d{1,9})\.\.(\d{1,9})|([^{}]*,[^{}]*))\}")
_MOST = 1_000_000


def has_wildcard(text):
    """Whether ``*``, ``?`` or ``[`` stands in it."""
    return any(sign in text for sign in "*?[")


def has_braces(text):
    """Whether braces stand in it that `expand_braces` knows."""
    return _BRACES.search(text) is not None


def expand_braces(text):
    """Return the names that a shell would make of it, in order.

    ``{08..11}`` counts, with as many digits as its ends have; ``{a,b}`` is one of
    these. What is neither stays as it is.

    Raises
    ------
    ValueError
        If there would be more than a million.
    """
    fixed, choices, end = [], [], 0
    for found in _BRACES.finditer(text):
        fixed.append(text[end : found.start()])
        choices.append(_choices_of(*found.groups()))
        end = found.end()
    count = math.prod(map(len, choices))
    if count > _MOST:
        raise ValueError(
            f"{text} needs to name at most {_MOST:,} files. Got {count:,}; correct the "
            "braces."
        )
    return [
        "".join(map(str.__add__, fixed, map(str, chosen))) + text[end:]
        for chosen in itertools.product(*choices)
    ]


def _choices_of(low, high, words):
    if words is not None:
        return words.split(",")
    # As a shell has it, 0 by itself asks for no leading zeros.
    is_padded = any(end != str(int(end)) for end in (low, high))
    width = max(map(len, (low, high))) if is_padded else 0
    low, high = int(low), int(high)
    step = 1 if low <= high else -1
    numbers = range(low, high + step, step)
    if len(numbers) > _MOST:
        return numbers  # which is refused before it is written out
    return [f"{number:0{width}}" for number in numbers]

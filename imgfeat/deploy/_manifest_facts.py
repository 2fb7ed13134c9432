"""What is read out of a manifest, in which anybody may have written anything."""


def dict_in(mapping, key):
    """The dict that stands there, or an empty one for whatever else does."""
    found = mapping.get(key) if isinstance(mapping, dict) else None
    return found if isinstance(found, dict) else {}


def printable(value):
    """Text that writes no commands to a terminal."""
    return "".join(sign if sign.isprintable() else "?" for sign in str(value))


def thresholds_in(manifest):
    """Pairs of a label and its threshold, of a model that has some."""
    pairs = manifest.get("thresholds")
    return [
        (pair[0], pair[1])
        for pair in (pairs if isinstance(pairs, list) else [])
        if isinstance(pair, list) and len(pair) == 2 and isinstance(pair[1], float)
    ]

"""Warnings that are worth one in a process."""

import warnings

_told = set()


def warn_once(topic, message, category):
    """Warn, unless a warning of this topic was given before.

    Parameters
    ----------
    topic : object
        Hashable; what messages of other words have in common.
    message : str
    category : type
    """
    if topic not in _told:
        _told.add(topic)
        # The place that matters to a user is theirs, far up; a level cannot name it.
        warnings.warn(message, category, stacklevel=2)

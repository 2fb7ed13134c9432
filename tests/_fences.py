"""What stands in the fences of a Markdown page. Standard library only."""

import re

_FENCE = re.compile(r"^```([\w{}-]+)\n(.*?)^```", flags=re.DOTALL | re.MULTILINE)


def fences(text):
    """Languages and contents of all fences of a page, in their order.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of tuple of (str, str)
    """
    return _FENCE.findall(text)


def blocks(text, language):
    """Contents of the fences of one language, in their order."""
    return [block for kind, block in fences(text) if kind == language]

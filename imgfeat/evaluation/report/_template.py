"""Templates of this room, filled in."""

from functools import cache
from pathlib import Path

import jinja2


def render(name, **facts):
    """Fill in a template; text is escaped, and a fact that is missing is an error.

    Parameters
    ----------
    name : str
        Of a file beside this one.
    **facts
        What the template names.

    Returns
    -------
    str
    """
    return _environment().get_template(name).render(**facts)


@cache
def _environment():
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

"""Templates of this room, filled in."""

import base64
import hashlib
import unicodedata
from functools import cache
from pathlib import Path

import jinja2
import markupsafe

HERE = Path(__file__).parent
MAX_SHOWN = 200  # characters of a name; what is longer nobody reads
_UNSEEN = {"Cc", "Cs", "Co", "Cn"}  # controls, halves of characters, no characters
# Marks that turn the direction of all text behind them.
_TURNS = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def render(name, *, folder=HERE, script=None, **facts):
    """Fill in a template; text is escaped, and a fact that is missing is an error.

    Parameters
    ----------
    name : str
    folder : Path
        Where the file lies; it may use the parts that lie beside this one.
    script : str, optional
        Name of the file, beside this one, whose code the page runs. The page lets the
        browser run nothing else.
    **facts
        What the template names.

    Returns
    -------
    str
    """
    code = None if script is None else (HERE / script).read_text("utf-8")
    return _environment(folder).get_template(name).render(code=code, **facts)


def plain(value, length=MAX_SHOWN):
    """A name as text of one line that turns no other text round, cut if it is long.

    >>> plain("a\\nb" + 300 * "c", length=9)
    'a bc…cccc'
    """
    text = " ".join(str(value)[: 4 * length].split())
    if str(value)[4 * length :]:
        text += str(value)[-length:]
    if len(text) > length:
        text = text[: (length - 1) // 2] + "…" + text[-(length // 2) :]
    return "".join("\ufffd" if _is_unseen(letter) else letter for letter in text)


def isolated(value):
    """A name that may be of another direction of writing than the page."""
    return markupsafe.Markup("<bdi>{}</bdi>").format(plain(value))


def _is_unseen(letter):
    return letter in _TURNS or unicodedata.category(letter) in _UNSEEN


def _hash(code):
    """What a Content-Security-Policy knows a script by."""
    digest = hashlib.sha256(code.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


@cache
def _environment(folder):
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([folder, HERE]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"plain": plain, "name": isolated, "hash": _hash}
    return environment

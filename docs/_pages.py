"""Pages that are made of what stands elsewhere: the rooms' lists, CONTRIBUTING.md."""

import importlib
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
FILES = "https://github.com/imgfeat/imgfeat/blob/main/"


def rooms():
    """Names of the rooms that have a public list, in the order that data moves."""
    text = (ROOT / "imgfeat" / "__init__.pyi").read_text()
    named = re.findall(r"^from \. import (\w+) as", text, flags=re.MULTILINE)
    order = "sources preprocess nets features estimators evaluation deploy studies"
    listed = [
        room for room in named if (ROOT / "imgfeat" / room / "__init__.pyi").exists()
    ]
    return sorted(listed, key=order.split().index)


def reference_page(room):
    """The page of a room: what it is, and its public names as a table of links."""
    module = importlib.import_module(f"imgfeat.{room}")
    title = f"imgfeat.{room}"
    names = "\n".join(f"   {name}" for name in sorted(module.__all__))
    return (
        f"{title}\n{'=' * len(title)}\n\n{module.__doc__.strip()}\n\n"
        f".. currentmodule:: {title}\n\n"
        f".. autosummary::\n   :toctree: generated\n\n{names}\n"
    )


def write_reference(folder):
    """Write the page of every room, and one that lists them; nothing if unchanged."""
    folder.mkdir(exist_ok=True)
    listed = "\n".join(f"   {room}" for room in rooms())
    pages = {room: reference_page(room) for room in rooms()}
    pages["index"] = (
        "Reference\n=========\n\n"
        "The rooms, in the order that data moves. What is used most can be imported\n"
        f"from ``imgfeat`` itself.\n\n.. toctree::\n   :maxdepth: 1\n\n{listed}\n"
    )
    for name, text in pages.items():
        page = folder / f"{name}.rst"
        if not page.exists() or page.read_text() != text:
            page.write_text(text)


def read_contributing(app, docname, source):
    """Put CONTRIBUTING.md in the place of the page `develop`, its links made whole."""
    if docname == "develop":
        text = (ROOT / "CONTRIBUTING.md").read_text()
        source[0] = re.sub(r"\]\((?!https?:)([^)]+)\)", rf"]({FILES}\1)", text)


def end_links_of_others(app, what, name, obj, options, lines):
    """Leave the words of links in scikit-learn's docstrings: its pages are not here."""
    if (getattr(obj, "__module__", None) or "").startswith("sklearn."):
        text = "\n".join(lines)
        text = re.sub(r":(?:ref|term):`([^`<]*?)\s*(?:<[^`]*>)?`", r"\1", text)
        lines[:] = text.split("\n")

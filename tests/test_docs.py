"""The pages of docs/ hold: their code runs, their commands and links are there."""

import importlib
import re
import shlex
import sys
from pathlib import Path

import pytest
import typer

from imgfeat.cli import app
from tests._fences import blocks
from tests._photos import write_photo_folder

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
# Nets, and comparisons of several recipes.
SLOW = {"coming-from/embetter", "coming-from/fastai", "coming-from/autogluon"}
SLOW |= {"coming-from/torchvision-timm", "guide/extract", "guide/train"}
SLOW |= {"howto/small-data", "howto/offline-machine", "howto/zero-shot"}
PAGES = sorted(
    page
    for page in DOCS.rglob("*.md")
    if page.relative_to(DOCS).parts[0] not in {"_build", "auto_examples"}
)
COMMANDS = typer.main.get_command(app).commands
# Made by the build, of what stands elsewhere.
MADE = {"auto_examples/index", "api/index"}


def name_of(page):
    return str(page.relative_to(DOCS).with_suffix(""))


def command_lines():
    """Every ``imgfeat ...`` in a block of shell, with its page."""
    for page in PAGES:
        for block in blocks(page.read_text(), "sh"):
            for line in block.replace("\\\n", " ").splitlines():
                words = shlex.split(line, comments=True)
                if words[:1] == ["imgfeat"]:
                    yield pytest.param(words[1:], id=f"{name_of(page)}: {line[:50]}")


def named(words):
    """The command that `words` begin with, and the words behind its name."""
    command, words = COMMANDS[words[0]], words[1:]
    if hasattr(command, "commands"):
        command, words = command.commands[words[0]], words[1:]
    return command, words


@pytest.fixture(scope="module")
def photos_to_copy(tmp_path_factory):
    return write_photo_folder(tmp_path_factory.mktemp("docs") / "photos", 12)


def pages_with_code():
    for page in PAGES:
        if blocks(page.read_text(), "python"):
            marks = [pytest.mark.slow] if name_of(page) in SLOW else []
            yield pytest.param(page, marks=marks, id=name_of(page))


@pytest.mark.parametrize("page", pages_with_code())
def test_the_code_of_a_page_runs_from_top_to_bottom(
    page, photos_to_copy, tmp_path, monkeypatch, capsys
):
    (tmp_path / "photos").symlink_to(photos_to_copy)
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "page"}
    for code in blocks(page.read_text(), "python"):
        exec(compile(code, str(page), "exec"), names)
        assert capsys.readouterr().out  # every block ends by printing what it found


@pytest.mark.parametrize("words", command_lines())
def test_a_command_of_a_page_takes_the_options_that_it_is_given(words):
    command, words = named(words)
    context = command.context_class(command)
    _, left, _ = command.make_parser(context).parse_args(words)
    assert not left


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_between_pages_lead_to_one(page):
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)[^)]*\)", page.read_text())
    assert not [link for link in links if not (page.parent / link).exists()]


def test_every_page_is_in_a_table_of_contents():
    listed = {"index"}
    for page in PAGES:
        for block in blocks(page.read_text(), "{toctree}"):
            lines = block.splitlines()
            names = [line for line in lines if line and not line.startswith(":")]
            folder = page.parent.relative_to(DOCS)
            listed |= {str(folder / name) for name in names}
    assert {name_of(page) for page in PAGES} == listed - MADE


def test_the_reference_has_every_public_name_of_every_room(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(DOCS)
    monkeypatch.delitem(sys.modules, "_pages", raising=False)
    pages = importlib.import_module("_pages")
    pages.write_reference(tmp_path)
    for room in pages.rooms():
        public = importlib.import_module(f"imgfeat.{room}").__all__
        listed = re.findall(r"^   (\w+)$", (tmp_path / f"{room}.rst").read_text(), re.M)
        assert listed == sorted(public)

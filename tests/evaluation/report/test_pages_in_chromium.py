"""Pages as a browser shows them, at two widths; one browser for all of these tests."""

import numpy as np
import pytest

from imgfeat import evaluate
from tests._browser import chromium, find_chromium
from tests.evaluation.report._made_up import NASTY, made_up, write_pictures
from tests.evaluation.report.test_evaluation_page import Fixed

pytestmark = pytest.mark.skipif(
    find_chromium() is None, reason="there is no Chromium on this machine"
)
WIDTHS = [1280, 390]
# Boxes whose right end lies outside of the page, and that nothing scrolls or folds.
CUT = """
[...document.querySelectorAll("main *, header *, footer *")].filter(
  (e) => !e.closest(".wide, svg") && e.checkVisibility()
         && e.getBoundingClientRect().right > innerWidth + 1
).map((e) => e.outerHTML.slice(0, 80))
"""
CONTRAST = """
(() => {
  const light = (color) => {
    const [r, g, b] = color.match(/[\\d.]+/g).map(Number).map((v) => v / 255)
      .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const color = getComputedStyle(e).backgroundColor;
      if (!/, 0\\)$/.test(color) && color !== "transparent") return color;
    }
    return "rgb(255, 255, 255)";
  };
  const low = [];
  for (const e of document.querySelectorAll("body *")) {
    const says = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!says || e.closest("svg, .confusion, script") || !e.checkVisibility()) continue;
    const two = [getComputedStyle(e).color, behind(e)].map(light);
    const ratio = (Math.max(...two) + 0.05) / (Math.min(...two) + 0.05);
    if (ratio < 4.5) low.push(e.outerHTML.slice(0, 80));
  }
  return low;
})()
"""


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("profile")) as tab:
        yield tab


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A page of every kind, by name."""
    folder = tmp_path_factory.mktemp("pages")
    photos = write_pictures(folder, 60)
    few = made_up(photos, ["ant", "bee", "fly"], all_wrong=[7])
    few.save_html(folder / "few.html", title="Three classes")
    many = [f"class {number:03}" for number in range(40)]
    made_up(photos, many, all_wrong=[7]).save_html(folder / "many.html")
    nasty = [f"{NASTY}{number}" for number in range(2)]
    found = made_up(
        photos, nasty, [*nasty, "x" * 300], errors=[(nasty[1], 1, NASTY)], all_wrong=[3]
    )
    about = {"command": NASTY + 500 * "y"}
    found.save_html(folder / "nasty.html", title=NASTY, about=about)
    proba = np.tile([0.2, 0.8], (60, 1))
    one = evaluate(Fixed(["ant", "bee"], proba), photos, 30 * ["ant", "bee"])
    one.save_html(folder / "one.html", n_pictures=5)
    return {path.stem: path for path in folder.glob("*.html")}


def unfold_all(tab):
    tab.ask("for (const d of document.querySelectorAll('details')) d.open = true")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["few", "many", "nasty", "one"])
def test_nothing_is_cut_fetched_or_complained_of(tab, pages, name, width):
    tab.open(pages[name], width)
    unfold_all(tab)
    assert tab.ask("document.documentElement.scrollWidth") == width
    assert tab.ask(CUT) == []
    assert tab.complaints() == []
    assert [u for u in tab.fetched() if not u.startswith("data:")] == [
        pages[name].as_uri()
    ]


def test_nothing_that_a_name_holds_is_run(tab, pages):
    tab.open(pages["nasty"], 1280)
    assert tab.ask("document.scripts.length") == 1
    assert tab.ask("document.querySelectorAll('h1 *:not(bdi)').length") == 0
    # Not even a script that comes to be there.
    tab.ask(
        "document.head.append(Object.assign(document.createElement('script'),"
        " {textContent: 'document.title = \"run\"'}))"
    )
    assert tab.ask("document.title") != "run"


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", ["few", "one"])
def test_text_has_contrast_by_day_and_by_night(tab, pages, name, dark):
    tab.open(pages[name], 1280, dark=dark)
    unfold_all(tab)
    assert tab.ask(CONTRAST) == []
    page = tab.ask("getComputedStyle(document.body).backgroundColor")
    assert page == ("rgb(20, 24, 31)" if dark else "rgb(255, 255, 255)")


def first_names(tab):
    column = "[...document.querySelectorAll('.sortable tbody th a')]"
    return tab.ask(f"{column}.map((a) => a.textContent)")


def sorted_by(tab):
    heads = "[...document.querySelectorAll('.sortable thead th')]"
    return tab.ask(
        f"{heads}.filter((h) => h.ariaSort).map((h) => [h.textContent, h.ariaSort])"
    )


def test_a_click_sorts_and_another_one_the_other_way_round(tab, pages):
    tab.open(pages["few"], 1280)
    assert sorted_by(tab) == [["accuracy", "descending"]]
    best_first = first_names(tab)
    heads = "document.querySelectorAll('.sortable thead button')"
    tab.ask(f"{heads}[1].click()")
    assert sorted_by(tab) == [["accuracy", "ascending"]]
    assert first_names(tab) == best_first[::-1]
    tab.ask(f"{heads}[0].click()")
    assert first_names(tab) == ["fast", "poor", "slow"]
    tab.ask(f"{heads}[3].click()")  # milliseconds: the fastest first
    assert sorted_by(tab) == [["ms an image", "ascending"]]
    assert first_names(tab) == ["poor", "fast", "slow"]


def test_the_keyboard_sorts_too(tab, pages):
    tab.open(pages["few"], 1280)
    tab.ask("document.querySelector('.sortable thead button').focus()")
    tab.press("Enter", 13)
    assert sorted_by(tab) == [["candidate", "ascending"]]
    tab.press("Tab", 9)
    assert tab.ask("document.activeElement.textContent") == "accuracy"
    ring = tab.ask("getComputedStyle(document.activeElement).outlineWidth")
    assert ring == "3px"


def test_a_link_to_a_candidate_unfolds_it(tab, pages):
    tab.open(pages["few"], 1280)
    opened = "document.querySelectorAll('details.candidate[open]').length"
    assert tab.ask(opened) == 0
    tab.ask("document.querySelector('nav a[href=\"#candidate-1\"]').click()")
    assert tab.ask(opened) == 1
    tab.open(pages["few"], 1280, place="#candidate-2")
    assert tab.ask("document.querySelector('#candidate-2').open")


def test_the_first_column_stays_where_a_table_is_wider_than_the_screen(tab, pages):
    tab.open(pages["few"], 390)
    name = "document.querySelector('.sortable tbody th').getBoundingClientRect().left"
    before = tab.ask(name)
    tab.ask("document.querySelector('.wide').scrollLeft = 200")
    assert tab.ask("document.querySelector('.wide').scrollLeft") > 100
    assert tab.ask(name) == before


def test_a_screen_reader_finds_its_way(tab, pages):
    tab.open(pages["few"], 1280)
    unfold_all(tab)
    assert tab.ask("document.documentElement.lang") == "en"
    for landmark in ("header", "nav[aria-label]", "main", "footer", "h1"):
        assert tab.ask(f"document.querySelectorAll('{landmark}').length") == 1
    pictures = "[...document.images]"
    assert tab.ask(f"{pictures}.every((i) => i.alt)")
    tab.ask(f"{pictures}.forEach((i) => {{ i.loading = 'eager' }})")
    tab.ask(f"Promise.all({pictures}.map((i) => i.decode())).then(() => 0)")
    assert tab.ask(f"{pictures}.every((i) => i.naturalWidth > 0)")
    pictures = "[...document.querySelectorAll('svg')]"
    assert tab.ask(f"{pictures}.every((s) => s.role === 'img' && s.ariaLabel)")
    regions = "[...document.querySelectorAll('.wide')]"
    assert tab.ask(f"{regions}.every((r) => r.tabIndex === 0 && r.ariaLabel)")
    levels = tab.ask(
        "[...document.querySelectorAll('h1,h2,h3,h4')].map((h) => +h.tagName[1])"
    )
    assert max(np.diff(levels)) == 1


def test_what_is_folded_is_printed(tab, pages):
    tab.open(pages["few"], 1280)
    tab.call("Emulation.setEmulatedMedia", media="print")
    tab.ask("dispatchEvent(new Event('beforeprint'))")
    assert tab.ask("document.querySelectorAll('details.candidate[open]').length") == 3
    boxes = "[...document.querySelectorAll('.tall')]"
    assert tab.ask(f"{boxes}.every((b) => b.scrollHeight <= b.clientHeight)")
    assert not tab.ask("document.querySelector('nav').checkVisibility()")
    tab.call("Emulation.setEmulatedMedia", media="")

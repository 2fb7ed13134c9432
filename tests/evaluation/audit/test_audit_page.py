"""Tests for imgfeat/evaluation/audit/_audit_page.py and the script of the page."""

import io
import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from imgfeat.evaluation.audit._audit_result import Audit
from imgfeat.evaluation.audit._findings import KINDS
from imgfeat.evaluation.audit._label_texts import LabelTexts
from imgfeat.sources import load_image_table
from tests._chromium import open_page
from tests.evaluation.audit._issues import make_audit, write_pictures
from tests.evaluation.audit.test_corrections import NASTY
from tests.evaluation.report.test_evaluation_page import Page as WholePage

HOSTILE = "</script><script>alert(1)</script>\"'&<b>"


class Page(WholePage):
    """One with fields to fill in."""

    def handle_starttag(self, tag, attrs):
        if tag == "input":
            self.handle_startendtag(tag, attrs)
        else:
            super().handle_starttag(tag, attrs)


def page_of(audit, tmp_path, **options):
    path = tmp_path / "audit.html"
    audit.save_html(path, **options)
    return Page(path.read_text("utf-8"))


def audit_of(paths, labels, findings, **columns):
    images = pd.DataFrame({"path": paths, "label": labels, **columns})
    return make_audit(images, findings)


@pytest.fixture
def photos(tmp_path):
    return write_pictures(tmp_path / "photos", [f"{row}.png" for row in range(6)])


FOUND = [
    (1, "unreadable"),
    *((2, "exact duplicate", 0), (3, "exact duplicate", 0)),
    (4, "label error", -1, "b"),
    (5, "label error", -1, "a"),
    (4, "dark"),
]
CHOOSE = """
const choose = (row, what) => {
  document.querySelector(`[data-row="${row}"] input[value=${what}]`).click();
};
const type = (row, text) => {
  const input = document.querySelector(`[data-row="${row}"] input[type=text]`);
  input.value = text;
  input.dispatchEvent(new Event("input", {bubbles: true}));
};
const said = () => document.getElementById("said").textContent;
const write = async () => {
  const before = files.length;
  document.getElementById("write").click();
  return files.length > before ? await files.at(-1) : null;
};
"""


def test_findings_stand_by_kind_with_the_most_urgent_first(photos, tmp_path):
    page = page_of(audit_of(photos, list("aaaaab"), FOUND), tmp_path)
    ids = [attrs["id"] for attrs in page.all("h2")]
    assert ids == ["unreadable", "label-error", "exact-duplicate", "dark"]
    links = [a["href"] for a in page.all("a") if a["href"].startswith("#")]
    assert links == [f"#{name}" for name in ids]


def test_a_picture_stands_in_the_page_once(photos, tmp_path):
    page = page_of(audit_of(photos, list("aaaaab"), FOUND), tmp_path)
    pictures = page.all("img")
    assert len(pictures) == 6
    sources = [p["src"] for p in pictures if "src" in p]
    assert len(sources) == len(set(sources)) == 5
    assert [p["data-of"] for p in pictures if "src" not in p] == ["p4"]
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)


def test_what_cannot_be_read_has_an_empty_frame(photos, tmp_path):
    (tmp_path / "photos" / "1.png").write_bytes(b"no image")
    page = page_of(audit_of(photos, list("aaaaab"), FOUND), tmp_path)
    assert page.text.count("cannot be read<") == 1


def test_everything_is_escaped(tmp_path):
    images = pd.DataFrame({"path": [f"/{HOSTILE}.png"] * 2, "label": [HOSTILE, "b"]})
    audit = make_audit(images, [(0, "label error", -1, HOSTILE)], (HOSTILE,))
    page = page_of(audit, tmp_path, title=HOSTILE, about={HOSTILE: HOSTILE})
    assert len(page.all("script")) == 2  # the data, and ours
    assert "alert(1)</script>" not in page.text


def test_nothing_is_fetched(photos, tmp_path):
    page = page_of(audit_of(photos, list("aaaaab"), FOUND), tmp_path)
    policies = [m for m in page.all("meta") if "http-equiv" in m]
    assert policies[0]["content"].startswith("default-src 'none'; img-src data:;")
    for _, attrs in page.tags:
        for source in filter(None, (attrs.get("src"), attrs.get("href"))):
            assert re.match(r"data:|file:|#", source), source


def test_foot_says_when_and_of_what(photos, tmp_path):
    audit = audit_of(photos, list("aaaaab"), FOUND)
    page = page_of(audit, tmp_path, about={"command": "imgfeat audit photos"})
    foot = page.text[page.text.index("<footer>") :]
    for word in ("imgfeat audit photos", "date", "versions", "machine"):
        assert word in foot


def test_nothing_found_is_said(photos, tmp_path):
    page = page_of(audit_of(photos, list("aaaaab"), []), tmp_path)
    assert "Nothing was found in 6 images" in page.text


def test_arrays_have_pictures_and_no_table(tmp_path):
    images = pd.DataFrame({"path": ["", ""], "label": ["a", "b"]})
    issues = make_audit(images, [(1, "dark")]).issues
    batch = np.full((2, 8, 8, 3), 30, dtype=np.uint8)
    page = page_of(Audit(issues, images, (), batch), tmp_path)
    assert len(page.all("img")) == 1 and "image 1" in page.text
    assert "The images are no files" in page.text and page.all("button") == []


def noise_files(n, side=200):
    """Encoded pictures that no JPEG makes small."""
    rng = np.random.default_rng(0)
    files = []
    for _ in range(8):
        buffer = io.BytesIO()
        pixels = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(buffer, "jpeg")
        files.append(buffer.getvalue())
    return [files[row % 8] for row in range(n)]


def big_audit(n, kinds):
    images = pd.DataFrame({"path": [f"/data/train/{row:06}.jpg" for row in range(n)]})
    images["label"] = "a"
    found = [(row, kinds[row % len(kinds)]) for row in range(n)]
    audit = make_audit(images, found)
    return Audit(audit.issues, images, (), noise_files(n))


def test_500_findings_take_at_most_3_megabytes(tmp_path):
    page = page_of(big_audit(500, ["dark", "blurred", "outlier"]), tmp_path)
    assert len(page.all("img")) == 500
    assert len(page.text) <= 3_000_000


def test_more_findings_than_have_room_are_counted(tmp_path):
    audit = big_audit(3000, [*["dark"] * 9, "unreadable"])
    page = page_of(audit, tmp_path, n_findings=60)
    assert len([a for _, a in page.tags if "data-row" in a]) == 60
    assert page.text.count("not shown here") == 2
    drops = audit.corrected()  # counted, whether shown or not
    assert len(drops) == 2700


def test_pictures_end_where_the_page_is_full(tmp_path, monkeypatch):
    from imgfeat.evaluation.audit import _audit_page

    monkeypatch.setattr(_audit_page, "MAX_PAGE", 250_000)
    page = page_of(big_audit(100, ["dark"]), tmp_path)
    n_pictures = len(page.all("img"))
    assert 5 < n_pictures < 90
    assert f"no room for {100 - n_pictures} more pictures" in page.text
    assert len(page.text) < 250_000


def test_large_groups_show_their_first_images(photos, tmp_path):
    found = [(row, "exact duplicate", row // 20) for row in range(40)]
    images = pd.DataFrame({"path": photos * 7, "label": ["a"] * 42})
    page = page_of(make_audit(images, found), tmp_path)
    assert page.text.count("and 8 more copies") == 2
    assert len([a for _, a in page.tags if "data-row" in a]) == 24


def test_choices_are_counted_and_written(photos, tmp_path):
    audit = audit_of(photos, list("aaaaab"), FOUND)
    audit.save_html(tmp_path / "audit.html")
    script = f"""{CHOOSE}
      const told = [said(), await write()];
      choose(4, "relabel");
      choose(1, "keep");
      told.push(said());
      type(4, " c ");
      choose(5, "drop");
      told.push(said(), await write());
      type(4, "  ");
      told.push(said(), await write(), document.activeElement.ariaInvalid);
      tell(told);
    """
    told, said = open_page(tmp_path / "audit.html", tmp_path, script)
    assert said == []
    assert told[0] == "2 to drop, 0 to relabel, 4 of 6 stay."
    assert told[2] == "1 to drop, 1 to relabel, 5 of 6 stay."
    assert told[3].startswith("2 to drop, 1 to relabel, 4 of 6 stay; new: c;")
    assert "no image left of b" in told[3]
    assert "1 without a new label" in told[5]
    assert told[6:] == [None, "true"]  # and the field has the focus
    # As without a browser; what was chosen, in a table that the loader takes.
    audit.save_corrected(tmp_path / "corrected.csv")
    assert told[1] == (tmp_path / "corrected.csv").read_text()
    (tmp_path / "chosen.csv").write_text(told[4])
    loaded = load_image_table(tmp_path / "chosen.csv")
    assert list(loaded.images) == [photos[row] for row in (0, 1, 2, 4)]
    assert list(loaded.labels) == ["a", "a", "a", "c"]


def test_buttons_choose_for_a_whole_kind(photos, tmp_path):
    audit = audit_of(photos, list("aaaaab"), FOUND)
    audit.save_html(tmp_path / "audit.html")
    script = f"""{CHOOSE}
      const press = (id, what) =>
        document.querySelector(`[data-of=${{id}}] [data-what=${{what}}]`).click();
      press("exact-duplicate", "keep");
      press("unreadable", "keep");
      const told = [said()];
      press("label-error", "relabel");
      told.push(said(), await write());
      press("exact-duplicate", "drop");
      press("dark", "drop");
      told.push(said());
      tell(told);
    """
    told, said = open_page(tmp_path / "audit.html", tmp_path, script)
    assert said == []
    assert told[0] == "0 to drop, 0 to relabel, 6 of 6 stay."
    assert told[1] == "0 to drop, 2 to relabel, 6 of 6 stay."
    lines = told[2].splitlines()
    assert lines[5:] == [f"{photos[4]},b", f"{photos[5]},a"]
    assert told[3] == "2 to drop, 1 to relabel, 4 of 6 stay; no image left of b."


@pytest.mark.parametrize("in_columns", [False, True])
def test_several_labels_are_corrected_on_the_page(photos, tmp_path, in_columns):
    texts = LabelTexts(("a", "b", "c"), ";", in_columns)
    whole = audit_of(photos, ["a", "", "a;c", "a;c", "a;b", "b"], FOUND)
    audit = Audit(whole.issues, whole.images, (), whole._batch, texts)
    audit.save_html(tmp_path / "audit.html")
    script = f"""{CHOOSE}
      const told = [said(), await write()];
      type(4, " c ; a;c");
      type(5, "");
      told.push(said(), await write());
      type(5, "d");
      told.push(said(), await write());
      tell(told);
    """
    told, said = open_page(tmp_path / "audit.html", tmp_path, script)
    assert said == []
    assert told[0] == "2 to drop, 0 to relabel, 4 of 6 stay."
    audit.save_corrected(tmp_path / "corrected.csv")
    assert told[1] == (tmp_path / "corrected.csv").read_text()
    assert told[2].endswith("2 to relabel, 4 of 6 stay; no image left of b.")
    (tmp_path / "chosen.csv").write_text(told[3])
    how = {"label_columns": texts.names} if in_columns else {"label_separator": ";"}
    loaded = load_image_table(tmp_path / "chosen.csv", **how)
    assert list(loaded.labels) == [("a",), ("a", "c"), ("a", "c"), ()]
    if in_columns:
        assert "1 with a label that has no column" in told[4] and told[5] is None
    else:
        assert "new: d" in told[4] and told[5].endswith(",d\n")


def test_any_name_comes_back_from_the_page(tmp_path):
    paths = write_pictures(tmp_path / "photos", NASTY)
    labels = ['a,"b"', "=c", "007", "NA", "été", "None", "x\ny", "d", "</script>"]
    audit = audit_of(paths, labels, [(0, "dark"), (8, "dark")])
    audit.save_html(tmp_path / "audit.html")
    script = f"{CHOOSE} tell([await write(), said()]);"
    (text, counted), said = open_page(tmp_path / "audit.html", tmp_path, script)
    assert said == []
    assert counted == "0 to drop, 0 to relabel, 9 of 9 stay."
    (tmp_path / "chosen.csv").write_text(text, newline="")
    loaded = load_image_table(tmp_path / "chosen.csv")
    assert list(loaded.images) == paths
    assert list(loaded.labels) == labels


def test_the_console_says_nothing_of_the_page_as_it_is(photos, tmp_path):
    audit_of(photos, list("aaaaab"), FOUND).save_html(tmp_path / "audit.html")
    assert open_page(tmp_path / "audit.html", tmp_path)[1] == []


def test_images_without_labels_cannot_be_relabelled(photos, tmp_path):
    images = pd.DataFrame({"path": photos})
    make_audit(images, [(0, "unreadable")]).save_html(tmp_path / "audit.html")
    script = f"""{CHOOSE}
      const n = document.querySelectorAll("input[value=relabel]").length;
      tell([n, said(), await write()]);
    """
    (n, counted, text), said = open_page(tmp_path / "audit.html", tmp_path, script)
    assert said == []
    assert n == 0
    assert counted == "1 to drop, 5 of 6 stay."
    assert text.splitlines() == ["path", *photos[1:]]


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_window(width, photos, tmp_path):
    kinds = [(row % 6, kind, row % 2) for row, kind in enumerate(KINDS)]
    audit = audit_of(photos, ["a" * 60, *"aabb", "long name " * 9], kinds)
    audit.save_html(tmp_path / "audit.html", title="t" * 90)
    script = """
      const page = document.documentElement;
      const cut = [...document.querySelectorAll("body *")].filter(element =>
        element.getBoundingClientRect().right > page.clientWidth + 1);
      const said = document.getElementById("said").textContent;
      tell([page.clientWidth, page.scrollWidth, cut.length, said.split(",")[0]]);
    """
    told, said = open_page(tmp_path / "audit.html", tmp_path, script, width)
    assert said == []
    assert told == [width, width, 0, "2 to drop"]

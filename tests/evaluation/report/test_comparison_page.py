"""Tests for imgfeat/evaluation/report/_comparison_page.py, as far as text shows it."""

import re

import numpy as np
import pytest

from imgfeat.evaluation.report import _comparison_page
from tests.evaluation.report._made_up import NASTY, made_up, write_pictures
from tests.evaluation.report.test_evaluation_page import Page


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return write_pictures(tmp_path_factory.mktemp("photos"), 60)


def page_of(comparison, tmp_path, **options):
    comparison.save_html(tmp_path / "report.html", **options)
    return Page((tmp_path / "report.html").read_text())


def test_verdict_comes_first_then_table_speed_pictures_and_candidates(paths, tmp_path):
    found = made_up(paths, ["ant", "bee", "fly"], all_wrong=[7])
    text = page_of(found, tmp_path).text
    places = [
        text.index(part)
        for part in (
            str(found.verdict),
            'id="table"',
            'id="speed"',
            'id="shared"',
            "Each candidate",
            "<footer>",
        )
    ]
    assert places == sorted(places)


def test_what_is_wrong_in_every_model_is_shown_first(paths, tmp_path):
    found = made_up(paths, ["ant", "bee", "fly"], all_wrong=[7, 31])
    page = page_of(found, tmp_path)
    n_shared = len(found.shared_mistakes())
    first = [image["alt"] for image in page.all("img")[:n_shared]]
    assert "photo 7.png: bee, taken for fly" in first
    assert "photo 31.png: bee, taken for fly" in first
    assert page.text.count("3 of 3 say so") >= 2


def test_every_candidate_has_a_folded_section_behind_its_name(paths, tmp_path):
    page = page_of(made_up(paths, ["ant", "bee", "fly"]), tmp_path)
    folded = [d for d in page.all("details") if d.get("class") == "candidate"]
    assert len(folded) == 3 and not any("open" in d for d in folded)
    links = {link["href"] for link in page.all("a")}
    assert {f"#{d['id']}" for d in folded} < links


def test_accuracy_has_its_interval(paths, tmp_path):
    found = made_up(paths, ["ant", "bee", "fly"])
    low, high = found.evaluate("slow").accuracy_interval
    assert f"{low:.3f} to {high:.3f}" in page_of(found, tmp_path).text


def test_everything_is_escaped(tmp_path):
    names = sorted([NASTY, f"{NASTY}2"])
    images = [f"/{NASTY}{n}.png".replace("\n", "") for n in range(10)]
    found = made_up(
        images, names, [NASTY, f"{NASTY}2"], errors=[(NASTY, 1, NASTY)], all_wrong=[3]
    )
    page = page_of(found, tmp_path, title=NASTY, about={NASTY: NASTY})
    assert len(page.all("script")) == 1  # the one that sorts
    assert "&lt;script&gt;" in page.text
    assert "\u202e" not in page.text


def test_links_lead_from_the_report_to_the_files(paths, tmp_path):
    found = made_up(paths, ["ant", "bee", "fly"], all_wrong=[7])
    page = page_of(found, tmp_path)
    links = {a["href"] for a in page.all("a") if not a["href"].startswith("#")}
    assert any(re.fullmatch(r"\.\./.*/photo%207\.png", link) for link in links)


def test_arrays_no_mistakes_one_candidate_two_classes(tmp_path):
    images = np.full((12, 8, 8, 3), 90, dtype=np.uint8)
    found = made_up(images, ["ant", "bee"], ["only"], right=[1.0])
    text = page_of(found, tmp_path).text
    assert "only is the only candidate" in text
    assert "100.0 % right, 0 wrong" in text
    assert 'id="shared"' not in text and 'id="speed"' not in text


def test_without_probabilities_table_and_verdict_remain(paths, tmp_path):
    found = made_up(paths, ["ant", "bee"], with_probabilities=False)
    page = page_of(found, tmp_path)
    assert str(found.verdict) in page.text
    assert len(page.all("tr")) == 4
    assert not page.all("img")


def test_failures_have_their_reason(paths, tmp_path):
    reason = "ValueError: no such net"
    found = made_up(
        paths,
        ["ant", "bee"],
        errors=[("poor", fold, reason) for fold in range(5)],
        unfinished=["fast"],
    )
    text = page_of(found, tmp_path).text
    assert "2 candidates failed or did not finish." in text
    assert "failed on 5 of 5 folds" in text
    assert f"Fold 3: {reason}" in text
    assert "There was no time for the others." in text


def test_pictures_are_fewer_where_the_page_would_be_too_large(
    paths, tmp_path, monkeypatch
):
    found = made_up(paths, ["ant", "bee"], right=(0.3, 0.3, 0.3))
    whole = page_of(found, tmp_path)
    monkeypatch.setattr(_comparison_page, "MAX_BYTES", 200_000)
    small = page_of(found, tmp_path)
    assert sum(len(image["src"]) for image in small.all("img")) < 300_000
    assert 4 <= len(small.all("img")) < len(whole.all("img"))
    assert "the page would be too large with more" in small.text
    assert "the page would be too large with more" not in whole.text


def test_long_names_do_not_make_a_page_too_large(tmp_path, monkeypatch):
    images = [f"/{'%' * 2000}/{number}.png" for number in range(300)]
    found = made_up(images, ["ant", "bee"], right=(0.3, 0.3, 0.3))
    whole = page_of(found, tmp_path)
    monkeypatch.setattr(_comparison_page, "MAX_PAGE", len(whole.text) // 2)
    assert len(page_of(found, tmp_path).text) < len(whole.text) // 2


def test_what_a_model_looked_at_stands_beside_the_picture(paths, tmp_path):
    found = made_up(paths, ["ant", "bee"], all_wrong=[7])
    evaluation = found.evaluate("slow")
    _comparison_page.render_comparison(
        tmp_path / "report.html",
        comparison=found,
        evaluations={"slow": evaluation},
        rows=np.arange(60),
        evaluated_on=("held out", "held-out images"),
        shared=found.shared_mistakes(),
        images=paths,
        title="Looked at",
        facts={"Images": "60"},
        about=None,
        n_pictures=24,
        looked_at={"slow": {7: "data:image/png;base64,AAAA"}},
    )
    page = Page((tmp_path / "report.html").read_text())
    looked = [i for i in page.all("img") if i["src"].endswith(",AAAA")]
    assert [i["alt"] for i in looked] == ["What the model looked at in photo 7.png"]


@pytest.mark.parametrize("n_classes", [40, 1000])
def test_many_classes_are_shown_by_the_worst_and_by_pairs(n_classes, tmp_path):
    names = [f"class {number:04}" for number in range(n_classes)]
    images = np.zeros((2000, 4, 4), dtype=np.uint8)
    found = made_up(images, names, ["a", "b"], right=(0.7, 0.6))
    page = page_of(found, tmp_path, n_pictures=2)
    assert 'class="confusion"' not in page.text
    assert page.text.count("most frequent of") == (2 if n_classes == 1000 else 0)
    assert (f"of lowest F1, of {n_classes:,}." in page.text) == (n_classes == 1000)
    assert len(page.text) < 1_500_000


def test_scores_of_fewer_images_say_so_and_are_not_the_best(paths, tmp_path):
    found = made_up(paths, ["ant", "bee"])
    first = found.table.index[0]
    whole = page_of(found, tmp_path).text
    found.unfinished.append(first)
    found.table.loc[first, "n_images"] = 30
    del found._answers[first]  # which are of all images
    text = page_of(found, tmp_path).text
    best = f"{found.table['mean_test_accuracy'].max():.3f}"
    assert re.search(rf'class="best" data-value="[^"]*">{best}', whole)
    assert not re.search(rf'class="best" data-value="[^"]*">{best}', text)
    assert "ran on 5 of 5 folds, of 30 images" in text
    assert "of as many images as the last column says" in text
    assert "of as many images" not in whole
    place = f"<title>{first}: "  # by speed
    assert (whole.count(place), text.count(place)) == (1, 0)

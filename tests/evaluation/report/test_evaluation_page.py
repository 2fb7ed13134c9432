"""Tests for imgfeat/evaluation/report/_evaluation_page.py."""

import re
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from imgfeat import evaluate
from tests.evaluation.metrics.test_evaluate import Oracle

VOID = {"meta", "link", "img", "br"}


class Fixed(Oracle):
    """Gives the probabilities that it holds, whatever the images."""

    def __init__(self, classes, proba):
        self.classes = classes
        self.proba = proba

    def predict_proba(self, X):
        return self.proba


class Page(HTMLParser):
    """Checks that what is opened is closed, and keeps tags with their attributes."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.text = [], [], text
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


def page_of(evaluation, tmp_path, **options):
    evaluation.save_html(tmp_path / "report.html", **options)
    return Page((tmp_path / "report.html").read_text())


def wrong_on(images, names=("ant", "bee")):
    """An evaluation in which all images are taken for the second class."""
    proba = np.tile([0.2, 0.8], (len(images), 1))
    labels = np.array([names[0]] * len(images), dtype=object)
    return evaluate(Fixed(list(names), proba), images, labels)


@pytest.fixture
def paths(tmp_path):
    found = []
    for number in range(3):
        path = tmp_path / f"photo {number}.png"
        Image.new("RGB", (64, 32), (80 * number, 100, 50)).save(path)
        found.append(str(path))
    return found


def test_mistakes_are_small_jpeg_pictures_with_links(paths, tmp_path):
    page = page_of(wrong_on(paths), tmp_path)
    pictures = page.all("img")
    assert len(pictures) == 3
    assert all(p["src"].startswith("data:image/jpeg;base64,") for p in pictures)
    expected = [f"photo {n}.png: ant, taken for bee" for n in range(3)]
    assert [p["alt"] for p in pictures] == expected
    links = [a["href"] for a in page.all("a")]
    assert {f"photo%20{n}.png" for n in range(3)} < set(links)


def test_paths_gone_since_have_an_empty_frame(paths, tmp_path):
    (tmp_path / "photo 1.png").unlink()
    page = page_of(wrong_on(paths), tmp_path)
    assert len(page.all("img")) == 2
    assert page.text.count(">gone or unreadable<") == 1


def test_a_path_that_comes_twice_is_read_once(paths, tmp_path, monkeypatch):
    from imgfeat.evaluation.report import _thumbnails

    read = []
    once = _thumbnails.thumbnail_if_there
    monkeypatch.setattr(
        _thumbnails, "thumbnail_if_there", lambda p: read.append(p) or once(p)
    )
    page = page_of(wrong_on([*paths, *paths]), tmp_path)
    assert len(page.all("img")) == 6
    assert len(read) == 3


def test_everything_is_escaped(tmp_path):
    nasty = "<script>alert(1)</script>\"'&"
    evaluation = wrong_on([f"/{nasty}.png"], names=(nasty, f"{nasty}2"))
    page = page_of(evaluation, tmp_path, title=nasty, about={nasty: nasty})
    assert page.all("script") == []
    assert "&lt;script&gt;" in page.text


def test_nothing_is_fetched(paths, tmp_path):
    page = page_of(wrong_on(paths), tmp_path)
    sources = [a.get("src") for _, a in page.tags]
    sources += [a["href"] for a in page.all("link")]
    for source in filter(None, sources):
        assert source.startswith("data:"), source
    assert all(re.match(r"#|photo%20", a["href"]) for a in page.all("a"))
    assert "url(" not in page.text and "@import" not in page.text


def test_foot_says_when_and_where(paths, tmp_path):
    page = page_of(wrong_on(paths), tmp_path, about={"command": "imgfeat evaluate"})
    foot = page.text[page.text.index("<footer>") :]
    for word in ("imgfeat evaluate", "date", "versions", "scikit-learn", "machine"):
        assert word in foot
    assert "<dt>seed</dt><dd>0</dd>" in foot
    assert re.search(r"<dt>time taken</dt><dd>\d+\.\d seconds, by the model</dd>", foot)
    page = page_of(wrong_on(paths), tmp_path, about={"seed": "7"})
    assert page.text.count("<dt>seed</dt>") == 1 and "<dd>7</dd>" in page.text


def test_no_mistakes_are_said(tmp_path):
    evaluation = evaluate(Oracle(["ant", "bee"]), np.eye(2), ["ant", "bee"])
    page = page_of(evaluation, tmp_path)
    assert "No class was taken" in page.text
    # Two of two right is no certainty.
    assert "100.0% of 2 images are right (34.2% to 100.0%): no mistakes." in page.text


def test_a_pair_of_one_image_is_not_the_most_frequent(tmp_path):
    names = ["ant", "bee", "cat"]
    proba = np.eye(3)[[1, 2, 2]]
    several = page_of(evaluate(Fixed(names, proba), range(3), names), tmp_path)
    assert "; 2 wrong. No two of them are alike.</p>" in several.text
    twice = evaluate(Fixed(names, proba), range(3), ["ant", "bee", "bee"])
    text = unescape(page_of(twice, tmp_path).text)
    assert "Most often 'bee' is taken for 'cat': 2 of 2." in text
    once = evaluate(Fixed(names, proba), range(3), ["bee", "cat", "bee"])
    assert "; 1 wrong.</p>" in page_of(once, tmp_path).text


def test_pairs_stand_in_place_of_a_matrix_that_nobody_can_read(tmp_path):
    rng = np.random.default_rng(0)
    proba = rng.dirichlet(np.ones(100), size=300)
    evaluation = evaluate(Oracle(np.arange(100)), proba, rng.integers(100, size=300))
    page = page_of(evaluation, tmp_path, n_pictures=0)
    assert 'class="confusion"' not in page.text
    assert "most frequent of" in page.text


def test_a_model_without_probabilities_says_so(tmp_path):
    class Decider(Oracle):
        predict_proba = property()

        def decision_function(self, X):
            return np.asarray(X)[:, 1] - np.asarray(X)[:, 0]

        def predict(self, X):
            return self.classes_[(self.decision_function(X) > 0).astype(int)]

    evaluation = evaluate(Decider(["ant", "bee"]), np.eye(2), ["ant", "ant"])
    assert "no probabilities" in page_of(evaluation, tmp_path, n_pictures=0).text


def test_a_page_that_cannot_be_written_leaves_nothing(paths, tmp_path):
    with pytest.raises(OSError, match="missing"):
        wrong_on(paths).save_html(tmp_path / "missing" / "report.html")


def test_arrays_have_pictures_too(tmp_path):
    images = np.full((2, 8, 8, 3), 120, dtype=np.uint8)
    page = page_of(wrong_on(images), tmp_path)
    assert len(page.all("img")) == 2

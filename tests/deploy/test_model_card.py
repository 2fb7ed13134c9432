"""Tests for imgfeat/deploy/_model_card.py: what a file says, and nothing else."""

import json

import numpy as np
import pytest

from imgfeat import evaluate, load_sample, make_recipe, save
from imgfeat.deploy import BundleError, _bundle, model_card
from imgfeat.deploy._archive import read_manifest
from imgfeat.estimators import OpenSet
from imgfeat.studies import data_facts
from imgfeat.studies._model_facts import score_facts
from tests.deploy._forge import rewrite
from tests.deploy._saved import save_at


@pytest.fixture(scope="module")
def digits():
    sample = load_sample("digits")
    names = np.array([f"digit_{number}" for number in sample.target[:300]])
    return sample.images[:300], names


@pytest.fixture(scope="module")
def fitted(digits):
    return make_recipe("hog-lr", size=16).fit(*digits)


def section(card, title):
    """The lines under a heading."""
    lines = card.split(f"## {title}\n\n")[1].split("\n\n## ")[0]
    return lines.rstrip().splitlines()


def test_card_tells_data_and_scores(fitted, digits, tmp_path):
    evaluation = evaluate(fitted, *digits)
    known = {
        "trained_on": data_facts(digits[1]),
        "held_out": score_facts(evaluation) | {"refitted": True},
    }
    path = tmp_path / "digits.imgfeat"
    save(fitted, path, facts=known)
    card = model_card(path)
    assert card.startswith("# digits.imgfeat\n")
    assert section(card, "Classes")[0].startswith("10: digit\\_0, digit\\_1, ")
    data = section(card, "Trained on")
    assert data[0] == "300 images."
    n_zeros = (digits[1] == "digit_0").sum()
    assert f"| digit\\_0 | {n_zeros} |" in data
    scores = section(card, "Scores on images held out")
    assert "before it was fitted again" in scores[0]
    assert f"| accuracy | {evaluation.metrics['accuracy']:.4f} |" in scores
    row = " | ".join(map(str, evaluation.confusion.iloc[3]))
    assert f"| digit\\_3 | {row} |" in scores
    assert section(card, "What it says of images of no class") == [
        "It gives one of its classes to every image."
    ]
    assert any("LinearProbe" in line for line in section(card, "Steps"))


def test_what_is_not_known_is_not_told(fitted, tmp_path):
    card = model_card(save_at(fitted, tmp_path / "digits.imgfeat"))
    for title in ("Trained on", "Scores on images held out"):
        assert section(card, title) == ["The file does not say."]
    none = "There is no net in it that makes features."
    assert section(card, "How nets ran") == [none]


def test_an_open_set_says_unknown(digits, tmp_path):
    model = OpenSet(make_recipe("hog-lr", size=16)).fit(*digits)
    card = model_card(save_at(model, tmp_path / "open.imgfeat"))
    assert "may call an image unknown" in card


def test_nothing_is_loaded(fitted, tmp_path, monkeypatch):
    path = save_at(fitted, tmp_path / "digits.imgfeat")
    monkeypatch.setattr(_bundle, "load_model", None)
    assert "## Steps" in model_card(path)


def test_texts_of_a_file_make_no_markup(fitted, tmp_path):
    def change(manifest, parts):
        evil = "<script>`|\x1b[2J\n# x"
        manifest["classes"] = [evil]
        manifest["steps"] = {evil: evil}
        manifest["facts"] = {"trained_on": {"n_images": evil, "by_class": {evil: evil}}}

    path = save_at(fitted, tmp_path / "digits.imgfeat")
    rewrite(path, change)
    card = model_card(path)
    assert "\x1b" not in card
    (shown,) = section(card, "Classes")
    assert shown == r"1: \<script\>\`\|?\[2J?\# x"
    assert section(card, "Trained on")[0] == shown.removeprefix("1: ") + " images."
    assert section(card, "Steps") == ["1. `<script>'|?[2J?# x`"]


@pytest.mark.parametrize("strange", [None, 3, "text", [1], {"a": [1]}, {"a": {"b": 1}}])
def test_strange_entries_are_left_out(fitted, tmp_path, strange):
    keys = "classes", "steps", "reading", "facts", "inference", "versions"
    path = save_at(fitted, tmp_path / "digits.imgfeat")
    rewrite(path, lambda manifest, _: manifest.update(dict.fromkeys(keys, strange)))
    for part in ("trained_on", "held_out", "by_class", "scores", "confusion"):
        assert part not in model_card(path)
    held = dict.fromkeys(("scores", "confusion", "labels", "true_labels"), strange)
    facts = {"trained_on": strange, "held_out": held}
    rewrite(path, lambda manifest, _: manifest.update(facts=facts))
    assert model_card(path).startswith("# digits.imgfeat")


def test_damaged_files_are_refused(tmp_path):
    path = tmp_path / "none.imgfeat"
    path.write_bytes(b"PK no model")
    with pytest.raises(BundleError, match="damaged"):
        model_card(path)


def test_facts_are_plain_values(fitted, tmp_path):
    path = tmp_path / "digits.imgfeat"
    with pytest.raises(TypeError, match="facts must be a dict"):
        save(fitted, path, facts=[1])
    save(fitted, path, facts={"a": np.float32(0.5), "b": {1: np.arange(2)}})
    found = read_manifest(path)["facts"]
    assert found == json.loads('{"a": 0.5, "b": {"1": [0, 1]}}')

"""Tests for what pages are made of: names, links, pictures, places of names."""

import os

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from imgfeat.evaluation.report._cards import link_to, mistake_cards
from imgfeat.evaluation.report._pareto import pareto_picture
from imgfeat.evaluation.report._template import isolated, plain
from imgfeat.evaluation.report._thumbnails import SIDE, Album, thumbnail


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("a\n b\tc", "a b c"),
        ("a\u202eb\u2069\0", "a\ufffdb\ufffd\ufffd"),
        ("\udc80", "\ufffd"),
        ("שלום", "שלום"),
        (3, "3"),
    ],
)
def test_names_are_one_line_that_turns_nothing_round(given, shown):
    assert plain(given) == shown


def test_long_names_keep_both_ends():
    name = "begin " + 10_000 * "x" + " end"
    assert len(plain(name)) == 200
    assert plain(name).startswith("begin x") and plain(name).endswith("x end")


def test_names_of_another_direction_stand_alone():
    assert isolated("<שלום>") == "<bdi>&lt;שלום&gt;</bdi>"


@pytest.mark.parametrize(
    ("path", "link"),
    [
        ("/data/out/a b.png", "a%20b.png"),
        ("/data/photos/ant/1.jpg", "../photos/ant/1.jpg"),
        ("/data/out/javascript:alert(1).png", "javascript%3Aalert%281%29.png"),
        ('/data/out/".png', "%22.png"),
        (os.fsdecode(b"/data/out/\xff.png"), "%FF.png"),
    ],
)
def test_links_are_relative_and_quoted(path, link):
    assert link_to(path, "/data/out") == link


def test_a_picture_is_small_whatever_the_size_of_the_image():
    large = thumbnail(np.full((900, 1800), 90, dtype=np.uint8))
    assert large.startswith("data:image/jpeg;base64,")
    assert len(large) < 2000
    assert thumbnail(Image.new("L", (3, 2))).startswith("data:image/jpeg")
    assert SIDE == 160


def test_an_album_is_full_after_its_bytes_and_shares_them():
    images = np.random.default_rng(0).integers(256, size=(9, 32, 32), dtype=np.uint8)
    size = len(Album(images, 1).picture(0))
    album = Album(images, 6 * size)
    album.share(2)
    n_first = 0
    while album.has_room():
        album.picture(n_first)
        n_first += 1
    assert 2 <= n_first <= 4
    album.share(1)
    assert album.has_room()


def mistakes(n):
    rows = {"image": range(n), "true": "a", "predicted": "b", "probability": 0.9}
    return pd.DataFrame(rows | {"loss": np.nan})


def test_cards_name_the_image_that_they_show():
    images = np.zeros((9, 8, 8), dtype=np.uint8)
    cards, listed = mistake_cards(
        mistakes(3), Album(images, 10**6), ".", 2, rows=np.array([4, 8, 6])
    )
    assert [card["name"] for card in cards] == ["image 4", "image 8"]
    assert [row["where"] for row in listed] == ["image 6"]
    assert cards[0]["loss"] is None and cards[0]["link"] is None


def test_the_front_joins_who_is_not_beaten():
    names = ["slow", "fast", "beaten", "twin"]
    picture = pareto_picture(
        names, np.array([0.9, 0.8, 0.7, 0.8]), np.array([30.0, 3.0, 10.0, 3.0])
    )
    assert [p["name"] for p in picture["points"] if p["on_front"]] == [
        "slow",
        "fast",
        "twin",
    ]
    assert len(picture["front"].split()) == 3


def test_names_do_not_overlap_and_stay_inside():
    rng = np.random.default_rng(1)
    names = [f"recipe-{n}" for n in range(13)]
    picture = pareto_picture(names, rng.random(13), 10 ** rng.random(13))
    boxes = []
    for point in picture["points"]:
        x, y, anchor = point["label"]
        width = 7.8 * len(point["name"])
        left = x - {"start": 0, "middle": 0.5, "end": 1}[anchor] * width
        assert left >= 0 and left + width <= picture["width"]
        boxes.append((left, y - 11, left + width, y + 4))
    for number, one in enumerate(boxes):
        for other in boxes[:number]:
            apart = one[0] >= other[2] or other[0] >= one[2]
            assert apart or one[1] >= other[3] or other[1] >= one[3]


@pytest.mark.parametrize("score", [0.0, 0.5, 1.0, -3.2])
def test_equal_candidates_can_be_drawn(score):
    picture = pareto_picture(["a", "b"], np.full(2, score), np.full(2, 4.0))
    assert picture["x_ticks"] and picture["y_ticks"]
    assert all(0 < point["y"] < picture["height"] for point in picture["points"])

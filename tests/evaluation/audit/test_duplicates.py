"""Tests for imgfeat/evaluation/audit/_duplicates.py and _near_duplicates.py."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageFilter
from sklearn.model_selection import GroupKFold

from imgfeat.evaluation import duplicate_groups
from imgfeat.evaluation.audit._duplicates import duplicate_issues, find_duplicates
from imgfeat.evaluation.audit._findings import COLUMNS
from imgfeat.evaluation.audit._looks import look_at
from imgfeat.sources import load_sample
from tests.evaluation.audit._photos import photos
from tests.sources._files import encode


def find(images, embeddings=None):
    """Pairs as tuples."""
    pairs = find_duplicates(look_at(images), embeddings)
    return list(pairs[["first", "second", "kind"]].itertuples(index=False, name=None))


def resized(photo):
    return np.array(Image.fromarray(photo).resize((90, 64)))


def noisy(photo):
    noise = np.random.default_rng(0).normal(0, 8, photo.shape)
    return np.clip(photo + noise, 0, 255).astype(np.uint8)


NEAR = {
    "recompressed": lambda photo: encode(photo, "JPEG", quality=30),
    "resized": resized,
    "darker": lambda photo: np.uint8(photo * 0.6),
    "gray": lambda photo: np.array(Image.fromarray(photo).convert("L")),
    "mirrored": lambda photo: np.ascontiguousarray(photo[:, ::-1]),
    "cropped": lambda photo: np.ascontiguousarray(photo[5:, :-6]),
    "cropped by a fifth": lambda photo: np.ascontiguousarray(photo[12:-12, 16:-16]),
    "cropped on one side": lambda photo: np.ascontiguousarray(photo[:, :140]),
    "with a border": lambda photo: np.pad(photo, ((9, 9), (9, 9), (0, 0)), "edge"),
    "turned by a quarter": lambda photo: np.ascontiguousarray(np.rot90(photo)),
    "turned by a half": lambda photo: np.ascontiguousarray(photo[::-1, ::-1]),
    "turned to the right": lambda photo: np.ascontiguousarray(np.rot90(photo, 3)),
    "upside down": lambda photo: np.ascontiguousarray(photo[::-1]),
    "transposed": lambda photo: np.ascontiguousarray(photo.swapaxes(0, 1)),
    "noisy": noisy,
    "smoothed": lambda photo: Image.fromarray(photo).filter(ImageFilter.BoxBlur(1)),
}


@pytest.mark.parametrize("change", NEAR)
def test_a_changed_copy_is_a_near_duplicate(change):
    batch = [*photos(), NEAR[change](photos()[3])]
    assert find(batch) == [(3, 12, "near")]


def test_photos_of_other_things_are_none():
    assert find(photos()) == []


def test_a_small_thing_on_an_even_sky_is_not_enough():
    # 24 pixels of a thumbnail agree, and all the sky; that is no picture.
    skies = np.full((2, 64, 64, 3), (90, 140, 220), np.uint8)
    skies[0, 30:34, 26:38] = 40
    skies[1, 31:35, 26:38] = 60
    assert find([*skies, *photos()]) == []


def test_digits_are_not_each_others_copies():
    digits = load_sample("digits").images
    digits = digits[np.unique(digits, axis=0, return_index=True)[1]]
    assert find(digits[:300]) == []


def test_copies_among_digits_are_found_all_the_same():
    digits = load_sample("digits").images
    digits = digits[np.unique(digits, axis=0, return_index=True)[1]][:300]
    copies = [encode(digit, "JPEG", quality=90) for digit in digits[:5]]
    expected = [(row, 300 + row, "near") for row in range(5)]
    assert find([*digits, *copies]) == expected


def test_one_file_named_twice_is_listed_twice(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(encode(photos()[0]))
    assert find([path, str(path), path]) == [(0, 1, "listed"), (0, 2, "listed")]


def test_a_broken_file_is_listed_twice_too_but_two_broken_files_are_no_copies(tmp_path):
    paths = [tmp_path / "a.jpg", tmp_path / "b.jpg"]
    for path in paths:
        path.write_bytes(b"")
    assert find([*paths, paths[0]]) == [(0, 2, "listed")]


def test_the_same_pixels_in_another_file_are_exact(tmp_path):
    photo = photos()[0]
    for name, content in (
        ("a.png", encode(photo)),
        ("b.bmp", encode(photo, "BMP")),
        ("c.png", encode(photo)),
        ("d.png", encode(photos()[1])),
    ):
        (tmp_path / name).write_bytes(content)
    found = find([*sorted(tmp_path.iterdir()), photo, photo / 255])
    assert found == [(0, 1, "exact"), (0, 2, "exact"), (0, 4, "exact"), (0, 5, "exact")]


def test_embeddings_propose_candidates_and_decide_nothing():
    batch = [*photos(), NEAR["noisy"](photos()[3])]
    alike = np.ones((len(batch), 4), np.float32)
    assert find(batch, alike) == [(3, 12, "near")]
    alike[2] = np.nan
    assert find(batch, alike) == [(3, 12, "near")]


def test_more_copies_than_candidates_are_one_group():
    rng = np.random.default_rng(0)
    copies = photos()[1] + rng.integers(-3, 4, (40, *photos()[1].shape))
    copies = np.clip(copies, 0, 255).astype(np.uint8)
    groups = duplicate_groups([*copies, *photos()[2:]])
    assert groups.tolist() == [0] * 40 + list(range(1, 11))


def test_a_few_copies_do_not_hide_each_other():
    names = ("cropped", "darker", "turned by a half")
    copies = [NEAR[name](photos()[4]) for name in names]
    groups = duplicate_groups([*photos(), *copies])
    assert groups.tolist() == [*range(12), 4, 4, 4]


@pytest.mark.parametrize("n_images", [1, 30])
def test_equal_images_are_one_group(n_images):
    flat = np.zeros((n_images, 16, 16), np.uint8)
    assert duplicate_groups(flat).tolist() == [0] * n_images


def test_groups_are_numbered_as_they_appear_and_the_same_each_time():
    first, second = photos()[0], photos()[1]
    batch = [first, second, b"broken", NEAR["gray"](first), b"", second]
    groups = duplicate_groups(batch)
    assert groups.tolist() == [0, 1, 2, 0, 3, 1]
    assert groups.dtype.kind == "i"
    assert duplicate_groups(batch, n_jobs=2).tolist() == groups.tolist()


def test_a_splitter_keeps_copies_in_one_fold():
    batch = [*photos(), *(NEAR["noisy"](photo) for photo in photos())]
    groups = duplicate_groups(batch)
    assert groups.tolist() == [*range(12), *range(12)]
    for train, test in GroupKFold(4).split(batch, groups=groups):
        assert not set(groups[train]) & set(groups[test])


def pairs(*rows):
    return pd.DataFrame(rows, columns=["first", "second", "kind", "similarity"])


def test_both_of_a_pair_have_a_finding_that_names_the_other():
    issues = duplicate_issues(
        pairs((1, 4, "near", 0.9), (2, 3, "exact", 1.0)), paths=list("abcde")
    )
    assert tuple(issues.columns) == COLUMNS
    assert issues["row"].tolist() == [2, 3, 1, 4]
    assert issues["path"].tolist() == ["c", "d", "b", "e"]
    assert issues["kind"].tolist() == ["exact duplicate"] * 2 + ["near duplicate"] * 2
    assert issues["score"].tolist() == pytest.approx([1, 1, 0.9, 0.9])
    assert issues["what"][0] == "The same pixels as d."
    assert issues["what"][3] == "Nearly the same picture as b."
    first, second, third, fourth = issues["group"]
    assert first == second != third == fourth


def test_copies_with_other_labels_or_splits_are_told_of():
    found = pairs((0, 1, "exact", 1.0), (1, 2, "near", 0.9), (3, 4, "near", 0.9))
    y = np.array(["ant", "ant", "bee", "bee", None], object)
    split = ["train", "train", "train", "train", "val"]
    issues = duplicate_issues(found, y, split)
    across = issues[issues["kind"] == "duplicate across labels"]
    assert across["row"].tolist() == [0, 1, 2]
    assert set(across["what"]) == {"Its copies have the labels ant and bee."}
    assert across["label"].tolist() == ["ant", "ant", "bee"]
    across = issues[issues["kind"] == "duplicate across splits"]
    assert across["row"].tolist() == [3, 4]
    assert (
        across["what"].tolist() == ["Its copies are in the splits train and val."] * 2
    )


def test_an_image_with_a_copy_of_each_kind_has_a_finding_of_each():
    issues = duplicate_issues(pairs((0, 1, "exact", 1.0), (0, 2, "near", 0.9)))
    assert sorted(issues.loc[issues["row"] == 0, "kind"]) == [
        "exact duplicate",
        "near duplicate",
    ]


def test_no_pairs_are_no_findings():
    issues = duplicate_issues(pairs(), ["a"], ["b"])
    assert len(issues) == 0
    assert tuple(issues.columns) == COLUMNS

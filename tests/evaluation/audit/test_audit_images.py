"""Tests for imgfeat/evaluation/audit/_audit_images.py and the `Audit` that it gives."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from imgfeat import audit_images, load_sample
from imgfeat.evaluation import Audit
from imgfeat.evaluation.audit import _audit_images
from imgfeat.sources import load_image_table

COLUMNS = ["row", "path", "kind", "score", "what", "group", "label", "suggested"]


@pytest.fixture(scope="module")
def photos():
    """36 photos of three textures, with their labels."""
    sample = load_sample("textures", patch_size=64)
    rows = np.concatenate([np.flatnonzero(sample.target == c)[::5] for c in range(3)])
    return sample.images[rows], sample.target_names[sample.target[rows]]


@pytest.fixture(scope="module")
def vectors(photos):
    """Embeddings in which each texture has a direction of its own."""
    rng = np.random.default_rng(0)
    _, codes = np.unique(photos[1], return_inverse=True)
    return 4 * np.eye(8)[codes] + 0.3 * rng.normal(size=(len(codes), 8))


def kinds(audit):
    return {kind: sorted(found["row"]) for kind, found in audit.issues.groupby("kind")}


def write(folder, images, labels):
    paths = []
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        path = folder / label / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
        paths.append(str(path))
    return paths


def test_sound_photos_have_no_findings(photos, vectors):
    audit = audit_images(*photos, embeddings=vectors)
    assert audit.issues.empty
    assert list(audit.issues.columns) == COLUMNS
    assert audit.summary().empty
    assert repr(audit) == f"Nothing was found in {len(photos[0])} images."
    assert list(audit.images["label"]) == list(photos[1])


def test_planted_faults_are_found_and_rows_stay(photos, vectors, tmp_path):
    images, labels = photos
    paths = write(tmp_path, images, labels)
    with open(paths[3], "wb") as file:
        file.write(b"no image")
    Image.fromarray(images[8]).save(paths[5])  # a copy
    Image.fromarray(images[0]).save(paths[30])  # a copy with another label
    Image.new("L", (64, 64), 90).save(paths[20])
    known = vectors.copy()
    known[5], known[30], known[3] = known[8], known[0], np.nan
    names = labels.copy()
    names[15] = labels[0]  # wrong
    split = ["train"] * 8 + ["test"] * (len(paths) - 8)
    audit = audit_images(paths, names, split=split, embeddings=known)
    found = kinds(audit)
    assert found["unreadable"] == [3]
    assert found["exact duplicate"] == [0, 5, 8, 30]
    assert found["duplicate across labels"] == [0, 30]
    assert found["duplicate across splits"] == [0, 5, 8, 30]
    assert found["one color"] == [20]
    assert 15 in found["label error"]
    assert list(audit.images["path"]) == paths
    assert list(audit.issues["path"]) == [paths[row] for row in audit.issues["row"]]
    error = audit.issues[audit.issues["row"].eq(15)].iloc[0]
    assert (error["label"], error["suggested"]) == (labels[0], labels[15])
    # Of the copies in two splits that to test with stays, of two labels both.
    stays = audit.corrected()
    assert sorted(set(range(len(paths))) - set(stays.index)) == [3, 5]
    assert list(stays["split"].unique()) == ["train", "test"]
    assert audit.corrected(relabel=True)["label"][15] == labels[15]
    audit.save_corrected(tmp_path / "fixed.csv")
    assert list(load_image_table(tmp_path / "fixed.csv").labels) == list(stays["label"])
    audit.save_html(tmp_path / "audit.html")
    assert (tmp_path / "audit.html").read_text().count('class="card"') == len(
        audit.issues
    )


def test_pairs_of_equal_pixels_that_are_near_one_another_keep_one_each(photos):
    images = list(photos[0][:8])
    brighter = np.uint8(np.clip(images[1] * 1.1, 0, 255))
    audit = audit_images([*images, images[1], brighter, brighter], embeddings=None)
    found = kinds(audit)
    assert found["exact duplicate"] == [1, 8, 9, 10]
    assert found["near duplicate"] == [1, 9]
    assert audit.issues["group"].nunique() == 1
    assert list(audit.corrected().index) == [*range(8), 9]


def test_labels_of_numbers_stay_numbers(photos, vectors):
    _, codes = np.unique(photos[1], return_inverse=True)
    codes[0] = 2
    audit = audit_images(photos[0], codes, embeddings=vectors)
    assert kinds(audit)["label error"] == [0]
    assert list(audit.issues["suggested"]) == ["0"]
    assert audit.corrected(relabel=True)["label"].tolist()[:2] == [0, 0]


def test_probabilities_take_the_place_of_embeddings(photos):
    images, labels = photos
    classes, codes = np.unique(labels, return_inverse=True)
    sure = 0.9 * np.eye(3)[codes] + 0.1 / 3
    given = labels.copy()
    given[7] = classes[codes[7] - 1]
    audit = audit_images(images, given, probabilities=sure, embeddings=None)
    assert kinds(audit) == {"label error": [7]}
    assert audit.issues["suggested"][0] == labels[7]


def test_what_was_left_out_is_noted(photos, vectors, monkeypatch):
    images, labels = photos
    assert len(audit_images(images, embeddings=None).notes) == 1
    assert audit_images(images, labels, embeddings=None).notes == (
        "Without embeddings, outliers were not looked for, and fewer near duplicates "
        "are found.",
        "Wrong labels were not looked for: there are neither embeddings nor "
        "probabilities.",
    )
    one = audit_images(images[:10], ["a"] * 10, embeddings=vectors[:10])
    assert "all images have one label" in one.notes[0]
    assert "10 images are too few" in one.notes[1]
    monkeypatch.setattr(_audit_images, "has_module", lambda name: False)
    without = audit_images(images, labels, embeddings=vectors)
    assert "pip install 'imgfeat[audit]'" in without.notes[0]
    assert (
        without.notes[0] in repr(without) and "imgfeat[audit]" in without._repr_html_()
    )


def test_nothing_readable_is_an_audit_too(tmp_path):
    audit = audit_images([str(tmp_path / "a.jpg"), b"", b"x"], ["a", "b", "b"])
    assert kinds(audit) == {"unreadable": [0, 1, 2]}
    assert audit.corrected().empty
    assert "No image can be read" in audit.notes[0]


def test_embeddings_are_computed_of_what_can_be_read(photos, monkeypatch):
    # No net here, whose export takes long.
    monkeypatch.setattr(_audit_images, "_SEES_AS", "hog-lr")
    images = [*photos[0][::3], b"no image"]
    labels = [*photos[1][::3], photos[1][0]]
    audit = audit_images(images, labels)
    assert kinds(audit)["unreadable"] == [len(images) - 1]
    assert "too few" in audit.notes[-1] and len(images) - 1 == 13


@pytest.fixture(scope="module")
def tiles(photos):
    """48 pictures with a tile of some textures each, and what is in them."""
    images, labels = photos
    rng = np.random.default_rng(0)
    has = rng.integers(2, size=(48, 3))
    pixels = rng.integers(0, 256, (48, 64, 64), dtype=np.uint8) // 8
    for row, column in np.argwhere(has):
        pixels[row, :32, 21 * column :][:, :21] = images[12 * column][:32, :21]
    return pixels, pd.DataFrame(has, columns=list(dict.fromkeys(labels)))


@pytest.mark.parametrize("in_columns", [True, False])
def test_several_labels_are_audited_and_corrected(tiles, tmp_path, in_columns):
    pytest.importorskip("cleanlab")
    pixels, y = tiles
    paths = write(tmp_path, pixels, ["all"] * len(pixels))
    Image.fromarray(pixels[8]).save(paths[5])
    given = y.copy()
    given.iloc[5] = given.iloc[8]
    given.iloc[15, 0] ^= 1
    given.iloc[21] = 0
    rng = np.random.default_rng(1)
    vectors = 4 * np.hstack([y, y]) + 0.3 * rng.normal(size=(48, 6))
    vectors[5] = vectors[8]
    names = [[n for n in y if row[n]] for _, row in given.iterrows()]
    audit = audit_images(paths, given if in_columns else names, embeddings=vectors)
    found = kinds(audit)
    assert found["exact duplicate"] == [5, 8]
    errors = audit.issues[audit.issues["kind"].eq("label error")]
    assert 15 in set(errors["row"])
    assert audit.images["label"][21] == "" and "duplicate across labels" not in found
    right = ";".join(n for n in sorted(y) if y[n][15])
    suggested = errors.set_index("row")["suggested"][15]
    assert sorted(suggested.split(";")) == right.split(";")
    audit.save_corrected(tmp_path / "fixed.csv", relabel=True)
    how = {"label_columns": list(y)} if in_columns else {"label_separator": ";"}
    again = load_image_table(tmp_path / "fixed.csv", **how)
    assert len(again.images) == 47
    assert sorted(again.labels[14]) == right.split(";")


@pytest.mark.parametrize(
    "options, message",
    [
        ({"y": ["a", None, ""]}, r"y needs a value for each image. Got 2 without"),
        ({"y": pd.Series(["a", 1, "b"])}, r"labels of one kind. Got int and str"),
        ({"y": np.eye(3)[:2]}, r"each of the 3 images. Got 2"),
        ({"label_separator": ";"}, r"label_separator needs several labels"),
        ({"probabilities": np.eye(3)}, r"probabilities needs y"),
        (
            {"y": ["a", "b", "a"], "probabilities": np.eye(3)},
            r"a column a class, of shape \(3, 2\). Got \(3, 3\)",
        ),
        (
            {"y": np.eye(3), "probabilities": np.eye(2)},
            r"a column a class, of shape \(3, 3\). Got \(2, 2\)",
        ),
        ({"y": ["a"]}, r"each of the 3 images. Got the shape \(1,\)"),
        ({"split": ["a"]}, r"split needs a value for each of the 3 images"),
        ({"embeddings": np.ones((2, 5))}, r"embeddings needs a row for each of the 3"),
        ({"embeddings": "net"}, r"embeddings must be an array, 'auto' or None. Got 'n"),
    ],
)
def test_bad_input_is_refused(options, message, photos):
    with pytest.raises(ValueError, match=message):
        audit_images(photos[0][:3], **options)


def test_splits_may_be_missing(photos):
    images = photos[0][[0, 0, 1, 1]]
    split = ["train", None, "test", "train"]
    audit = audit_images(images, split=split, embeddings=None)
    assert kinds(audit)["duplicate across splits"] == [2, 3]


def test_a_notebook_shows_the_summary_escaped():
    images = pd.DataFrame({"path": ["<b>.png"]})
    row = (0, "<b>.png", "dark", 1.0, "<i>", -1, "", "")
    audit = Audit(pd.DataFrame([row], columns=COLUMNS), images, ("<u>",))
    html = audit._repr_html_()
    assert "&lt;b&gt;.png" in html and "&lt;u&gt;" in html
    assert "<b>" not in html and "<u>" not in html
    assert repr(audit).splitlines()[0] == "1 of 1 image has findings, of one kind."


@pytest.mark.parametrize("in_columns", [True, False])
def test_copies_of_which_one_has_no_label_at_all_are_told(tiles, in_columns):
    pixels, y = tiles
    pixels, given = pixels.copy(), y.copy()
    pixels[5] = pixels[8]
    given.iloc[5], given.iloc[8] = 0, [1, 0, 0]
    names = [[n for n in y if row[n]] for _, row in given.iterrows()]
    audit = audit_images(pixels, given if in_columns else names, embeddings=None)
    across = audit.issues[audit.issues["kind"].eq("duplicate across labels")]
    assert sorted(across["row"]) == [5, 8]
    assert set(across["what"]) == {
        f"Its copies have the labels (none) and {next(iter(y))}."
    }
    assert sorted(across["label"]) == ["", next(iter(y))]
    assert len(audit.corrected()) == len(pixels)

"""Tests for imgfeat/studies/_labelled_data.py: which split is for what."""

import numpy as np
import pytest
from PIL import Image

from imgfeat.sources import load_image_folder
from imgfeat.studies import load_labelled

COUNTS = {"train": 4, "val": 3, "test": 2}


@pytest.fixture
def folder(tmp_path):
    for split, n in COUNTS.items():
        for label in ("ant", "bee"):
            place = tmp_path / split / label
            place.mkdir(parents=True)
            for number in range(n):
                Image.new("L", (5, 4)).save(place / f"{number}.png")
    return tmp_path


def test_test_is_held_out_and_train_trained_on(folder):
    data = load_labelled(folder, "compare")
    assert len(data.images) == 2 * (4 + 2)
    assert data.held_out.sum() == 4
    assert all("/test/" in path for path in data.images[data.held_out])
    assert all("/train/" in path for path in data.images[~data.held_out])
    assert sorted(set(data.labels)) == ["ant", "bee"]
    assert "'train' is trained on, 'test' held out" in data.notes[-1]


@pytest.mark.parametrize(
    "purpose, split, n",
    [
        ("train", None, 8),
        ("train", "val", 6),
        ("evaluate", None, 4),
        ("evaluate", "val", 6),
    ],
)
def test_one_split_for_one_purpose(folder, purpose, split, n):
    data = load_labelled(folder, purpose, split=split)
    assert len(data.images) == n
    assert data.held_out is None


def test_val_is_held_out_on_request(folder):
    data = load_labelled(folder, "compare", split="val")
    assert data.held_out.sum() == 6


def test_what_cannot_be_is_refused(folder):
    with pytest.raises(ValueError, match="'train', and another held out"):
        load_labelled(folder, "compare", split="train")
    with pytest.raises(ValueError, match=r"needs a split 'dev'\. Got 'train', 'val'"):
        load_labelled(folder, "train", split="dev")
    with pytest.raises(
        ValueError, match="needs a folder with a sub-folder for each split, or a column"
    ):
        load_labelled(folder / "train", "train", split="val")


@pytest.fixture
def table(folder):
    frame = load_image_folder(folder).frame
    frame["split"] = frame["split"].replace("val", "Valid")
    return frame


def test_a_table_may_name_splits_as_folders_do(folder, table, tmp_path):
    table.to_csv(tmp_path / "data.csv", index=False)
    for purpose in ("compare", "train", "evaluate"):
        data = load_labelled(tmp_path / "data.csv", purpose)
        same = load_labelled(folder, purpose)
        assert list(data.images) == list(same.images)
        assert data.notes == same.notes
        np.testing.assert_array_equal(data.held_out, same.held_out)
    assert len(load_labelled(tmp_path / "data.csv", "train", split="val").images) == 6


@pytest.mark.parametrize("value", ["train", "fold 3"])
def test_a_column_with_one_split_or_other_words_is_no_split(value, table, tmp_path):
    table.loc[0 if value == "fold 3" else slice(None), "split"] = value
    table.to_csv(tmp_path / "data.csv", index=False)
    data = load_labelled(tmp_path / "data.csv", "evaluate")
    assert len(data.images) == 18
    assert data.notes == ()


def test_rows_are_taken_with_what_belongs_to_them(folder):
    data = load_labelled(folder, "compare")
    some = data.take(np.array([0, 11]))
    assert list(some.held_out) == [False, True]
    assert len(some.images) == len(some.labels) == 2


def test_groups_are_read_as_written_from_columns_called_path_or_label(folder):
    files = [f"train/ant/{number}.png" for number in range(3)]
    rows = [f"{file},{n},one,{n % 2}" for n, file in enumerate(files)]
    table = folder / "table.csv"
    table.write_text("\n".join(["file,label,kind,path", *rows]))
    for column, groups in (("label", list("012")), ("path", list("010"))):
        data = load_labelled(
            table,
            "compare",
            path_column="file",
            label_column="kind",
            group_column=column,
        )
        assert list(data.groups) == groups
        assert list(data.labels) == ["one"] * 3


@pytest.mark.parametrize("column", ["site", "split"])
def test_groups_and_splits_that_are_there_twice_are_refused(folder, column):
    table = folder / "table.csv"
    table.write_text(f"path,label,{column},{column}\ntrain/ant/0.png,ant,a,b\n")
    wanted = {"group_column": "site"} if column == "site" else {}
    with pytest.raises(ValueError, match=rf"needs one column '{column}'\. Got"):
        load_labelled(table, "compare", **wanted)

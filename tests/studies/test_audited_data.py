"""Tests for imgfeat/studies/_audited_data.py."""

import pytest
from PIL import Image

from imgfeat.studies import load_to_audit


@pytest.fixture
def folder(tmp_path):
    for name in ("ant/1.png", "ant/2.png", "bee/1.png", "bee/notes.txt"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".png":
            Image.new("L", (5, 4)).save(path)
        else:
            path.write_text("x")
    return tmp_path / "photos"


def test_sub_folders_are_classes(folder):
    data = load_to_audit(folder)
    assert list(data.labels) == ["ant", "ant", "bee"]
    assert data.splits is None
    assert data.notes == ["Left out, as they are no images: 1 .txt."]


def test_sub_folders_may_be_no_classes(folder):
    data = load_to_audit(folder, labels=False)
    assert len(data.images) == 3
    assert data.labels is None
    assert data.notes[-1] == "The folder is taken without labels."


def test_a_folder_of_images_has_no_labels(folder):
    data = load_to_audit(folder / "ant")
    assert len(data.images) == 2 and data.labels is None


def test_all_splits_are_taken_or_one(folder, tmp_path):
    whole = tmp_path / "whole"
    whole.mkdir()
    folder.rename(whole / "train")
    (whole / "val" / "ant").mkdir(parents=True)
    Image.new("L", (5, 4)).save(whole / "val" / "ant" / "9.png")
    assert list(load_to_audit(whole).splits) == ["train"] * 3 + ["val"]
    assert list(load_to_audit(whole, split="val").labels) == ["ant"]


def test_a_table_may_name_files_that_are_gone(tmp_path):
    (tmp_path / "data.csv").write_text(
        "path,label,split\na.png,x,train\nb.png,y,val \n"
    )
    data = load_to_audit(tmp_path / "data.csv")
    assert list(data.images) == [str(tmp_path / name) for name in ("a.png", "b.png")]
    assert list(data.labels) == ["x", "y"]
    assert list(data.splits) == ["train", "val"]
    assert list(load_to_audit(tmp_path / "data.csv", split="val").labels) == ["y"]
    assert load_to_audit(tmp_path / "data.csv", labels=False).labels is None


def test_a_table_without_labels_is_said_to_be_so(tmp_path):
    (tmp_path / "data.csv").write_text("file\na.png\n")
    data = load_to_audit(tmp_path / "data.csv", path_column="file")
    assert data.labels is None
    assert "no column 'label'" in data.notes[0]


def test_a_table_may_have_several_labels_an_image(folder, tmp_path):
    table = tmp_path / "data.csv"
    table.write_text("path,label,x,y,split\na.png,x;y,1,1,test\nb.png,,0,0,val\n")
    data = load_to_audit(table, label_separator=";")
    assert list(data.y) == [("x", "y"), ()]
    data = load_to_audit(table, label_columns=["y", "x"], split="val")
    assert list(data.y) == ["y", "x"] and data.y.to_numpy().tolist() == [[0, 0]]
    with pytest.raises(ValueError, match=r"need a CSV file.* Got the folder"):
        load_to_audit(folder, label_separator=";")
    with pytest.raises(ValueError, match="looked at, or no labels"):
        load_to_audit(table, label_separator=";", labels=False)
    with pytest.raises(ValueError, match=r"needs the columns .*'moss'"):
        load_to_audit(table, label_columns=["x", "moss"])


def test_what_is_not_there_is_refused(folder, tmp_path):
    (tmp_path / "data.csv").write_text("path,label\na.png,x\n")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"'val' needs rows.*Got no such column"):
        load_to_audit(tmp_path / "data.csv", split="val")
    with pytest.raises(ValueError, match=r"'val' needs a folder with a sub-folder for"):
        load_to_audit(folder / "ant", split="val")
    with pytest.raises(ValueError, match=r"needs image files, in it or below\. Got no"):
        load_to_audit(tmp_path / "empty")
    with pytest.raises(FileNotFoundError, match="There is no CSV file"):
        load_to_audit(tmp_path / "nowhere")

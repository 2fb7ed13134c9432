"""Tests for imgfeat/sources/_path_table.py: labels as written, paths as they are."""

import unicodedata

import pandas as pd
import pytest
from PIL import Image

from imgfeat.sources import load_image_table

WORDS = ["007", "7", "NA", "None", "null", "1e5", "True", "nan"]


@pytest.fixture
def folder(tmp_path):
    """Files 0.png to 7.png."""
    for number in range(8):
        Image.new("L", (5, 4)).save(tmp_path / f"{number}.png")
    return tmp_path


def write(folder, *lines, encoding="utf-8"):
    path = folder / "labels.csv"
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


def test_labels_are_text_as_written(folder):
    rows = [f"{number}.png,{word}" for number, word in enumerate(WORDS)]
    data = load_image_table(write(folder, "path,label", *rows))
    assert list(data.labels) == WORDS
    assert list(data.target_names[data.target]) == WORDS


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_separators_and_blanks_do_not_count(folder, separator, encoding):
    lines = ["path,label,site", "0.png, ant ,a", "1.png,bee ,b"]
    lines = [line.replace(",", separator) for line in lines]
    data = load_image_table(write(folder, *lines, encoding=encoding))
    assert list(data.labels) == ["ant", "bee"]
    assert list(data.frame["site"]) == ["a", "b"]


def test_empty_label_names_its_row(folder):
    path = write(folder, "path,label", "0.png,ant", "1.png,  ", "2.png,bee")
    message = "value in every row of 'label'. Got 1 without, the first in row 1"
    with pytest.raises(ValueError, match=message):
        load_image_table(path)


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA, ""])
def test_missing_label_of_a_frame_is_refused(folder, missing):
    table = pd.DataFrame({"path": ["0.png", "1.png"], "label": ["a", missing]})
    with pytest.raises(ValueError, match="Got 1 without, the first in row 1"):
        load_image_table(table, root=folder)


def test_paths_of_windows_and_other_unicode_forms_are_found(folder):
    name = unicodedata.normalize("NFC", "käfer.png")
    (folder / "sub").mkdir()
    Image.new("L", (5, 4)).save(folder / "sub" / name)
    other = unicodedata.normalize("NFD", name)
    data = load_image_table(write(folder, "path,label", f"sub\\{name},a", "0.png,b"))
    assert data.images[0] == str(folder / "sub" / name)
    data = load_image_table(write(folder, "path,label", f"sub/{other},a", "0.png,b"))
    assert data.images[0] == str(folder / "sub" / name)


def test_class_names_fix_the_numbers_though_some_are_absent(folder):
    table = write(folder, "path,label", "0.png,bee", "1.png,ant")
    data = load_image_table(table, class_names=["bee", "wasp", "ant"])
    assert list(data.target) == [0, 2]
    assert list(data.target_names) == ["bee", "wasp", "ant"]
    with pytest.raises(ValueError, match=r"labels that class_names has\. Got 'bee'"):
        load_image_table(table, class_names=["ant", "wasp"])


def test_order_of_classes_is_natural(folder):
    rows = [f"{number}.png,{label}" for number, label in enumerate(["10", "9", "1a"])]
    data = load_image_table(write(folder, "path,label", *rows))
    assert list(data.target_names) == ["1a", "9", "10"]


def test_empty_cells_behind_the_last_column_do_not_count(folder):
    data = load_image_table(write(folder, "path,label", "0.png,a,", "1.png,b,"))
    assert list(data.labels) == ["a", "b"]
    assert list(data.frame.columns) == ["path", "label"]


def test_a_label_with_a_separator_is_read_in_quotes_and_refused_without(folder):
    quoted = write(folder, "path, label", '0.png, "a, b"', "1.png, b")
    assert list(load_image_table(quoted).labels) == ["a, b", "b"]
    bare = write(folder, "path,label", "0.png,b,", "1.png,a, b")
    with pytest.raises(ValueError, match=r"of 2 columns. Got 1 .* is row 1; put"):
        load_image_table(bare)


@pytest.mark.parametrize(
    "header", ["path,label,label", "path,label, label ", "path,path,label"]
)
def test_a_column_that_is_there_twice_is_refused(folder, header):
    with pytest.raises(
        ValueError, match=r"needs one column '(label|path)'\. Got 'path'"
    ):
        load_image_table(write(folder, header, "0.png,ant,x", "1.png,bee,y"))
    table = pd.DataFrame([["0.png", "ant", "x"]], columns=["path", "label", "label"])
    with pytest.raises(ValueError, match="The table needs one column 'label'"):
        load_image_table(table, root=folder)


def test_labels_may_stand_in_a_column_called_path(folder):
    path = write(folder, "file,path", "0.png,ant", "1.png,bee")
    data = load_image_table(path, path_column="file", target_column="path")
    assert list(data.labels) == ["ant", "bee"]
    lines = "file,path,odd", "0.png,1,0", "1.png,0,1"
    columns = ["path", "odd"]
    data = load_image_table(
        write(folder, *lines), path_column="file", label_columns=columns
    )
    assert data.target.tolist() == [[1, 0], [0, 1]]

"""Tests for imgfeat/sources/_label_columns.py: several labels an image, in a table."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from skimage import data_dir

from imgfeat.sources import load_image_table

FILES = ["brick.png", "grass.png", "gravel.png"]


def table(**columns):
    return pd.DataFrame({"path": FILES, **columns})


def test_columns_of_0_and_1_are_labels():
    frame = table(scratch=[1, 0, 0], rust=[True, True, False], dent=["0", "1", " 0"])
    found = load_image_table(
        frame, label_columns=["scratch", "dent", "rust"], root=data_dir
    )
    assert_array_equal(found.target, [[1, 0, 1], [0, 1, 1], [0, 0, 0]])
    assert found.target_names.tolist() == ["scratch", "dent", "rust"]
    assert found.labels.tolist() == [("scratch", "rust"), ("dent", "rust"), ()]
    assert found.notes == ["Images with none of the labels: 1."]
    assert "3 images with 3 labels: 1 scratch, 1 dent, 2 rust." in found.DESCR
    assert found.frame["label"].tolist() == found.labels.tolist()


def test_a_csv_file_says_the_same(tmp_path):
    lines = ["path,scratch,rust", "brick.png,1,true", "grass.png,0,FALSE"]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    found = load_image_table(
        tmp_path / "t.csv", label_columns=["scratch", "rust"], root=data_dir
    )
    assert_array_equal(found.target, [[1, 1], [0, 0]])


def test_names_in_one_column_are_parted(tmp_path):
    lines = ["path,label", "brick.png,rust10; rust2", "grass.png,", "gravel.png,dent"]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    read = {"label_separator": ";", "root": data_dir}
    found = load_image_table(tmp_path / "t.csv", **read)
    assert found.target_names.tolist() == ["dent", "rust2", "rust10"]
    assert_array_equal(found.target, [[0, 1, 1], [0, 0, 0], [1, 0, 0]])
    names = ["rust10", "dent", "moss", "rust2"]
    found = load_image_table(tmp_path / "t.csv", class_names=names, **read)
    assert_array_equal(found.target.sum(axis=0), [1, 1, 0, 1])


@pytest.mark.parametrize(
    "column, said",
    [
        ([1, 2, 0], "needs 0 or 1 .* Got 2 in row 1"),
        ([1, np.nan, 0], "needs 0 or 1 .* Got nan in row 1"),
        (["1", "", "0"], "needs 0 or 1 .* Got '' in row 1"),
        (["yes", "1", "0"], "needs 0 or 1 .* 'b', a label column. Got 'yes' in row 0"),
    ],
)
def test_a_cell_that_says_neither_is_refused(column, said):
    with pytest.raises(ValueError, match=said):
        load_image_table(
            table(a=[0, 1, 0], b=column), label_columns=["a", "b"], root=data_dir
        )


@pytest.mark.parametrize(
    "options, said",
    [
        ({"label_columns": ["a"]}, "two columns or more"),
        ({"label_columns": "a"}, "two columns or more"),
        ({"label_columns": ["a", "a"]}, "label_columns must differ"),
        ({"label_columns": ["a", "rust"]}, "needs the columns 'path', 'a', 'rust'"),
        (
            {"label_columns": ["a", "b"], "class_names": ["b", "a"]},
            "Got class_names as well; leave it out",
        ),
        (
            {"label_columns": ["a", "b"], "label_separator": ";"},
            "Got label_separator as well",
        ),
        ({"label_separator": ""}, "the text between two names, as ';'. Got ''"),
        ({"label_separator": "|"}, r"two labels or more in 'label'. Got 'x;y'"),
        (
            {"label_separator": ";", "class_names": ["x", "z"]},
            "class_names has. Got 'y'",
        ),
    ],
)
def test_options_that_cannot_be_are_refused(options, said):
    frame = table(a=[0, 1, 0], b=[1, 0, 1], label=["x;y", "x;y", "x;y"])
    with pytest.raises(ValueError, match=said):
        load_image_table(frame, root=data_dir, **options)


@pytest.mark.parametrize(
    "cells, said",
    [
        (["x;y", None, "x"], "or empty text for none. Got None in row 1"),
        (["x;y", "x;", "x"], "a name on either side of ';' .* Got 'x;' in row 1"),
    ],
)
def test_names_that_are_missing_are_refused(cells, said):
    frame = table(label=pd.Series(cells, dtype=object))
    with pytest.raises(ValueError, match=said):
        load_image_table(frame, label_separator=";", root=data_dir)

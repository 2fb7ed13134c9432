"""Tests for imgfeat/evaluation/audit/_label_texts.py."""

import numpy as np
import pandas as pd
import pytest

from imgfeat._target import Target
from imgfeat.evaluation.audit._label_texts import LabelTexts

VALUES = np.array([[1, 0, 1], [0, 0, 0], [0, 1, 0]])


def texts_of(y, separator=None):
    return LabelTexts.of(y, Target.of(y, "a test"), separator)


def test_lists_of_names_stay_in_one_column():
    texts = texts_of([["b", "a"], [], ["c"]])
    assert texts.of_rows(VALUES) == ["a;c", "", "b"]
    table = pd.DataFrame({"path": ["1"], "label": ["a;c"]})
    assert texts.in_table(table) is table


@pytest.mark.parametrize("y", [VALUES, pd.DataFrame(VALUES, columns=["x", "y", "z"])])
def test_columns_stay_columns(y):
    texts = texts_of(y)
    rows = texts.of_rows(VALUES)
    table = pd.DataFrame({"path": list("pqr"), "label": rows, "split": list("stu")})
    table.index = [4, 0, 7]
    found = texts.in_table(table)
    assert list(found) == ["path", *texts.names, "split"]
    assert np.array_equal(found[list(texts.names)], VALUES)
    assert list(found.index) == [4, 0, 7] and list(found["split"]) == list("stu")


def test_the_separator_is_in_no_label():
    assert texts_of([["a;b"], ["c|d"]]).separator == ","
    assert texts_of([["a;b"], ["c"]], " + ").of_rows([[1, 1]]) == ["a;b + c"]
    with pytest.raises(ValueError, match=r"no label has\. Got ';' and 'a;b'"):
        texts_of([["a;b"], ["c"]], ";")
    with pytest.raises(ValueError, match=r"no label has\. Got None"):
        texts_of([["a;|,/"], ["c"]])


def test_labels_that_a_table_cannot_hold_are_refused():
    with pytest.raises(ValueError, match=r"Got 'path', which is .* another column"):
        texts_of(pd.DataFrame(VALUES[:, :2], columns=["path", "y"]))
    assert texts_of([["path"], ["y"]]).names == ("path", "y")
    with pytest.raises(ValueError, match=r"Got ' a'.* rename"):
        texts_of([[" a"], ["b"]])

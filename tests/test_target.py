"""Tests for imgfeat/_target.py: what y says of images, in every way to write it."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from imgfeat import evaluate
from imgfeat._target import Target, gives_several, is_several, refuse_several
from imgfeat.estimators import AugmentedClassifier, RidgeProbe
from imgfeat.features import HOG

MATRIX = np.array([[1, 0, 1], [0, 1, 0], [0, 0, 0], [1, 1, 0]])
NAMES = [["a", "c"], ["b"], [], ["a", "b"]]


@pytest.mark.parametrize(
    "y",
    [
        MATRIX,
        MATRIX.astype(bool),
        MATRIX.astype(np.float32),
        MATRIX.astype(object),
        MATRIX.tolist(),
        list(MATRIX),
        csr_array(MATRIX),
        pd.DataFrame(MATRIX),
    ],
)
def test_a_matrix_of_any_kind_is_the_same_target(y):
    target = Target.of(y, "compare")
    assert target.is_several and not target.has_names
    assert_array_equal(target.values, MATRIX)
    assert target.classes.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "y",
    [
        NAMES,
        [tuple(row) for row in NAMES],
        [set(row) for row in NAMES],
        pd.Series(NAMES),
        np.array([*NAMES, None], dtype=object)[:-1],
        pd.DataFrame(MATRIX, columns=["a", "b", "c"]),
    ],
)
def test_names_in_any_holder_are_the_same_target(y):
    target = Target.of(y, "compare")
    assert_array_equal(target.values, MATRIX)
    assert target.classes.tolist() == ["a", "b", "c"]
    assert target.to_fit().columns.tolist() == ["a", "b", "c"]


@pytest.mark.parametrize(
    "y", [["a", "b"], [0, 1], np.array([[0], [1]]), [[1], [0]], pd.Series(["ab", "c"])]
)
def test_one_label_an_image_is_not_several(y):
    assert not is_several(y)


def test_lists_of_one_name_each_are_several_labels_an_image():
    assert Target.of([["a"], ["b"]], "compare").values.tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize(
    "y, said",
    [
        ([["a"], ["b", 3]], "names of labels as text. Got 3 in row 1"),
        ([["a"], None, ["b"]], "a list of names for each image. Got None in row 1"),
        ([["a"], "b"], r"a list .* Got 'b' in row 1; write one name as \['b'\]"),
        ([["a"], ["b", " "]], "names of labels as text. Got ' ' in row 1"),
        ([[]] * 3, "names of at least two labels. Got 3 images without any; give"),
        ([["a"], ["a"]], r"names of at least two labels. Got \['a'\]"),
        ([[0, 1], [1, 2]], r"0 and 1 .* Got 2 in row 1 of y of shape \(2, 2\)"),
        ([[0, 1], [1, np.nan]], "0 and 1 .* Got nan in row 1"),
        ([[0, 1], [1, None]], "0 and 1 .* Got None in row 1"),
        (np.array([["0", "1"], ["1", "0"]]), "0 and 1 .* Got 0 in row 0"),
        ([[0, 1], [1]], "names of labels as text. Got 0 in row 0"),
        (pd.DataFrame([[0, 1]], columns=["a", "a"]), "a column a label. Got 'a' twice"),
    ],
)
def test_what_is_neither_is_refused(y, said):
    with pytest.raises(ValueError, match=f"compare needs {said}"):
        Target.of(y, "compare")


def test_labels_of_a_model_come_in_its_order():
    table = pd.DataFrame(MATRIX[:, ::-1], columns=["c", "b", "a"])
    assert_array_equal(Target.of(table, "x", ["a", "b", "c"]).values, MATRIX)
    assert_array_equal(Target.of([["b"]], "x", ["a", "b"]).values, [[0, 1]])
    assert_array_equal(Target.of([[], []], "x", ["a", "b"]).values, np.zeros((2, 2)))
    with pytest.raises(ValueError, match=r"knows the labels 'a', 'b'. Got 'd'"):
        Target.of([["a", "d"]], "x", ["a", "b"])
    with pytest.raises(ValueError, match="Got columns 'c', 'b', 'a'; use the columns"):
        Target.of(table, "x", ["a", "b"])
    with pytest.raises(ValueError, match=r"each of 2 labels. Got y of shape \(4, 3\)"):
        Target.of(MATRIX, "x", ["a", "b"])


def test_each_label_needs_images_with_it_and_without():
    target = Target.of([["a"], ["a", "b"], ["a"]], "compare")
    assert target.sides().tolist() == [0, 1]
    with pytest.raises(ValueError, match="Got 3 of 3 with 'a'; add images"):
        target.check_sides("compare")
    with pytest.raises(ValueError, match="2 images with each label, and 2 images"):
        target.check_sides("compare", 2)


def test_what_needs_one_label_says_what_it_got():
    with pytest.raises(
        ValueError,
        match=r"OpenSet needs one label an image. Got several: y is an indicator "
        r"matrix of shape \(4, 3\); give it one column at a time",
    ):
        refuse_several(MATRIX, "OpenSet")
    with pytest.raises(ValueError, match=r"y holds lists of names of shape \(4,\)"):
        refuse_several(NAMES, "OpenSet")
    refuse_several(["a", "b"], "OpenSet")


@pytest.mark.parametrize(
    "model",
    [
        OneVsRestClassifier(LogisticRegression()),
        RidgeClassifier(),
        RandomForestClassifier(2, random_state=0),
        make_pipeline(StandardScaler(), OneVsRestClassifier(LogisticRegression())),
        GridSearchCV(RidgeClassifier(), {"alpha": [1.0]}, cv=2),
    ],
)
def test_models_of_scikit_learn_say_whether_they_give_several(model):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 3)), rng.integers(2, size=(40, 3))
    assert gives_several(model.fit(X, y))
    assert not gives_several(model.fit(X, y[:, 0]))


def test_wrappers_of_such_models_say_so_as_well():
    rng = np.random.default_rng(0)
    images = rng.integers(256, size=(20, 16, 16), dtype=np.uint8)
    y = np.arange(40).reshape(20, 2) // 2 % 2
    y[:, 1] = rng.permutation(y[:, 1])
    inner = make_pipeline(HOG(cells_per_block=(1, 1)), RidgeProbe())
    wrapped = AugmentedClassifier(inner, n_augmented=1, random_state=0)
    assert gives_several(wrapped.fit(images, y))
    assert gives_several(FrozenEstimator(inner.fit(images, y)))
    assert gives_several(make_pipeline(FrozenEstimator(inner)))
    assert evaluate(wrapped, images, y).is_multi_label
    assert not gives_several(wrapped.fit(images, y[:, 0]))


def test_a_model_of_one_label_gives_one():
    assert not gives_several(DummyClassifier().fit([[0], [1]], ["a", "b"]))

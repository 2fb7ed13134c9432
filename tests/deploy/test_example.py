"""Tests for imgfeat/deploy/_example.py: what a file keeps to try itself on."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from imgfeat.deploy import load, save
from imgfeat.deploy._archive import read_bundle
from imgfeat.deploy._example import pack, picture, synthetic, unpack
from imgfeat.features import HOG, CNNEmbedding
from imgfeat.sources import ImageReader


@pytest.fixture
def table(tmp_path):
    """Eight photos with an age and a site, as biologists and doctors have them."""
    rows = []
    for number in range(8):
        path = tmp_path / f"{number}.png"
        Image.fromarray(picture((40, 50, 3), number)).save(path)
        rows.append((str(path), 20.0 + number, "north" if number % 3 else "south"))
    return pd.DataFrame(rows, columns=["photo", "age", "site"], index=range(30, 38))


@pytest.fixture
def labels():
    return ["ill", "well"] * 4


def describe(photo_column="photo"):
    gray = make_pipeline(ImageReader((32, 32), mode="gray"), HOG())
    return make_column_transformer(
        (gray, photo_column),
        (StandardScaler(), ["age"]),
        (OneHotEncoder(handle_unknown="ignore"), ["site"]),
    )


def test_photos_beside_measurements_are_saved(table, labels, tmp_path):
    model = make_pipeline(describe(), LogisticRegression()).fit(table, labels)
    path = tmp_path / "model.imgfeat"
    save(model, path)
    layout = read_bundle(path)[0]["example"]
    assert layout == [["photo", "images"], ["age", "values"], ["site", "values"]]
    np.testing.assert_array_equal(
        load(path).predict_proba(table), model.predict_proba(table)
    )


@pytest.mark.parametrize("n_rows", [1, 3])
def test_rows_of_the_table_are_an_example(table, labels, tmp_path, n_rows):
    model = make_pipeline(describe(), LogisticRegression()).fit(table, labels)
    path = tmp_path / "model.imgfeat"
    save(model, path, example=table[:n_rows])
    _, parts = read_bundle(path)
    images = [name for name in parts if name.startswith("golden/image")]
    assert len(images) == n_rows
    for photo in table["photo"]:
        assert photo not in str(parts)
    load(path)


def test_column_transformer_inside_of_a_search_is_found(table, labels, tmp_path):
    model = make_pipeline(describe(), LogisticRegression())
    search = GridSearchCV(model, {"logisticregression__C": [0.1, 1]}, cv=2)
    save(search.fit(table, labels), tmp_path / "model.imgfeat")
    assert load(tmp_path / "model.imgfeat").predict(table).shape == (8,)


def test_net_beside_numbers_is_saved(table, labels, tmp_path):
    net = CNNEmbedding(size=64, engine="torch", device="cpu")
    columns = ColumnTransformer([("net", net, "photo")], remainder="passthrough")
    numbers = table[["photo", "age"]]
    model = make_pipeline(columns, LogisticRegression()).fit(numbers, labels)
    save(model, tmp_path / "model.imgfeat")
    manifest, _ = read_bundle(tmp_path / "model.imgfeat")
    assert manifest["golden_tolerance"] == 0.03
    np.testing.assert_array_equal(
        load(tmp_path / "model.imgfeat").predict(numbers), model.predict(numbers)
    )


def test_pack_and_unpack_give_the_table_back(table, labels):
    model = make_pipeline(describe(), LogisticRegression()).fit(table, labels)
    arrays, layout = pack(table[:3], model)
    assert all(array.dtype.kind in "ufU" for array in arrays.values())
    found = unpack(arrays, layout)
    assert arrays == {}
    assert list(found["age"]) == list(table["age"][:3])
    assert list(found["site"]) == list(table["site"][:3])
    np.testing.assert_array_equal(found["photo"][2], picture((40, 50, 3), 2))


def test_missing_values_in_an_example_are_refused(table, labels, tmp_path):
    model = make_pipeline(describe(), LogisticRegression()).fit(table, labels)
    table.loc[30, "age"] = np.nan
    with pytest.raises(ValueError, match=r"without missing values.*column 'age'"):
        save(model, tmp_path / "model.imgfeat", example=table[:2])


def test_too_many_rows_are_refused(table, labels):
    model = make_pipeline(describe(), LogisticRegression()).fit(table, labels)
    with pytest.raises(ValueError, match=r"1 to 16 images\. Got 24"):
        pack(pd.concat([table] * 3), model)


def test_synthetic_table_has_the_columns_and_known_categories(table, labels):
    model = make_pipeline(describe(), LogisticRegression()).fit(table, labels)
    example = synthetic(model)
    assert list(example.columns) == ["photo", "age", "site"]
    assert example["photo"][0].shape == (96, 128, 3)
    assert set(example["site"]) <= {"north", "south"}

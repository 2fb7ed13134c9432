"""Tests for imgfeat/sources/_folder.py."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedKFold,
    cross_val_score,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from imgfeat.sources import (
    ImageDecodeError,
    ImageReader,
    load_image_folder,
    load_image_table,
)
from tests.sources._files import encode


def make_files(root, *names, content=b""):
    for name in names:
        path = Path(root, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


@pytest.fixture
def folder(tmp_path):
    """Cats, dogs and one eel; the files are empty, for nothing is decoded."""
    make_files(
        tmp_path, "dog/b.png", "dog/a.JPG", "cat/2.png", "cat/10.png", "eel/x.tif"
    )
    return tmp_path


def names(data):
    return [Path(path).name for path in data.images]


# load_image_folder ------------------------------------------------------------------


def test_classes_and_files_are_sorted(folder):
    data = load_image_folder(folder)
    assert list(data.target_names) == ["cat", "dog", "eel"]
    assert names(data) == ["10.png", "2.png", "a.JPG", "b.png", "x.tif"]
    assert_array_equal(data.target, [0, 0, 1, 1, 2])
    assert data.target.dtype == np.int64
    assert data.images.ndim == 1 and all(type(path) is str for path in data.images)
    assert_array_equal(data.frame.path, data.images)
    assert_array_equal(data.frame.label, data.target_names[data.target])
    assert "5 images in 3 classes: cat 2, dog 2, eel 1" in data.DESCR


@pytest.mark.parametrize("kind", [str, Path])
def test_path_may_be_text_or_path(folder, kind):
    assert len(load_image_folder(kind(folder)).images) == 5


def test_images_may_lie_deeper(folder):
    make_files(folder, "cat/indoor/sleeping/3.webp")
    assert "3.webp" in names(load_image_folder(folder))


def test_litter_is_no_class_and_no_image(folder):
    make_files(
        folder,
        ".ipynb_checkpoints/a.png",
        "__MACOSX/cat/a.png",
        ".git/a.png",
        "cat/.ipynb_checkpoints/2-checkpoint.png",
        "cat/__MACOSX/._2.png",
        "cat/._2.png",
        "cat/.DS_Store",
        "cat/Thumbs.db",
        "cat/notes.txt",
        "cat/model.png.part",
        "beside.png",
    )
    data = load_image_folder(folder)
    assert list(data.target_names) == ["cat", "dog", "eel"]
    assert len(data.images) == 5


@pytest.mark.parametrize(
    "suffix",
    [
        "jpg",
        "jpeg",
        "JPEG",
        "Png",
        "webp",
        "bmp",
        "gif",
        "tif",
        "TIFF",
        "ppm",
        "pgm",
        "pbm",
        "pnm",
    ],
)
def test_suffix_counts_in_any_case(tmp_path, suffix):
    make_files(tmp_path, f"a/x.{suffix}", f"b/x.{suffix}")
    assert len(load_image_folder(tmp_path).images) == 2


def test_class_names_fix_the_order(folder):
    data = load_image_folder(folder, class_names=["eel", "cat", "dog"])
    assert list(data.target_names) == ["eel", "cat", "dog"]
    assert names(data)[0] == "x.tif"
    assert_array_equal(data.target, [0, 1, 1, 2, 2])


@pytest.mark.parametrize(
    "class_names, message",
    [
        (["cat", "dog"], "unexpected folders 'eel'; correct class_names"),
        (["cats", "dog", "eel"], "unexpected folders 'cat'; correct class_names"),
        (["cat", "cat", "dog", "eel"], "must differ. Got 'cat' twice"),
        ("cat", "must be a list of names. Got 'cat'"),
    ],
)
def test_class_names_are_checked(folder, class_names, message):
    with pytest.raises(ValueError, match=message):
        load_image_folder(folder, class_names=class_names)


def test_one_class_is_enough_to_predict(tmp_path):
    make_files(tmp_path, "new/1.png")
    assert list(load_image_folder(tmp_path).target_names) == ["new"]


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder .*absent; check the path"):
        load_image_folder(tmp_path / "absent")


def test_file_instead_of_a_folder_is_named(folder):
    with pytest.raises(NotADirectoryError, match=r"2.png is a file. A folder with one"):
        load_image_folder(folder / "cat" / "2.png")


def test_empty_folder_and_flat_folder_say_what_is_needed(tmp_path):
    message = (
        "needs one sub-folder for each class. Got no sub-folder and {} images; sort"
    )
    with pytest.raises(ValueError, match=message.format(0)):
        load_image_folder(tmp_path)
    make_files(tmp_path, "a.png", "b.png")
    with pytest.raises(ValueError, match=message.format(2)):
        load_image_folder(tmp_path)


def test_empty_class_is_named(folder):
    (folder / "fox").mkdir()
    make_files(folder, "gnu/readme.txt")
    with pytest.raises(ValueError, match=r"one image. Got none in 'fox', 'gnu'"):
        load_image_folder(folder)


def test_no_image_at_all_says_what_is_needed(tmp_path):
    make_files(tmp_path, "a/x.txt", "b/x.xcf")
    with pytest.raises(ValueError, match=r"Got none in 'a', 'b'; put JPEG, PNG"):
        load_image_folder(tmp_path)


def link(target, name):
    try:
        name.symlink_to(target, target_is_directory=True)
    except OSError:
        pytest.skip("the system gives no links to this user")


def test_links_that_lead_back_end(folder):
    link(folder / "cat", folder / "cat" / "self")
    link(folder, folder / "cat" / "root")
    link(folder.parent, folder / "cat" / "above_root")
    link(Path(folder.anchor), folder / "dog" / "everything")
    assert len(load_image_folder(folder).images) == 5


def test_linked_class_and_folder_are_followed_once(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    make_files(elsewhere, "owl.png", "deep/owl2.png")
    link(elsewhere, folder / "owl")
    link(elsewhere / "deep", elsewhere / "deep2")
    data = load_image_folder(folder)
    assert names(data)[-2:] == ["owl2.png", "owl.png"]
    assert len(data.images) == 7


def test_relative_paths_stay_relative(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    data = load_image_folder(folder.name)
    assert data.images[0] == os.path.join(folder.name, "cat", "10.png")


# load_image_table -------------------------------------------------------------------


@pytest.fixture
def table(folder):
    return pd.DataFrame(
        {"path": ["cat/2.png", "dog/b.png", "cat/10.png"], "label": ["c", "d", "c"]},
        index=[7, 8, 9],
    )


def test_csv_paths_start_from_its_folder(folder, table):
    table.assign(camera=[1, 2, 3]).to_csv(folder / "data.csv", index=False)
    for path in (folder / "data.csv", str(folder / "data.csv")):
        data = load_image_table(path)
        assert data.images[0] == str(folder / "cat/2.png")
        assert list(data.target_names) == ["c", "d"]
        assert_array_equal(data.target, [0, 1, 0])
        assert list(data.frame.columns) == ["path", "label", "camera"]


def test_data_frame_keeps_its_order(folder, table):
    data = load_image_table(table, root=folder)
    assert names(data) == ["2.png", "b.png", "10.png"]
    assert list(data.frame.index) == [0, 1, 2]
    assert list(table.path) == ["cat/2.png", "dog/b.png", "cat/10.png"]  # untouched


def test_absolute_paths_need_no_root(folder, table):
    table["path"] = [str(folder / path) for path in table["path"]]
    assert_array_equal(load_image_table(table).images, table.path)


def test_columns_may_have_other_names(folder, table):
    table.columns = ["file", "species"]
    data = load_image_table(
        table, path_column="file", target_column="species", root=folder
    )
    assert list(data.frame.columns) == ["file", "species", "path", "label"]
    assert list(data.frame.label) == ["c", "d", "c"]


def test_no_labels_are_needed_to_predict(folder, table):
    data = load_image_table(table[["path"]], target_column=None, root=folder)
    assert data.target is None and data.target_names is None
    assert len(data.images) == 3


@pytest.mark.parametrize(
    "labels, expected",
    [
        ([10, 2, 10], ["2", "10"]),
        ([0.5, 1.0, 0.5], ["0.5", "1.0"]),
        ([True, False, True], ["False", "True"]),
        (["10", "2", "10"], ["2", "10"]),
        ([1, "a", 1], ["1", "a"]),
    ],
)
def test_labels_of_any_kind_become_text(folder, table, labels, expected):
    data = load_image_table(table.assign(label=labels), root=folder)
    assert list(data.target_names) == expected
    assert_array_equal(data.frame.label, [str(label) for label in labels])


def test_missing_columns_are_named_with_what_is_there(table):
    message = "needs the columns 'file', 'label'. Got 'path', 'label'; name yours with"
    with pytest.raises(ValueError, match=message):
        load_image_table(table, path_column="file")


def test_missing_files_are_counted(folder, table):
    table.iloc[[0, 2], 0] = ["gone.png", "cat"]
    with pytest.raises(
        FileNotFoundError,
        match=r"Got 2 of 3 that do not, the first is .*gone.png; ",
    ):
        load_image_table(table, root=folder)


@pytest.mark.parametrize("column", ["path", "label"])
def test_missing_values_are_counted(folder, table, column):
    table.loc[8, column] = None
    with pytest.raises(
        ValueError, match=f"every row of '{column}'. Got 1 without, the first in row 1"
    ):
        load_image_table(table, root=folder)


def test_empty_table_is_an_error(table):
    with pytest.raises(ValueError, match=r"at least one row. Got none"):
        load_image_table(table[:0])


def test_what_is_no_csv_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no CSV file .*absent.csv"):
        load_image_table(tmp_path / "absent.csv")
    for content in (b"", b"\xff\xfe\x00\x01", b'a,b\n"x,1\n2,3,4,5\n'):
        (tmp_path / "bad.csv").write_bytes(content)
        with pytest.raises(ValueError, match=r"bad.csv (is not a CSV|needs the)"):
            load_image_table(tmp_path / "bad.csv")


# With scikit-learn ------------------------------------------------------------------


@pytest.fixture
def photos(tmp_path):
    rng = np.random.default_rng(0)
    for label, low in (("dark", 0), ("light", 100)):
        for index in range(12):
            pixels = rng.integers(low, low + 90, (6, 7), dtype=np.uint8)
            make_files(tmp_path, f"{label}/{index}.png", content=encode(pixels))
    return load_image_folder(tmp_path)


def test_scikit_learn_splits_and_searches_it_unchanged(photos):
    flatten = FunctionTransformer(lambda X: X.reshape(len(X), -1) / 255)
    reader = ImageReader((4, 4), mode="gray")
    model = make_pipeline(reader, flatten, LogisticRegression())
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    assert cross_val_score(model, photos.images, photos.target, cv=folds).min() == 1

    X_train, X_test, y_train, y_test = train_test_split(
        photos.images, photos.target, stratify=photos.target, random_state=0
    )
    search = GridSearchCV(model, {"logisticregression__C": [0.1, 10]}, cv=folds)
    assert search.fit(X_train, y_train).score(X_test, y_test) == 1
    assert_array_equal(search.predict(photos.frame.path), photos.target)


def test_splits_are_no_classes(tmp_path):
    make_files(
        tmp_path,
        *("Training/10/a.png", "Training/9/a.png", "Training/9/b.png"),
        *("valid/9/c.png", "test/10/d.png", "test/11/e.png"),
    )
    data = load_image_folder(tmp_path)
    assert list(data.target_names) == ["9", "10", "11"]
    assert list(data.frame["split"]) == ["train"] * 3 + ["val"] + ["test"] * 2
    assert list(data.labels) == ["9", "9", "10", "9", "10", "11"]
    assert_array_equal(data.target_names[data.target], data.labels)
    part = load_image_folder(tmp_path, split="test")
    assert list(part.target) == [1, 2]
    assert list(part.target_names) == ["9", "10", "11"]
    with pytest.raises(ValueError, match="split='dev' needs a sub-folder"):
        load_image_folder(tmp_path, split="dev")


@pytest.mark.parametrize(
    "files",
    [
        ["train/a.png", "bus/b.png"],
        ["train/1.png", "test/2.png"],
        ["train/ant/1.png", "test/bee/2.png"],
    ],
    ids=["a class named train", "no classes inside", "no class in common"],
)
def test_folders_that_only_sound_like_splits_are_classes(tmp_path, files):
    make_files(tmp_path, *files)
    data = load_image_folder(tmp_path)
    assert "split" not in data.frame
    assert set(data.target_names) == {file.split("/")[0] for file in files}


def test_same_sub_folders_in_all_classes_are_told(tmp_path):
    make_files(tmp_path, *(f"{a}/{b}/1.png" for a in "xy" for b in ("cat", "dog")))
    told = load_image_folder(tmp_path).DESCR
    assert "All classes hold the same sub-folders, 'cat', 'dog': are these the" in told


def test_files_that_are_left_out_are_told(tmp_path):
    make_files(tmp_path, "a/1.png", "b/2.png", "b/notes.txt", "b/x.raw", "a/y.RAW")
    data = load_image_folder(tmp_path)
    assert data.notes == ["Left out, as they are no images: 2 .raw, 1 .txt."]
    assert data.notes[0] in data.DESCR


IMAGE = np.zeros((6, 7, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "format", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "PPM", "BMP", "JPEG2000"]
)
@pytest.mark.parametrize("name", ["IMG_0001", "x.jpeg_large", "x.jpg!d", "x.txt"])
def test_content_decides_where_the_suffix_says_nothing(tmp_path, name, format):
    make_files(tmp_path, f"a/{name}", "b/1.png", content=encode(IMAGE, format))
    data = load_image_folder(tmp_path)
    assert [Path(path).name for path in data.images] == [name, "1.png"]
    assert ImageReader().transform(data.images).shape == (2, 6, 7, 3)


OTHERS = {
    "car": b"BMW is a car, of which there are many",
    "p.csv": b"P1,P2,P3\n1,2,3\n",
    "x.wav": b"RIFF\x24\0\0\0WAVEfmt " + bytes(30),
    "film": b"\0\0\0\x18ftypisom" + bytes(30),
    "photo.nef": b"II*\0\x08\0\0\0" + bytes(30),
    "photo.cr2": b"II*\0\x10\0\0\0CR\2\0" + bytes(30),
    "x.jpg.part": b"\xff\xd8\xff\xe0" + bytes(30),
    "nothing": b"",
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_only_begins_like_an_image_is_left_out(tmp_path, name):
    make_files(tmp_path, "a/1.png", "b/2.png", content=encode(IMAGE))
    make_files(tmp_path, f"a/{name}", content=OTHERS[name])
    data = load_image_folder(tmp_path)
    assert len(data.images) == 2
    kind = Path(name).suffix or "without suffix"
    assert data.notes == [f"Left out, as they are no images: 1 {kind}."]


def test_text_with_an_image_s_suffix_is_refused_by_name(tmp_path):
    make_files(tmp_path, "a/1.png", content=encode(IMAGE, "JPEG"))
    make_files(tmp_path, "b/2.jpg", content=b"<html>not found</html>")
    images = load_image_folder(tmp_path).images
    assert ImageReader().transform(images[:1]).shape == (1, 6, 7, 3)
    with pytest.raises(ImageDecodeError, match=r"2.jpg: it is not an image file"):
        ImageReader().transform(images)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_pipes_are_not_opened(tmp_path):
    make_files(tmp_path, "a/1.png", "b/2.png", content=encode(IMAGE))
    os.mkfifo(tmp_path / "a" / "pipe")
    assert len(load_image_folder(tmp_path).images) == 2


def test_what_network_drives_leave_is_no_class(tmp_path):
    make_files(
        tmp_path, "a/1.png", "@eaDir/a/1.png", "#recycle/2.png", "b/@eaDir/3.png"
    )
    make_files(tmp_path, "b/2.png")
    data = load_image_folder(tmp_path)
    assert list(data.target_names) == ["a", "b"]
    assert len(data.images) == 2


def test_named_classes_may_be_absent_and_keep_their_numbers(folder):
    data = load_image_folder(folder, class_names=["owl", "eel", "cat", "dog"])
    assert set(data.target) == {1, 2, 3}
    assert list(data.target_names) == ["owl", "eel", "cat", "dog"]


def test_two_folders_for_one_split_are_refused(tmp_path):
    make_files(tmp_path, "val/a/1.png", "valid/a/2.png", "train/a/3.png")
    with pytest.raises(ValueError, match=r"Each split needs one folder.*'valid'"):
        load_image_folder(tmp_path)

"""Tests for imgfeat/sources/_listing.py: every image once, in order, some at a time."""

import os
import pickle
import tracemalloc

import pandas as pd
import pytest
from PIL import Image

from imgfeat.sources import list_images, load_image_folder

LINES = ("0.png", "deep/1.png", "b c.png")


@pytest.fixture
def folder(tmp_path):
    """Three images, one of them deeper, and what is none."""
    for name in LINES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("L", (5, 4)).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / ".hidden.png").write_bytes(b"")
    return tmp_path


def images_of(listing, n_rows=2):
    return [image for chunk in listing.chunks(n_rows) for image in chunk]


def ids_of(listing):
    return [image.id for image in images_of(listing)]


def write(folder, *lines):
    path = folder / "images.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_folder_lists_what_load_image_folder_takes(folder):
    listing = list_images(folder)
    assert ids_of(listing) == sorted(str(folder / name) for name in LINES)
    assert len(listing) == 3
    assert listing.notes == ["Left out, as they are no images: 1 .txt."]
    below = load_image_folder(folder)
    assert list(below.images) == ids_of(list_images(folder / "deep"))


def test_items_lead_to_the_file_from_any_folder(folder, monkeypatch):
    monkeypatch.chdir(folder)
    listing = list_images("deep")
    assert images_of(listing) == [("deep/1.png", str(folder / "deep/1.png"))]


@pytest.mark.parametrize("n_rows", [1, 2, 3, 4])
def test_chunks_have_the_length_asked_for(folder, n_rows):
    listing = list_images(folder)
    lengths = list(map(len, listing.chunks(n_rows)))
    assert sum(lengths) == 3
    assert set(lengths[:-1]) <= {n_rows}
    assert images_of(listing, n_rows) == images_of(listing)


def test_chunks_of_nothing_are_refused(folder):
    with pytest.raises(ValueError, match=r"at least 1. Got 0"):
        next(list_images(folder).chunks(0))


def test_a_pattern_lists_the_images_it_finds(folder):
    assert ids_of(list_images(f"{folder}/*.png")) == [
        str(folder / "0.png"),
        str(folder / "b c.png"),
    ]
    assert len(list_images(f"{folder}/*")) == 3
    assert len(list_images(f"{folder}/**")) == 3
    assert ids_of(list_images(f"{folder}/{{b c,0}}.png")) == [
        str(folder / "b c.png"),
        str(folder / "0.png"),
    ]


def test_one_image_is_a_listing_of_one(folder):
    assert ids_of(list_images(folder / "0.png")) == [str(folder / "0.png")]


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_table_lists_its_rows_in_their_order(folder, form):
    rows = pd.DataFrame({"path": ["deep/1.png", "0.png"], "label": ["a", "b"]})
    path = folder / f"images.{form}"
    if form == "csv":
        rows.to_csv(path, index=False)
    else:
        pytest.importorskip("pyarrow")
        rows.to_parquet(path)
    assert images_of(list_images(path)) == [
        ("deep/1.png", str(folder / "deep/1.png")),
        ("0.png", str(folder / "0.png")),
    ]


def test_a_table_may_name_its_rows_and_start_elsewhere(folder):
    path = write(folder / "deep", "path;id", "0.png;a", "0.png;b")
    listing = list_images(path, root=folder)
    item = str(folder / "0.png")
    assert images_of(listing) == [("a", item), ("b", item)]


def test_parquet_may_number_its_rows(folder):
    pytest.importorskip("pyarrow")
    path = folder / "images.parquet"
    pd.DataFrame({"path": ["x.png", "x.png"], "id": [7, 8]}).to_parquet(path)
    assert ids_of(list_images(path)) == ["7", "8"]


def test_files_of_a_table_need_not_exist(folder):
    listing = list_images(write(folder, "path", "gone.png"))
    assert images_of(listing) == [("gone.png", str(folder / "gone.png"))]


def test_a_name_that_comes_twice_is_refused(folder):
    rows = [f"{number}.png" for number in range(5000)]
    path = write(folder, "path", *rows, "17.png")
    with pytest.raises(ValueError, match=r"'17.png' in row 17 and in row 5000"):
        list_images(path)


def test_odd_columns_are_refused(folder):
    with pytest.raises(
        ValueError, match=r"needs a column 'path'.* Got 'file', 'label'"
    ):
        list_images(write(folder, "file,label", "0.png,a"))
    with pytest.raises(ValueError, match=r"one column 'path'"):
        list_images(write(folder, "path,path", "0.png,a"))
    with pytest.raises(ValueError, match=r"every row of 'path'. Got 1 .* in row 1"):
        list_images(write(folder, "path,label", "0.png,a", ",b"))
    with pytest.raises(ValueError, match=r"at least one image. Got none"):
        list_images(write(folder, "path,label"))


def test_odd_parquet_is_refused(folder):
    pytest.importorskip("pyarrow")
    path = folder / "images.parquet"
    pd.DataFrame({"path": [b"bytes"]}).to_parquet(path)
    with pytest.raises(ValueError, match=r"text in its column 'path'. Got binary"):
        list_images(path)
    pd.DataFrame({"path": ["a", None]}).to_parquet(path)
    with pytest.raises(ValueError, match=r"the first in row 1"):
        list_images(path)
    pd.DataFrame({"file": ["a"]}).to_parquet(path)
    with pytest.raises(ValueError, match=r"needs a column 'path'"):
        list_images(path)
    path.write_bytes(b"PAR1")
    with pytest.raises(ValueError, match=r"not a Parquet file"):
        list_images(path)


def test_what_is_missing_is_named(folder):
    with pytest.raises(FileNotFoundError, match=r"no file or folder .*nowhere"):
        list_images(folder / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"no CSV file .*nowhere.csv"):
        list_images(folder / "nowhere.csv")
    with pytest.raises(
        FileNotFoundError, match=r"Got 2 that do not exist.* is .*/1.png"
    ):
        list_images(f"{folder}/{{0..2}}.png")
    with pytest.raises(ValueError, match=r"needs image files, or tar shards. Got noth"):
        list_images(f"{folder}/*.jpg")
    with pytest.raises(ValueError, match=r"leave root out"):
        list_images(folder, root=folder)


def test_identity_is_of_names_places_and_order(folder):
    first = write(folder, "path", "0.png", "1.png")
    identity = list_images(first).identity
    assert list_images(first).identity == identity
    assert list_images(first, root=folder / "deep").identity != identity
    write(folder, "path", "1.png", "0.png")
    assert list_images(first).identity != identity
    write(folder, "path,id", "0.png,0.png", "2.png,1.png")
    assert list_images(first).identity != identity


def test_names_that_are_no_text_are_listed(folder):
    odd = os.fsencode(folder) + b"/\xff.png"
    try:
        os.rename(folder / "0.png", odd)
    except OSError:
        pytest.skip("this file system takes names in UTF-8 only")
    listing = list_images(folder)
    assert os.fsdecode(odd) in ids_of(listing)
    assert ids_of(pickle.loads(pickle.dumps(listing))) == ids_of(listing)


def test_a_long_table_is_never_held_whole(tmp_path):
    rows = (f"{number % 100:02}/{number:07}.jpg" for number in range(20_000))
    path = write(tmp_path, "path", *rows)
    tracemalloc.start()
    listing = list_images(path)
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(map(len, listing.chunks(9000))) == len(listing) == 20_000
    assert held < 20_000 * 20
    assert peak < 20_000 * 100 + 8_000_000

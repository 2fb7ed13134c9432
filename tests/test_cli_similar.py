"""Tests for imgfeat/_cli_similar.py, as a user would type it."""

import csv
import io
import json
import shutil

import pytest

from imgfeat import load
from imgfeat.evaluation import find_similar
from imgfeat.features import HOG
from tests._commands import rows_of, run


def test_rows_are_those_of_find_similar(model, photos):
    files = sorted(map(str, photos.glob("*/*.jpg")))
    queries = [files[3], files[20]]
    rows = rows_of(run("similar", model, photos, *queries, "-n", 4))
    expected = find_similar(load(model), files, queries, n=4)
    assert [row["path"] for row in rows] == expected["path"].tolist()
    assert [row["query"] for row in rows] == [q for q in queries for _ in range(4)]
    shown = [float(row["similarity"]) for row in rows]
    assert shown == pytest.approx(expected["similarity"].tolist(), abs=1e-6)
    assert shown[0] == pytest.approx(1) and rows[0]["path"] == queries[0]


def test_folder_of_queries_and_lines_of_json(model, photos, tmp_path):
    to = tmp_path / "found.jsonl"
    options = ["-n", 2, "--format", "jsonl", "--out", to]
    run("similar", model, photos / "grass", photos / "brick", *options)
    rows = [json.loads(line) for line in to.read_text().splitlines()]
    assert len(rows) == 24
    assert all("brick" in row["query"] and "grass" in row["path"] for row in rows)
    assert list(rows[0]) == ["query", "path", "similarity"]


def test_unreadable_file_is_named_or_left_out(model, photos, tmp_path):
    gallery = tmp_path / "gallery"
    shutil.copytree(photos / "grass", gallery)
    (gallery / "bad.jpg").write_bytes(b"no image")
    query = next((photos / "brick").glob("*.jpg"))
    failed = run("similar", model, gallery, query, code=2)
    assert "bad.jpg" in failed.stderr and "--skip-unreadable" in failed.stderr
    assert not failed.stdout
    options = ["--skip-unreadable", "-n", 100]
    found = run("similar", model, gallery, query, gallery / "bad.jpg", *options)
    assert found.stderr.count("left out") == 2
    rows = list(csv.DictReader(io.StringIO(found.stdout)))
    assert len(rows) == 12 and {row["query"] for row in rows} == {str(query)}


def test_another_search_describes_no_image_again(model, photos, monkeypatch):
    query = next((photos / "brick").glob("*.jpg"))
    first = run("similar", model, photos, query, "--jobs", 1).stdout

    def refuse(self, X):
        if len(X) > 4:  # loading checks a model by a few
            raise AssertionError(f"{len(X)} images are described again")
        return transform(self, X)

    transform = HOG.transform
    monkeypatch.setattr(HOG, "transform", refuse)
    assert run("similar", model, photos, query).stdout == first


def test_empty_folder_is_named(model, photos, tmp_path):
    (tmp_path / "empty").mkdir()
    query = next(photos.glob("*/*.jpg"))
    failed = run("similar", model, tmp_path / "empty", query, code=2)
    assert "There is no image to look among in" in failed.stderr


def test_file_that_cannot_be_written_is_refused_before_the_work(photos, tmp_path):
    to = tmp_path / "none" / "found.csv"
    refused = run("similar", "no model", photos, photos, "--out", to, code=2)
    assert "--out needs the name of a file" in " ".join(refused.stderr.split())

"""Tests for imgfeat/_cli_predict.py, as a user would type it."""

import codecs
import csv
import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from imgfeat._files import kept_name
from imgfeat.cli import app
from imgfeat.features import HOG
from imgfeat.sources import ImageReader
from tests._commands import rows_of, run, runner
from tests.deploy._saved import save_at


def test_predict_writes_a_row_a_file(model, photos):
    files = sorted(photos.glob("*/*.jpg"))
    rows = rows_of(run("predict", model, *files))
    assert [row["path"] for row in rows] == [str(file) for file in files]
    assert all(0 < float(row["probability"]) <= 1 for row in rows)
    right = [row["label"] in row["path"] for row in rows]
    assert sum(right) >= 0.9 * len(rows)


def test_predict_takes_a_folder(model, photos):
    assert len(rows_of(run("predict", model, photos / "brick"))) == 12


def test_predict_labels_the_others_when_a_file_is_bad(model, photos, tmp_path):
    good = next(photos.glob("grass/*.jpg"))
    truncated = tmp_path / "half.jpg"
    truncated.write_bytes(good.read_bytes()[:-200])
    missing = tmp_path / "missing.jpg"
    result = run("predict", model, truncated, good, missing, code=1)
    rows = rows_of(result)
    assert [bool(row["label"]) for row in rows] == [False, True, False]
    assert all(row["error"] for row in (rows[0], rows[2]))
    assert rows[1]["error"] == ""


def test_predict_prints_json_lines(model, photos):
    file = next(photos.glob("brick/*.jpg"))
    line = json.loads(run("predict", model, file, "--format", "jsonl").stdout)
    assert set(line) == {"path", "label", "probability", "error"}
    assert line["error"] is None


def test_predict_gives_a_row_to_what_is_no_file(model, photos, tmp_path, monkeypatch):
    monkeypatch.chdir(photos / "brick")  # "" is no name for it
    good = next(photos.glob("grass/*.jpg"))
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").touch()
    odd = tmp_path / os.fsdecode(b"caf\xe9\n.jpg")
    odd.write_bytes(good.read_bytes())
    result = run("predict", model, "", good, tmp_path / "notes", odd, "no", code=1)
    rows = list(csv.DictReader(io.StringIO(result.stdout_bytes.decode("latin-1"))))
    assert [bool(row["label"]) for row in rows] == [False, True, False, True, False]
    assert [bool(row["error"]) for row in rows] == [True, False, True, False, True]
    assert "3 of 5 files" in result.stderr
    assert "Left out, as they are no images: 1 .txt" in result.stderr


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_predict_writes_a_file(model, photos, tmp_path, format):
    to = tmp_path / "rows"
    shown = run(
        "predict",
        model,
        photos / "brick",
        "no",
        "--out",
        to,
        "--format",
        format,
        code=1,
    )
    assert shown.stdout == ""
    n_lines = len(to.read_text().splitlines())
    assert n_lines == 13 + (format == "csv")


@pytest.mark.slow
def test_predict_without_standard_output_says_so_or_writes_a_file(
    model, photos, tmp_path
):
    files = [str(model), str(photos / "brick"), "--out", str(tmp_path / "rows")]
    command = [sys.executable, "-m", "imgfeat", "predict", *files]
    closed = ["sh", "-c", 'exec "$@" >&-', "sh"]
    done = subprocess.run(
        [*closed, *command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "rows").read_text().splitlines()) == 13
    done = subprocess.run(
        [*closed, *command[:-2]], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "Standard output is closed; name a file with --out." in done.stderr


def test_format_is_as_the_file_ends_unless_it_is_given(model, photos, tmp_path):
    folder = photos / "brick"
    for name in ("rows.jsonl", "rows.csv", "rows"):
        run("predict", model, folder, "--out", tmp_path / name)
    lines = (tmp_path / "rows.jsonl").read_text().splitlines()
    assert len([json.loads(line) for line in lines]) == 12
    assert (tmp_path / "rows").read_text() == (tmp_path / "rows.csv").read_text()
    run("predict", model, folder, "--out", tmp_path / "rows.csv", "--format", "jsonl")
    assert (tmp_path / "rows.csv").read_text().splitlines() == lines


def test_parquet_holds_the_same_rows(model, photos, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    odd = tmp_path / os.fsdecode(b"caf\xe9.jpg")
    odd.write_bytes(next(photos.glob("grass/*.jpg")).read_bytes())
    arguments = "predict", model, photos / "brick", odd, "no.jpg", "--top-k", 2
    shown = run(*arguments, "--format", "jsonl", code=1).stdout
    run(*arguments, "--out", tmp_path / "rows.parquet", code=1)
    table = parquet.read_table(tmp_path / "rows.parquet")
    rows = [json.loads(line) for line in shown.splitlines()]
    found = table.to_pylist()
    assert found[12]["path"].endswith(r"caf\xe9.jpg")
    rows[12]["path"] = found[12]["path"]
    assert found == rows
    assert str(table.schema.field("probability").type) == "double"
    shown = run("predict", model, photos, "--format", "parquet", code=2).stderr
    assert "Parquet is for files; name one with --out" in shown


def test_top_k_ranks_labels_and_threshold_empties_them(model, photos):
    files = sorted(photos.glob("*/*.jpg"))
    plain = rows_of(run("predict", model, *files))
    ranked = rows_of(run("predict", model, *files, "--top-k", 9))
    further = ["label_2", "probability_2", "label_3", "probability_3"]
    assert [*ranked[0]] == ["path", "label", "probability", "error", *further]
    for row, of_row in zip(plain, ranked, strict=True):
        assert row.items() <= of_row.items()
        labels = [of_row[name] for name in ("label", "label_2", "label_3")]
        assert sorted(labels) == ["brick", "grass", "gravel"]
        shares = [float(of_row[f"probability{end}"]) for end in ("", "_2", "_3")]
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) == pytest.approx(1, abs=2e-6)
    bound = float(sorted(row["probability"] for row in plain)[10]) + 1e-6
    kept = rows_of(run("predict", model, *files, "--threshold", bound))
    is_kept = [float(row["probability"]) >= bound for row in plain]
    assert 0 < sum(is_kept) < len(files)
    assert kept == [
        row if stays else row | {"label": ""}
        for row, stays in zip(plain, is_kept, strict=True)
    ]


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("--top-k", 0), "--top-k needs to be at least 1. Got 0"),
        (("--threshold", 90), "--threshold needs to be between 0 and 1. Got 90"),
        (("--resume",), "--resume needs --out"),
    ],
)
def test_options_that_cannot_be_are_refused(model, photos, arguments, message):
    shown = run("predict", model, photos / "brick", *arguments, code=2)
    assert message in " ".join(shown.stderr.split())
    assert shown.stdout == ""


def test_names_come_from_standard_input(model, photos):
    files = sorted(photos.glob("brick/*.jpg"))
    lines = [*map(os.fsencode, files[:2]), b"", os.fsencode(files[2])]
    done = subprocess.run(
        [sys.executable, "-m", "imgfeat", "predict", model, "-", files[3]],
        input=codecs.BOM_UTF8 + b"\r\n".join(lines),
        capture_output=True,
        check=True,
    )
    rows = csv.DictReader(io.StringIO(done.stdout.decode()))
    assert [row["path"] for row in rows] == [str(file) for file in files[:4]]


def test_commands_say_of_what_has_no_labels_that_it_has_none(photos, tmp_path):
    features = make_pipeline(ImageReader(32), HOG()).fit([np.zeros((32, 32, 3), "u1")])
    path = save_at(features, tmp_path / "hog.imgfeat")
    for arguments, named in (
        (("predict", path, photos / "brick"), "Labels need a classifier"),
        (("predict", path, photos, "--out", f"{tmp_path}/rows/"), "need a classifier"),
        (("evaluate", path, photos), "Labels need a classifier"),
        (("explain", path, photos / "brick", "--out", tmp_path), "need a classifier"),
        (("export", path, tmp_path / "m.onnx"), "needs a fitted classifier"),
    ):
        shown = run(*arguments, code=2)
        assert named in " ".join(shown.stderr.split())


def test_a_zero_byte_on_standard_input_is_no_name(model, photos):
    name = os.fsencode(photos / "brick" / "000.jpg")
    shown = runner.invoke(app, ["predict", str(model), "-"], input=name + b"\0")
    assert shown.exit_code == 2
    assert "one a line. Got a zero byte" in " ".join(shown.stderr.split())
    assert shown.stdout == ""


# Ends as by kill -9, in the middle of what it keeps of the third batch.
KILLED = """
import os, signal
from imgfeat.deploy import _kept_rows
add, n = _kept_rows.KeptRows.add, 0
def add_or_die(self, paths, rows):
    global n
    n += 1
    if n == 3:
        self._file.write(b'{"state": "half of')
        self._file.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    add(self, paths, rows)
_kept_rows.KeptRows.add = add_or_die
from imgfeat.cli import main
main()
"""


@pytest.mark.parametrize(
    "name",
    [
        "rows.csv",
        pytest.param("rows.jsonl", marks=pytest.mark.slow),
        pytest.param("rows.parquet", marks=pytest.mark.slow),
    ],
)
def test_resumed_after_a_kill_the_file_is_that_of_an_undisturbed_run(
    model, photos, tmp_path, name
):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    of_photos = sorted(photos.glob("*/*.jpg"))
    files = [tmp_path / f"{number:03}.jpg" for number in range(200)]
    for number, file in enumerate(files):
        file.write_bytes(of_photos[number % len(of_photos)].read_bytes())
    command = ["predict", model, *files, "--out"]
    killed, whole = tmp_path / name, tmp_path / f"whole-{name}"
    done = subprocess.run([sys.executable, "-c", KILLED, *command, killed], check=False)
    assert done.returncode == -9 and not killed.exists()
    run(*command, whole)
    shown = run(*command, killed, "--resume")
    assert "128 rows of an earlier run are kept" in shown.stderr
    assert killed.read_bytes() == whole.read_bytes()
    assert not kept_name(killed).exists()


def test_rows_of_another_model_or_options_are_no_start(model, photos, tmp_path):
    to = tmp_path / "rows.csv"
    kept_name(to).write_bytes(b'{"version": 1, "made_by": {"model": "other"}}\n')
    arguments = "predict", model, photos / "brick", "--out", to
    shown = run(*arguments, "--resume", code=2)
    assert "give the same, or start anew" in " ".join(shown.stderr.split())
    run(*arguments)
    assert len(to.read_text().splitlines()) == 13
    assert not kept_name(to).exists()

"""Tests for imgfeat/_cli_datasets.py, and a predict that writes a folder."""

import pytest

from imgfeat.deploy import load_embeddings
from tests._commands import run

pandas = pytest.importorskip("pandas")
pytest.importorskip("pyarrow")


def words(result):
    return " ".join(result.stderr.split())


def test_embed_writes_a_folder_and_goes_on(model, photos, tmp_path):
    out = tmp_path / "vectors"
    command = "embed", photos / "brick", "--model", model, "--out", out
    shown = words(run(*command, "--part-rows", 5, "--jobs", 1))
    assert "12 images in 3 parts." in shown
    vectors, table = load_embeddings(out)
    assert len(vectors) == len(table) == 12
    shown = words(run(*command, "--part-rows", 5, code=2))
    assert "holds a dataset. Go on with it by --resume, or name another" in shown
    run(*command, "--part-rows", 5, "--resume")
    shown = words(run(*command, "--resume", code=2))
    assert "--part-rows (before 5, now 1000)" in shown


def test_predict_writes_a_folder_where_out_names_one(model, photos, tmp_path):
    source, out = tmp_path / "mixed.csv", tmp_path / "labels"
    good = sorted(map(str, photos.glob("*/*.jpg")))[:3]
    source.write_text("\n".join(["path", *good, "missing.jpg"]))
    shown = run("predict", model, source, "--out", f"{out}/", code=1)
    assert "1 of 4 images could not be used." in words(shown)
    table = pandas.read_parquet(out)
    assert table["label"].notna().tolist() == [True, True, True, False]
    assert "no such file" in table["error"][3]
    assert words(run("predict", model, source, "--out", out, code=2)).count("--resume")
    run("predict", model, source, "--out", out, "--retry-failed", code=1)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("--out", "rows.csv", "--max-errors", 3), "need --out to name a folder"),
        (("--engine", "local"), "need --out to name a folder. Got None"),
        (("--out", "new/", "--format", "csv"), "a folder gets Parquet"),
        (("more", "--out", "new/"), "labels of one source. Got 2"),
        (("--out", "new/", "--workers", 2), "--workers and --gpus need --engine ray"),
        (("--out", "new/", "--part-rows", 0), "--part-rows needs to be at least 1"),
        (("--out", "new/", "--top-k", 0), "--top-k needs to be at least 1"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    model, photos, tmp_path, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)
    shown = run("predict", model, photos / "brick", *arguments, code=2)
    assert message in words(shown)
    assert not list(tmp_path.iterdir())


def test_an_option_that_there_is_not_is_no_remedy(model, tmp_path):
    shard = tmp_path / "cut.tar"
    shard.write_bytes(b"no archive" * 1000)
    shown = run("embed", shard, "--model", model, "--out", tmp_path / "out", code=2)
    assert "is not a whole tar archive" in words(shown)
    assert "--skip-unreadable" not in words(shown)

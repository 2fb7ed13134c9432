"""Tests for imgfeat/deploy/datasets/_predict_dataset.py: labels in a folder."""

import pandas as pd
import pytest

from imgfeat import make_recipe
from imgfeat.deploy import load_embeddings, predict_dataset, predict_files
from imgfeat.estimators import OpenSet
from imgfeat.features import HOG
from tests.deploy.datasets.conftest import BAD, N_IMAGES, contents

SMALL = {"part_rows": 5, "batch_size": 2, "n_jobs": 1}


def test_rows_are_those_of_predict_files(
    pictures, saved_classifier, classifier, tmp_path
):
    paths = sorted(map(str, pictures.glob("*.png")))
    expected = list(predict_files(classifier, paths, top_k=2))
    done = predict_dataset(
        pictures, saved_classifier, tmp_path / "out", top_k=2, **SMALL
    )
    assert (done.n_rows, done.n_errors) == (N_IMAGES, 1)
    found = pd.read_parquet(tmp_path / "out")
    columns = ["id", "row", "label", "probability", "label_2", "probability_2", "error"]
    assert sorted(found.columns) == sorted(columns)
    assert found["id"].tolist() == paths
    for row, said in zip(found.to_dict("records"), expected, strict=True):
        if row["row"] == BAD:
            assert row["error"] == said.error
            assert pd.isna(row["label"]) and pd.isna(row["probability"])
        else:
            assert row["label"] == said.label
            assert row["probability"] == pytest.approx(said.probability, abs=1e-6)
            assert row["label_2"] == said.further[0][0]


def test_a_run_that_goes_on_needs_the_same_options(pictures, classifier, tmp_path):
    out = tmp_path / "out"
    predict_dataset(pictures, classifier, out, **SMALL)
    before = contents(out)
    (out / "part-000002.parquet").unlink()
    with pytest.raises(ValueError, match="differ: top_k or threshold;"):
        predict_dataset(pictures, classifier, out, threshold=0.6, resume=True, **SMALL)
    predict_dataset(pictures, classifier, out, resume=True, **SMALL)
    assert contents(out) == before
    assert not list(out.glob("*.npy"))
    with pytest.raises(ValueError, match="holds predictions, no vectors"):
        load_embeddings(out)


def test_an_open_set_has_sets_and_scores(pictures, tmp_path):
    paths = sorted(map(str, pictures.glob("0*.png")))
    model = OpenSet(make_recipe("hog-lr", size=16), coverage=0.5, false_alarms=0.5)
    model.fit(paths * 3, ["a", "b"] * 15)
    predict_dataset(f"{pictures}/0*.png", model, tmp_path / "out")
    found = pd.read_parquet(tmp_path / "out")
    assert {"set", "score"} <= set(found.columns)
    assert found["score"].notna().all()
    expected = [said.set for said in predict_files(model, paths)]
    assert [list(labels) for labels in found["set"]] == expected


def test_what_gives_no_labels_is_refused(pictures, describe, classifier, tmp_path):
    with pytest.raises(TypeError, match=r"Labels need a classifier\. Got HOG"):
        predict_dataset(pictures, HOG(), tmp_path / "out")
    with pytest.raises(ValueError, match=r"top_k needs to be at least 1\. Got 0"):
        predict_dataset(pictures, classifier, tmp_path / "out", top_k=0)
    assert not (tmp_path / "out").exists()

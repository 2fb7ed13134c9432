"""Tests for imgfeat/evaluation/audit/_corrections.py."""

import os

import pandas as pd
import pytest

from imgfeat._frames import make_frame
from imgfeat.sources import load_image_table
from tests.evaluation.audit._issues import make_audit, write_pictures

NASTY = [
    "a,b.png",
    'say "cheese".png',
    "two\nlines.png",
    "carriage\rreturn.png",
    "été 猫 🐜.png",
    "=1+1.png",
    "'quoted'.png",
    "semi;colon\ttab.png",
    " blank in front.png",
]


def table(n=6, labels=None, splits=None):
    images = pd.DataFrame({"path": [f"/x/{row}.png" for row in range(n)]})
    if labels is not None:
        images["label"] = list(labels)
    if splits is not None:
        images["split"] = list(splits)
    return images


def stays(audit, **options):
    return list(audit.corrected(**options).index)


def test_unreadable_images_and_copies_beyond_the_first_go():
    found = [(1, "unreadable"), (2, "exact duplicate", 0), (5, "exact duplicate", 0)]
    audit = make_audit(table(labels="aabbbb"), [*found, (3, "dark")])
    assert stays(audit) == [0, 2, 3, 4]
    assert stays(audit, drop=("unreadable",)) == [0, 2, 3, 4, 5]
    assert stays(audit, drop=()) == [0, 1, 2, 3, 4, 5]
    assert stays(audit, drop=["dark"]) == [0, 1, 2, 4, 5]


def test_copies_with_different_labels_stay_for_a_person_to_decide():
    found = [(row, "exact duplicate", 4) for row in (0, 1, 2, 3)]
    assert stays(make_audit(table(labels="abab__"), found)) == [0, 1, 4, 5]


def test_of_copies_in_two_splits_the_one_to_test_with_stays():
    found = [(0, "exact duplicate", 0), (4, "exact duplicate", 0)]
    splits = ["train"] * 3 + ["test"] * 3
    audit = make_audit(table(labels="aaaaaa", splits=splits), found)
    assert stays(audit) == [1, 2, 3, 4, 5]
    assert list(audit.corrected().columns) == ["path", "label", "split"]


def test_what_is_dropped_for_itself_is_not_the_copy_that_stays():
    found = [(0, "unreadable"), (0, "listed twice", 0), (1, "listed twice", 0)]
    assert stays(make_audit(table(2, labels="aa"), found)) == [1]


def test_an_image_in_two_groups_goes_once():
    found = [
        *((0, "exact duplicate", 0), (1, "exact duplicate", 0)),
        *((1, "near duplicate", 1), (2, "near duplicate", 1)),
    ]
    audit = make_audit(table(3, labels="aaa"), found)
    assert stays(audit, drop=("exact duplicate", "near duplicate")) == [0]


def test_suggested_labels_are_taken_when_asked_for():
    audit = make_audit(table(3, labels="aab"), [(1, "label error", -1, "b")])
    assert list(audit.corrected()["label"]) == ["a", "a", "b"]
    assert list(audit.corrected(relabel=True)["label"]) == ["a", "b", "b"]


def test_images_without_labels_have_paths_alone():
    audit = make_audit(table(3), [(1, "unreadable")])
    assert list(audit.corrected().columns) == ["path"]
    assert list(audit.corrected()["path"]) == ["/x/0.png", "/x/2.png"]


@pytest.mark.parametrize("drop", ["unreadable", ["unreadible"]])
def test_what_is_no_kind_is_refused(drop):
    with pytest.raises(ValueError, match=r"drop needs a list of kinds.*'unread"):
        make_audit(table(3), []).corrected(drop=drop)


def test_any_name_comes_back_from_the_file(tmp_path, monkeypatch):
    paths = write_pictures(tmp_path / "photos", NASTY)
    monkeypatch.chdir(tmp_path)
    relative = [os.path.relpath(path) for path in paths]
    labels = ['a,"b"', "=c", "007", "NA", "été", "None", "x\ny", "d", "d"]
    images = pd.DataFrame({"path": relative, "label": labels})
    (tmp_path / "elsewhere").mkdir()
    fixed = tmp_path / "elsewhere" / "fixed.csv"
    assert make_audit(images, []).save_corrected(fixed) == []
    loaded = load_image_table(fixed)
    assert list(loaded.images) == paths
    assert list(loaded.labels) == labels


def test_names_that_no_table_can_hold_are_told(tmp_path):
    paths = ["/x/0.png", "/x/\udcff.png", "/x/2.png"]
    images = make_frame({"path": paths, "label": list("aab")})
    left_out = make_audit(images, []).save_corrected(tmp_path / "fixed.csv")
    assert left_out == ["/x/\udcff.png"]
    lines = (tmp_path / "fixed.csv").read_text().splitlines()
    assert lines == ["path,label", "/x/0.png,a", "/x/2.png,b"]


def test_nothing_left_is_an_error(tmp_path):
    audit = make_audit(table(2, labels="ab"), [(0, "dark"), (1, "dark")])
    with pytest.raises(ValueError, match=r"images that stay.*drop less"):
        audit.save_corrected(tmp_path / "fixed.csv", drop=["dark"])
    assert not (tmp_path / "fixed.csv").exists()


def test_issues_are_written_without_formulas(tmp_path):
    images = make_frame({"path": ["=1+1.png", "\udcff.png"], "label": ["@x", "-1"]})
    audit = make_audit(images, [(0, "dark"), (1, "bright")])
    audit.save_issues(tmp_path / "issues.csv")
    lines = (tmp_path / "issues.csv").read_bytes().splitlines()
    assert lines[0] == b"row,path,kind,score,what,group,label,suggested"
    assert lines[1] == b"0,'=1+1.png,dark,1.0000,what is dark,-1,'@x,"
    assert lines[2] == b"1,\xff.png,bright,1.0000,what is bright,-1,-1,"

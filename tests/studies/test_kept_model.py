"""Tests for imgfeat/studies/_kept_model.py."""

import signal
import threading

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from imgfeat import load
from imgfeat.studies import StudyInterrupted
from imgfeat.studies._kept_model import KeptModel

MODEL = LogisticRegression().fit([[0.0], [1.0]], [0, 1])


def test_ctrl_c_before_there_is_a_model_leaves_none(tmp_path):
    path = tmp_path / "model.imgfeat"
    with (
        pytest.raises(StudyInterrupted, match="no model yet") as caught,
        KeptModel(path, "a comparison"),
    ):
        raise KeyboardInterrupt
    assert caught.value.model is None and caught.value.comparison == "a comparison"
    assert not any(tmp_path.iterdir())


@pytest.mark.fresh_process
def test_ctrl_c_while_the_check_is_waited_for_leaves_the_model(tmp_path, monkeypatch):
    program = "import time; time.sleep(1)"
    monkeypatch.setattr("imgfeat.deploy._self_check._PROGRAM", program)
    path, here = tmp_path / "model.imgfeat", threading.get_ident()
    press = threading.Timer(0.3, signal.pthread_kill, (here, signal.SIGINT))
    with (
        pytest.raises(StudyInterrupted, match="the model is in"),
        KeptModel(path, None) as kept,
    ):
        kept.save(MODEL, {})
        press.start()
    assert np.array_equal(load(path).predict([[0.0], [1.0]]), [0, 1])


def test_what_is_no_error_of_the_work_leaves_what_was_there(tmp_path):
    path = tmp_path / "model.imgfeat"
    with pytest.raises(SystemExit, match="2"), KeptModel(path, None) as kept:
        kept.save(MODEL, {})
        raise SystemExit(2)
    assert not any(tmp_path.iterdir())


def test_the_file_is_there_behind_the_block(tmp_path):
    path = tmp_path / "model.imgfeat"
    with KeptModel(path, None) as kept:
        kept.save(MODEL, {"note": "mine"})
        assert not path.exists()
    assert np.array_equal(load(path).predict([[0.0], [1.0]]), [0, 1])

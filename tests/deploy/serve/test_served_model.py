"""Tests for _served_model.py and _service.py: loading, reloading, crowds, closing."""

import asyncio
import shutil
import threading

import pytest

from imgfeat import make_recipe
from tests.deploy._saved import save_at
from tests.deploy.serve.conftest import client_of

pytestmark = pytest.mark.serve
PNG = {"Content-Type": "image/png"}


def served_of(path):
    from concurrent.futures import ThreadPoolExecutor

    from imgfeat.deploy.serve._served_model import ServedModel
    from imgfeat.deploy.serve._service_metrics import ServiceMetrics
    from imgfeat.deploy.serve._settings import Settings

    pool = ThreadPoolExecutor(1)
    return ServedModel("model", str(path), Settings(), pool, ServiceMetrics())


def look_twice(served):
    """As the service does: a file is taken when it has stayed the same."""

    async def look():
        await served.look_for_another()
        await served.look_for_another()

    asyncio.run(look())


@pytest.fixture
def copy(model_file, tmp_path):
    return shutil.copy(model_file, tmp_path / "model.imgfeat")


@pytest.fixture
def other_file(digits, tmp_path):
    few = digits[1] < 3
    model = make_recipe("hog-lr", size=16).fit(digits[0][few], digits[1][few])
    return save_at(model, tmp_path / "other.imgfeat")


def test_another_file_takes_over(copy, other_file):
    served = served_of(copy)
    served.load()
    first = served.predictor
    look_twice(served)
    assert served.predictor is first
    other_file.replace(copy)
    assert not asyncio.run(served.look_for_another())
    assert served.predictor is first  # it may still be written
    assert asyncio.run(served.look_for_another())
    assert served.predictor.labels == [0, 1, 2]
    assert served.card()["classes"] == [0, 1, 2]
    assert served.reload_error is None


def test_a_damaged_file_leaves_the_old_model(copy, other_file, caplog):
    served = served_of(copy)
    served.load()
    whole = other_file.read_bytes()
    copy.write_bytes(whole[: len(whole) // 2])
    look_twice(served)
    assert len(served.predictor.labels) == 10
    assert "cut short or damaged" in served.card()["reload_error"]
    assert str(copy.parent) not in served.card()["reload_error"]
    assert "the model from before goes on" in caplog.text
    copy.unlink()
    look_twice(served)
    assert len(served.predictor.labels) == 10
    copy.write_bytes(whole)
    look_twice(served)
    assert served.predictor.labels == [0, 1, 2]
    assert served.card()["reload_error"] is None


def test_images_are_answered_by_the_model_that_was_there_when_they_came(
    copy, other_file, digits
):
    from imgfeat.deploy.serve._served_model import _answer

    served = served_of(copy)
    served.load()
    old = served.predictor
    other_file.replace(copy)
    look_twice(served)
    new = served.predictor
    image = digits[0][7]
    found = _answer([(old, image), (new, image), (new, image), (old, image)])
    assert [len(each.probabilities) for each in found] == [10, 3, 3, 10]
    assert found[0].label == digits[1][7]


def test_a_model_that_cannot_be_loaded_is_told_and_never_ready(copy):
    from fastapi.testclient import TestClient

    from imgfeat.deploy.serve._app import create_app
    from imgfeat.deploy.serve._settings import Settings

    copy.write_bytes(b"PK no model")
    told, heard = [], threading.Event()

    def hear(error):
        told.append(error)
        heard.set()

    app = create_app(Settings(models={"model": str(copy)}), hear)
    with TestClient(app) as client:
        assert heard.wait(60)
        assert "damaged" in str(told[0])
        ready = client.get("/health/ready")
        assert ready.status_code == 503
        assert ready.json() == {"status": "model cannot be loaded"}
        assert client.get("/health/live").status_code == 200
        asked = client.post("/predict", content=b"x", headers=PNG)
        assert asked.status_code == 503
        assert "not ready" in asked.json()["error"]


def test_who_wants_to_know_is_told_of_models_that_were_loaded(copy, other_file):
    from fastapi.testclient import TestClient

    from imgfeat.deploy.serve._app import create_app
    from imgfeat.deploy.serve._settings import Settings

    loaded, settings = (
        threading.Semaphore(0),
        Settings({"model": str(copy)}, reload_s=0.01),
    )
    with TestClient(create_app(settings, after_load=loaded.release)) as client:
        assert loaded.acquire(timeout=60)
        assert client.get("/health/ready").status_code == 200
        other_file.replace(copy)
        assert loaded.acquire(timeout=60)
        assert client.get("/model").json()["classes"] == [0, 1, 2]


class Held:
    """A predictor's answers that come when they may."""

    def __init__(self, monkeypatch):
        from imgfeat.deploy._predictor import Predictor

        self.running, self.may = threading.Event(), threading.Event()
        answer = Predictor.answer

        def held(predictor, images):
            self.running.set()
            assert self.may.wait(60)
            return answer(predictor, images)

        monkeypatch.setattr(Predictor, "answer", held)


def ask(client, png):
    return client.post("/predict", content=png, headers=PNG)


def in_thread(function, *args):
    found = []
    thread = threading.Thread(target=lambda: found.append(function(*args)))
    thread.start()
    return thread, found


def test_more_than_the_queue_holds_is_refused_until_there_is_room(
    model_file, png, monkeypatch
):
    with client_of({"digits": model_file}, max_queue=1, max_files=1) as client:
        held = Held(monkeypatch)
        thread, found = in_thread(ask, client, png)
        assert held.running.wait(60)
        refused = ask(client, png)
        assert refused.status_code == 503
        assert int(refused.headers["Retry-After"]) >= 1
        assert "Too many images wait" in refused.json()["error"]
        assert client.get("/health/ready").status_code == 200
        held.may.set()
        thread.join(60)
        assert found[0].status_code == 200
        assert ask(client, png).status_code == 200
        assert 'imgfeat_refused_total{cause="full"} 1.0' in client.get("/metrics").text


def test_a_deadline_holds_while_the_model_runs(model_file, png, monkeypatch):
    with client_of({"digits": model_file}, deadline_s=0.05) as client:
        held = Held(monkeypatch)
        late = ask(client, png)
        assert late.status_code == 504
        assert "no answer within 0.05 s" in late.json()["error"]
        held.may.set()


def test_a_client_that_has_left_is_dropped_before_the_model_runs(
    model_file, png, monkeypatch
):
    with client_of({"digits": model_file}) as client:
        held = Held(monkeypatch)
        thread, found = in_thread(ask, client, png)
        assert held.running.wait(60)
        held.running.clear()
        assert client.portal.call(play_and_leave, client.app, png) == 499
        held.may.set()
        thread.join(60)
        assert found[0].status_code == 200
        assert ask(client, png).status_code == 200
        counts = client.get("/metrics").text
        assert 'imgfeat_dropped_total{model="digits"} 1.0' in counts
        assert 'imgfeat_images_total{model="digits",task="predict"} 2.0' in counts


async def play_and_leave(app, content):
    """Send an image and hang up; return the status that nobody reads."""
    messages = [
        {"type": "http.request", "body": content, "more_body": False},
        {"type": "http.disconnect"},
    ]
    sent = []

    async def receive():
        # By the time the second one comes, the image waits for the model.
        if len(messages) == 1:
            service = app.state.service
            while not service.models["digits"].batcher("predict")._waiting:
                await asyncio.sleep(0.001)
        return messages.pop(0)

    async def send(message):
        sent.append(message)

    headers = [
        (b"content-type", b"image/png"),
        (b"content-length", b"%d" % len(content)),
    ]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/predict",
        "raw_path": b"/predict",
        "query_string": b"",
        "root_path": "",
        "headers": headers,
    }
    await app(scope, receive, send)
    return sent[0]["status"]


def test_what_was_asked_is_answered_before_the_end(model_file, png, monkeypatch):
    with client_of({"digits": model_file}) as client:
        held = Held(monkeypatch)
        thread, found = in_thread(ask, client, png)
        assert held.running.wait(60)
        client.app.state.service.status = "closing"
        assert client.get("/health/ready").json() == {"status": "closing"}
        # It was on its way already, as what comes later finds the door closed.
        another, found_later = in_thread(ask, client, png)
        held.may.set()
        thread.join(60)
        another.join(60)
    assert [answer.status_code for answer in found + found_later] == [200, 200]

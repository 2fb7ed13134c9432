"""Tests for imgfeat/deploy/serve/_web_server.py: a real process, a real client."""

import csv
import gc
import json
import re
import socket
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from imgfeat import load, load_image_folder
from imgfeat.features import CNNEmbedding
from tests._commands import run
from tests._photos import write_photo_folder
from tests.deploy._saved import save_at
from tests.deploy.serve._process import serving

pytestmark = pytest.mark.serve
JPEG = {"Content-Type": "image/jpeg"}


@pytest.fixture(scope="module")
def photos(folder):
    return load_image_folder(write_photo_folder(folder / "photos", n_per_class=6))


@pytest.fixture(scope="module")
def net_file(photos, folder):
    model = make_pipeline(CNNEmbedding(engine="torch"), LogisticRegression())
    model.fit(photos.images, photos.labels)
    return save_at(model, folder / "net.imgfeat")


@pytest.fixture(scope="module")
def service(net_file, model_file):
    with serving(net_file, f"digits={model_file}") as (process, client):
        yield process, client


def test_it_says_that_it_serves_when_it_does(service):
    _, client = service
    assert client.get("/health/ready").status_code == 200


def test_what_is_loaded_is_no_work_for_the_garbage_collector():
    from imgfeat.deploy.serve._web_server import _set_aside

    replaced = type("Replaced", (), {})  # classes are in cycles
    there = weakref.finalize(replaced, lambda: None)
    try:
        gc.freeze()
        del replaced
        _set_aside()
        assert gc.get_freeze_count() > 1000
        assert not there.alive  # frozen before, and replaced since
    finally:
        gc.unfreeze()


def test_answers_are_those_of_the_notebook_and_of_predict(
    service, net_file, photos, tmp_path
):
    _, client = service
    paths = list(photos.images[::2])
    model = load(net_file)
    expected = model.predict_proba(paths)
    run("predict", net_file, *paths, "--out", tmp_path / "found.csv")
    with (tmp_path / "found.csv").open() as file:
        rows = list(csv.DictReader(file))

    contents = [Path(path).read_bytes() for path in paths]

    def ask(content):
        answer = client.post("/predict?model=net", content=content, headers=JPEG)
        return answer.json()["results"][0]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(ask, contents))
    files = [("files", ("a.jpg", content)) for content in contents]
    found_together = client.post("/predict?model=net", files=files).json()["results"]
    assert len(paths) == 9
    for row, proba, one, other in zip(
        rows, expected, found, found_together, strict=True
    ):
        for result in (one, other):
            shares = list(result["probabilities"].values())
            np.testing.assert_allclose(shares, proba, atol=1e-4)
            assert result["label"] == row["label"] == model.classes_[proba.argmax()]
            assert result["probability"] == pytest.approx(
                float(row["probability"]), abs=1e-4
            )


def say(process, *parts):
    """Send bytes over a connection of their own; return all that comes back."""
    with socket.create_connection(("127.0.0.1", process.port), 60) as talk:
        for part in parts:
            talk.sendall(part)
        found = b""
        while part := talk.recv(1 << 16):
            found += part
    return found


def test_a_chunked_body_that_never_ends_is_refused(service):
    process, client = service
    head = (
        b"POST /predict?model=net HTTP/1.1\r\nHost: x\r\n"
        b"Content-Type: image/jpeg\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    chunk = b"100000\r\n" + bytes(1 << 20) + b"\r\n"
    found = say(process, head, *[chunk] * 33)  # the limit is 32 MB
    assert found.startswith(b"HTTP/1.1 413")
    assert b"connection: close" in found.lower()
    assert b"32,000,000 bytes" in found
    assert client.get("/health/ready").status_code == 200


def test_a_large_body_is_refused_before_it_is_sent(service):
    process, _ = service
    found = say(
        process,
        b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\n"
        b"Content-Length: 2000000000\r\n\r\nabc",
    )
    assert found.startswith(b"HTTP/1.1 413")


def test_what_is_no_http_harms_nobody(service):
    process, client = service
    assert say(process, b"\x16\x03\x01rubbish\r\n\r\n").startswith(b"HTTP/1.1 400")
    with socket.create_connection(("127.0.0.1", process.port)) as talk:
        talk.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Len")
        assert client.get("/health/live").status_code == 200


def test_idle_connections_leave_room_for_others(service):
    process, client = service
    idle = [socket.create_connection(("127.0.0.1", process.port)) for _ in range(200)]
    try:
        assert client.get("/health/ready").status_code == 200
    finally:
        for each in idle:
            each.close()


@pytest.mark.slow
def test_several_workers_answer_and_count_together(model_file, png):
    import httpx

    with serving(model_file, "--workers", 2) as (process, client):
        address, good = f"{process.url}/predict", []
        for _ in range(10):
            # Connections of their own, so that either of them may get one.
            answer = httpx.post(address, content=png, headers=JPEG, timeout=60)
            assert answer.status_code == 200  # all workers had loaded the model
            good.append(answer.json()["results"][0]["label"])
        assert good == [0] * 10
        found = re.search(
            r'^imgfeat_images_total.*"predict"} (.*)$',
            client.get("/metrics").text,
            re.MULTILINE,
        )
        assert float(found[1]) == len(good)
        process.signal()
        code, _ = process.end()
    assert code == 0


def test_what_was_begun_before_sigterm_is_answered(service, png):
    """The last test here, as nothing is served after it."""
    head = (
        b"POST /predict?model=digits HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n"
        b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n" % len(png)
    )
    process, _ = service
    with socket.create_connection(("127.0.0.1", process.port), 60) as talk:
        talk.sendall(head)
        assert talk.recv(1 << 16).startswith(b"HTTP/1.1 100")  # so it has begun
        talk.sendall(png[:20])
        process.signal()
        # One that was in line as the socket closed is reset.
        with pytest.raises(OSError, match=r"refused|reset"):
            while True:
                socket.create_connection(("127.0.0.1", process.port), 60).close()
        talk.sendall(png[20:])
        found = b""
        while part := talk.recv(1 << 16):
            found += part
    code, said = process.end()
    head, _, body = found.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert json.loads(body)["results"][0]["label"] == 0
    assert code == 0
    assert "all that was asked is answered" in said

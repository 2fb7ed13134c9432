"""Tests for imgfeat/deploy/serve/_app.py: what is asked, and what comes back."""

import io
import os
import shutil
import time
from base64 import b64encode

import numpy as np
import pytest
from numpy.testing import assert_allclose
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline

from imgfeat import load, load_sample
from imgfeat.deploy.serve import _overlay_png
from imgfeat.deploy.serve._settings import Settings
from imgfeat.features import HOG
from imgfeat.sources import ImageReader
from tests.deploy._saved import as_file, save_at

pytestmark = pytest.mark.serve
PNG = {"Content-Type": "image/png"}


def send(client, content, address="/predict", **headers):
    return client.post(address, content=content, headers=PNG | headers)


def test_every_kind_of_request_gets_the_answer_of_the_model(client, model_file, png):
    model = load(model_file)
    (proba,) = model.predict_proba([png])
    text = b64encode(png).decode()
    answers = [
        send(client, png),
        client.post("/predict", files=[("files", ("a.png", png))]),
        client.post("/predict", files={"anything": ("a.png", png)}),
        client.post("/predict", json={"images": [text]}),
        client.post("/predict", json={"image": f"data:image/png;base64,{text}"}),
        client.post("/predict?model=digits", content=png, headers=PNG),
    ]
    for answer in answers:
        assert answer.status_code == 200
        found = answer.json()
        assert found["model"] == "digits"
        (result,) = found["results"]
        assert result["label"] == int(proba.argmax())
        assert result["error"] is None
        assert list(result["probabilities"]) == [str(label) for label in range(10)]
        assert_allclose(list(result["probabilities"].values()), proba, atol=1e-6)
        assert result["probability"] == pytest.approx(proba.max(), abs=1e-6)
    assert answers[1].json()["results"][0]["name"] == "a.png"


def test_a_bad_image_has_an_error_and_the_others_an_answer(client, digits, png):
    files = [
        ("files", ("good.png", png)),
        ("files", ("bad.png", b"no image")),
        ("files", ("also.png", as_file(digits[0][1]))),
    ]
    answer = client.post("/predict", files=files)
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [each["name"] for each in results] == ["good.png", "bad.png", "also.png"]
    assert [each.get("label") for each in results] == [0, None, 1]
    assert "not an image file" in results[1]["error"]


@pytest.mark.parametrize(
    "content, words",
    [
        (b"no image", "not an image file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "damaged"),
        (b"\xff\xd8\xff\xe0" + bytes(50), "damaged"),
        (b"GIF89a", "damaged"),
    ],
)
def test_one_image_that_cannot_be_read_is_refused_in_words(client, content, words):
    answer = send(client, content)
    assert answer.status_code == 422
    assert words in answer.json()["error"]


def test_the_smallest_image_is_an_image(client):
    answer = send(client, as_file(np.zeros((1, 1), dtype=np.uint8)))
    assert answer.status_code == 200
    assert answer.json()["results"][0]["error"] is None


@pytest.mark.parametrize(
    "body, words",
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"[" * 10_000, "is not JSON"),
        (b"\xff", "is not JSON"),
        (b"[]", "JSON needs"),
        (b'{"images": "x"}', "JSON needs"),
        (b'{"images": []}', "no image in the request"),
        (b'{"images": [1]}', "of type int"),
        (b'{"images": ["/etc/passwd"]}', "Paths and addresses are not opened"),
        (b'{"images": ["file:///etc/passwd"]}', "addresses are not opened"),
        (b'{"image": "https://example.com/a.png"}', "addresses are not opened"),
        (b'{"image": null}', "of type NoneType"),
    ],
)
def test_json_that_holds_no_images_is_refused_in_words(client, body, words):
    answer = client.post(
        "/predict", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in (400, 422)
    assert words in answer.json()["error"]


@pytest.mark.parametrize("many", [b"[],", b'"a":0,', b'{"a":', b"["])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_json_of_very_many_values_is_not_parsed(client, many, encoding):
    body = (b'{"images": [' + many * 10_001).decode().encode(encoding)
    answer = client.post(
        "/predict", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 413
    assert "10,000 values here" in answer.json()["error"]


def test_names_of_files_on_the_server_are_never_opened(client, model_file, tmp_path):
    """As base64 of a path is bytes, and bytes are never taken for a name."""
    path = tmp_path / "secret.png"
    path.write_bytes(as_file(np.zeros((9, 9), dtype=np.uint8)))
    text = b64encode(str(path).encode()).decode()
    for answer in (
        client.post("/predict", json={"image": text}),
        send(client, str(path).encode()),
        client.post("/predict", files={"files": (str(path), b"")}),
        client.post("/predict", data={"files": str(path)}),
    ):
        assert answer.status_code in (415, 422)
        assert "label" not in answer.text


@pytest.mark.parametrize(
    "kind, words",
    [
        ("video/mp4", "single frames"),
        ("application/x-www-form-urlencoded", "with curl"),
        ("text/plain", "Got text/plain"),
        ("", "Got no Content-Type"),
    ],
)
def test_other_kinds_of_content_are_refused_in_words(client, png, kind, words):
    answer = client.post("/predict", content=png, headers={"Content-Type": kind})
    assert answer.status_code == 415
    assert words in answer.json()["error"]


def test_no_file_is_refused_in_words(client):
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    empty = client.post("/predict", content=b"--x--\r\n", headers=form)
    nothing = send(client, b"")
    field = b'--x\r\nContent-Disposition: form-data; name="files"\r\n\r\na\r\n--x--\r\n'
    text = client.post("/predict", content=field, headers=form)
    for answer in (empty, nothing, text):
        assert answer.status_code == 422
        assert "no image in the request" in answer.json()["error"]
    for content, kind in (
        (b"rubbish", form["Content-Type"]),
        (b"", "multipart/form-data"),
    ):
        broken = client.post(
            "/predict", content=content, headers={"Content-Type": kind}
        )
        assert broken.status_code == 400
        assert "form cannot be read" in broken.json()["error"]


def test_heads_of_parts_without_end_are_refused(client):
    start = b'--x\r\nContent-Disposition: form-data; name="f"; filename="'
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    many = b"--x\r\n" + b"A: b\r\n" * 100_000 + b"\r\na\r\n--x--\r\n"
    for body in (start + b"a" * 1_000_000, many):
        answer = client.post("/predict", content=body, headers=form)
        assert answer.status_code == 400
        assert "form cannot be read" in answer.json()["error"]


def test_many_files_are_refused(serve_models, model_file, png):
    client = serve_models({"digits": model_file}, max_files=3)
    files = [("files", (f"{number}.png", png)) for number in range(4)]
    assert client.post("/predict", files=files[:3]).status_code == 200
    answer = client.post("/predict", files=files * 250)
    assert answer.status_code == 413
    assert "may hold 3 images" in answer.json()["error"]
    texts = [b64encode(png).decode()] * 4
    answer = client.post("/predict", json={"images": texts})
    assert answer.status_code == 413
    assert "Got 4" in answer.json()["error"]


def test_pixels_are_limited_for_one_image_and_together(serve_models, model_file):
    client = serve_models({"digits": model_file}, max_pixels=1_100_000)
    large = as_file(np.zeros((1100, 1000), dtype=np.uint8))
    larger = as_file(np.zeros((1101, 1000), dtype=np.uint8))
    assert send(client, large).status_code == 200
    answer = send(client, larger)
    assert answer.status_code == 422
    assert "more than 1,100,000" in answer.json()["error"]
    bomb = as_file(np.zeros((2300, 2000), dtype=np.uint8))  # than all may have together
    good, bad = client.post(
        "/predict", files=[("files", ("a", large)), ("files", ("b", bomb))]
    ).json()["results"]
    assert good["error"] is None
    assert "more than 1,100,000" in bad["error"]
    files = [("files", (f"{number}.png", large)) for number in range(5)]
    assert client.post("/predict", files=files[:4]).status_code == 200
    answer = client.post("/predict", files=files)
    assert answer.status_code == 413
    assert "pixels together" in answer.json()["error"]


def test_features_are_what_the_classifier_is_given(client, model_file, png):
    model = load(model_file)
    answer = send(client, png, "/embed")
    assert answer.status_code == 200
    (result,) = answer.json()["results"]
    assert_allclose(result["vector"], model[:-1].transform([png])[0], rtol=1e-6)
    bad = send(client, b"no image", "/embed")
    assert bad.status_code == 422
    assert "not an image file" in bad.json()["error"]


def test_a_transformer_can_only_embed(serve_models, digits, tmp_path, png):
    features = make_pipeline(ImageReader(16, mode="gray"), HOG()).fit(digits[0])
    path = save_at(features, tmp_path / "hog.imgfeat")
    client = serve_models({"hog": path})
    assert send(client, png, "/embed").status_code == 200
    assert client.get("/model").json()["classes"] is None
    for address in ("/predict", "/explain"):
        refused = send(client, png, address)
        assert refused.status_code == 404
        assert "can only embed" in refused.json()["error"]


def test_a_classifier_of_pixels_makes_no_features(serve_models, digits, tmp_path, png):
    model = LogisticRegression().fit(digits[0].reshape(200, -1) / 16, digits[1])
    client = serve_models({"raw": save_at(model, tmp_path / "raw.imgfeat")})
    refused = send(client, png, "/embed")
    assert refused.status_code == 404
    assert "can only predict" in refused.json()["error"]
    answer = send(client, png)  # which is no row of numbers
    assert answer.status_code == 422
    assert answer.json()["error"]


def test_explanation_is_a_picture(client, digits):
    image = as_file(np.kron(digits[0][0], np.ones((4, 4), dtype=np.uint8)))
    answer = send(client, image, "/explain")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["X-Explained-By"] == "hog"
    assert answer.headers["X-Explained-Label"] == "0"
    picture = Image.open(io.BytesIO(answer.content))
    assert (picture.size, picture.mode) == ((32, 32), "RGB")
    other = send(client, image, "/explain?label=3")
    assert other.headers["X-Explained-Label"] == "3"
    assert other.content != answer.content
    none = send(client, image, "/explain?label=cat")
    assert none.status_code == 422
    assert "no class 'cat'" in none.json()["error"]
    assert send(client, b"no image", "/explain").status_code == 422


def test_several_labels_have_no_explanation(serve_models, digits, tmp_path, png):
    has = np.stack([digits[1] < 5, digits[1] % 2 == 0], axis=1).astype(int)
    last = OneVsRestClassifier(LogisticRegression())
    model = make_pipeline(ImageReader(16), HOG(), last).fit(digits[0], has)
    client = serve_models({"both": save_at(model, tmp_path / "both.imgfeat")})
    (said,) = send(client, png).json()["results"]
    assert sorted(said["labels"]) == [0, 1]
    refused = send(client, png, "/explain")
    assert refused.status_code == 404
    assert "an explanation is of one" in refused.json()["error"]


def test_what_fails_in_an_explanation_is_said_without_its_innards(client, monkeypatch):
    def fails(*given, **how):
        raise RuntimeError("secret of /home/someone")

    monkeypatch.setattr(_overlay_png, "explain", fails)
    refused = send(client, as_file(np.zeros((16, 16), dtype=np.uint8)), "/explain")
    assert refused.status_code == 422
    assert refused.json()["error"] == (
        "There is no explanation: the model fails on it (RuntimeError)."
    )


def test_an_open_set_says_what_is_unknown(serve_models, open_file, png):
    client = serve_models({"open": open_file})
    (known,) = send(client, png).json()["results"]
    assert (known["label"], known["unknown"], known["set"][0]) == (0, False, 0)
    face = as_file(load_sample("faces").images[0])
    (strange,) = send(client, face).json()["results"]
    assert (strange["label"], strange["unknown"]) == (None, True)
    assert strange["score"] > known["score"]
    counts = client.get("/metrics").text
    assert 'imgfeat_unknown_total{model="open"} 1.0' in counts
    assert 'imgfeat_images_total{model="open",task="predict"} 2.0' in counts


def test_several_models_are_asked_by_name(serve_models, model_file, open_file, png):
    client = serve_models({"digits": model_file, "open": open_file})
    assert client.get("/models").json() == {"models": ["digits", "open"]}
    assert "set" in send(client, png, "/predict?model=open").json()["results"][0]
    assert "set" not in send(client, png, "/predict?model=digits").json()["results"][0]
    for address in ("/predict", "/embed", "/explain"):
        unnamed = send(client, png, address)
        assert unnamed.status_code == 400
        assert "'digits', 'open'" in unnamed.json()["error"]
        unknown = send(client, png, f"{address}?model=cats")
        assert unknown.status_code == 404
        assert "no model 'cats'" in unknown.json()["error"]
    assert client.get("/model?model=cats").status_code == 404


def test_a_file_may_have_a_name_that_is_no_text(serve_models, model_file, tmp_path):
    path = tmp_path / os.fsdecode(b"m\xff.imgfeat")
    try:
        shutil.copy(model_file, path)
    except OSError:  # of Apple's file systems
        pytest.skip("names are text here")
    client = serve_models({"m": path})
    assert client.get("/model").json()["file"] == path.name
    with pytest.raises(ValueError, match="a name that can be printed"):
        Settings(models={path.stem: str(path)})


def test_card_tells_the_model_and_no_folder(client, folder):
    card = client.get("/model").json()
    assert card["name"] == "digits"
    assert card["file"] == "digits.imgfeat"
    assert card["classes"] == list(range(10))
    assert card["steps"]["reader"]["size"] == [16, 16]
    assert not card["says_unknown"]
    assert str(folder) not in str(card)


def test_health_and_metrics(client, png):
    assert client.get("/health/live").json() == {"status": "live"}
    assert client.get("/health/ready").json() == {"status": "ready"}
    before = client.get("/metrics").text
    send(client, png)
    send(client, b"no image")
    send(client, b"")
    after = client.get("/metrics").text

    def grown(line):
        found = [
            sum(
                float(row.split()[-1])
                for row in text.splitlines()
                if row.startswith(line)
            )
            for text in (before, after)
        ]
        return found[1] - found[0]

    assert grown('imgfeat_images_total{model="digits",task="predict"}') == 1
    assert grown('imgfeat_image_failures_total{cause="unreadable"') == 1
    assert grown('imgfeat_refused_total{cause="no_image"}') == 1
    assert grown('imgfeat_requests_total{status="422"}') == 2
    for name in ("queue_seconds", "compute_seconds", "batch_size", "decode_seconds"):
        assert grown(f"imgfeat_{name}_count") == 1
    assert 'imgfeat_in_line{model="digits"} 0.0' in after


def test_gauges_are_kept_for_other_workers_to_tell(client):
    metrics = client.app.state.service.metrics
    metrics.in_line.labels("digits").set(7)
    give_up = time.monotonic() + 60
    while b'imgfeat_in_line{model="digits"} 0.0' not in metrics.text():
        assert time.monotonic() < give_up
        time.sleep(0.1)


def test_openapi_names_every_address(client):
    found = client.get("/openapi.json").json()
    assert set(found["paths"]) == {
        *("/predict", "/embed", "/explain", "/model", "/models", "/metrics"),
        *("/health/live", "/health/ready"),
    }
    body = found["paths"]["/predict"]["post"]["requestBody"]["content"]
    assert set(body) == {"multipart/form-data", "application/json", "image/*"}


def test_nothing_and_other_methods_are_refused_as_json(client):
    assert client.get("/nothing").json() == {
        "error": "There is nothing at this address."
    }
    assert client.get("/predict").status_code == 405
    assert client.get("/docs").status_code == 404


def test_name_of_a_file_may_be_any_bytes(client, png):
    start = b'--x\r\nContent-Disposition: form-data; name="f"; filename="'
    for name in (b"\xff\xfe.png", "Ä.png".encode(), b"\\ud800.png"):
        for charset in (b"", b"; charset=unicode_escape", b"; charset=nonsense"):
            body = start + name + b'"\r\n\r\n' + png + b"\r\n--x--\r\n"
            kind = b"multipart/form-data; boundary=x" + charset
            answer = client.post(
                "/predict", content=body, headers={"Content-Type": kind}
            )
            assert answer.status_code in (200, 400)
            assert answer.json()

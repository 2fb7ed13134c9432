"""Whatever comes, there is an answer in words, and never a 500: a few hundred tries.

``benchmarks/fuzz_serving.py`` tries many more.
"""

import io
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from PIL import Image

from tests.deploy._saved import as_file

pytestmark = pytest.mark.serve
KINDS = "PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"
TRIES = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@cache
def pictures():
    """An image of every format."""
    pixels = np.random.default_rng(0).integers(0, 256, (24, 20, 3), dtype=np.uint8)
    encoded = [as_file(pixels, kind) for kind in KINDS]
    buffer = io.BytesIO()
    palette = Image.fromarray(pixels).convert("P")
    palette.save(buffer, "PNG", transparency=0)
    return [*encoded, buffer.getvalue()]


@st.composite
def mutated(draw):
    """A picture with bytes changed, cut out, doubled, or cut off."""
    data = bytearray(draw(st.sampled_from(pictures())))
    for _ in range(draw(st.integers(1, 6))):
        if not data:
            break
        place = draw(st.integers(0, len(data) - 1))
        length = draw(st.integers(0, 16))
        how = draw(st.sampled_from(["change", "cut", "double", "end"]))
        if how == "change":
            data[place : place + length] = draw(st.binary(max_size=16))
        elif how == "cut":
            del data[place : place + length]
        elif how == "double":
            data[place:place] = data[place : place + length]
        else:
            del data[place:]
    return bytes(data)


def assert_in_words(answer):
    assert answer.status_code in (200, 400, 404, 405, 408, 411, 413, 415, 422), (
        answer.status_code,
        answer.text,
    )
    found = answer.json()
    if answer.status_code != 200:
        assert found["error"]


@seed(0)
@TRIES
@given(images=st.lists(mutated(), min_size=1, max_size=3))
def test_mutated_images(client, images):
    files = [("files", (f"{number}", image)) for number, image in enumerate(images)]
    assert_in_words(client.post("/predict", files=files))
    answer = client.post(
        "/embed", content=images[0], headers={"Content-Type": "image/jpeg"}
    )
    assert_in_words(answer)


@seed(0)
@TRIES
@given(
    body=st.one_of(
        st.binary(max_size=200),
        st.text(max_size=100).map(str.encode),
        st.sampled_from(
            [
                b'{"images": ["QUJD"]}',
                b'--x\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n'
                b"\r\nabc\r\n--x--\r\n",
            ]
        ).flatmap(lambda whole: st.integers(0, len(whole)).map(lambda n: whole[:n])),
    ),
    kind=st.one_of(
        st.sampled_from(
            [
                "application/json",
                "multipart/form-data; boundary=x",
                "multipart/form-data; boundary=",
                "multipart/form-data; boundary=x; charset=idna",
                "image/png",
                "image/",
                "application/octet-stream",
                ";",
            ]
        ),
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30),
    ),
    address=st.sampled_from(
        [
            "/predict",
            "/embed",
            "/predict?model=%00",
            "/explain",
            "/predict?model=digits",
        ]
    ),
)
def test_mutated_requests(client, body, kind, address):
    answer = client.post(address, content=body, headers={"Content-Type": kind})
    assert_in_words(answer)

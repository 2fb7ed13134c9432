"""Tests for imgfeat/deploy/serve/_head_requests.py."""

import pytest

from tests.deploy.serve.conftest import client_of

pytestmark = pytest.mark.serve
ADDRESSES = ["/", "/service.js", "/model", "/models", "/health/live", "/health/ready"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_head_is_get_without_a_body(client, address):
    full, head = client.get(address), client.head(address)
    assert head.status_code == full.status_code == 200
    assert head.content == b"" and full.content
    for name in ("content-length", "content-type", "content-security-policy"):
        assert head.headers[name] == full.headers[name]


def test_head_is_refused_where_get_is(client, model_file):
    refused = client.head("/predict")
    assert refused.status_code == 405 and refused.headers["allow"] == "POST"
    assert client.head("/nothing").status_code == 404
    with client_of({"digits": model_file}, api_key="secret") as closed:
        answer = closed.head("/model")
        assert answer.status_code == 401 and answer.content == b""
        assert closed.head("/health/ready").status_code == 200

"""Tests for imgfeat/_cli_serve.py: what is wrong is told in a line."""

import socket

import pytest

from imgfeat import _cli_serve
from tests._commands import run

pytestmark = pytest.mark.serve


def line(result):
    """The only line that a refused command writes to stderr."""
    (found,) = result.stderr.splitlines()
    return found


def test_a_port_in_use_is_told(model):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = run("serve", model, "--port", port, code=2)
    assert f"Port {port} of 127.0.0.1 is in use" in result.stderr.replace("\n", " ")
    assert "Traceback" not in result.stderr


def test_an_address_that_is_not_here_is_told(model):
    result = run("serve", model, "--host", "192.0.2.1", code=2)
    assert "no address '192.0.2.1'" in result.stderr
    result = run("serve", model, "--port", "70000", code=2)
    assert "0 to 65535" in result.stderr


def test_a_damaged_model_is_told(model, tmp_path):
    damaged = tmp_path / "damaged.imgfeat"
    damaged.write_bytes(model.read_bytes()[:-1000])
    result = run("serve", damaged, "--port", 0, code=2)
    assert "cut short or damaged" in result.stderr.replace("\n", " ")
    result = run("serve", tmp_path / "none.imgfeat", "--port", 0, code=2)
    assert "There is no file" in result.stderr
    assert result.stdout == ""  # nothing is served


def test_models_have_names_of_their_own(model):
    result = run("serve", model, model, "--port", 0, code=2)
    assert "needs a name of its own" in result.stderr
    found = _cli_serve._by_name(["a.imgfeat", "b=folder/c.imgfeat"])
    assert found == {"a": "a.imgfeat", "b": "folder/c.imgfeat"}
    with pytest.raises(ValueError, match="is FILE or NAME=FILE"):
        _cli_serve._by_name(["=c"])


def test_a_missing_package_is_named(model, monkeypatch):
    monkeypatch.setattr(_cli_serve, "_NEEDED", ("no_such_package",))
    result = run("serve", model, code=2)
    assert "imgfeat[serve]" in result.stderr

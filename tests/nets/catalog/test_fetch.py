"""Tests for imgfeat/nets/catalog/_fetch.py, over this machine's own address."""

import hashlib
import threading
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
from safetensors.torch import save_file

from imgfeat.nets import fetch_weights, find_backbone, list_weights
from imgfeat.nets.catalog import _fetch
from imgfeat.nets.catalog._fetch import search_folders
from imgfeat.nets.catalog._registry import get_spec
from imgfeat.nets.catalog._weights_files import WeightsFile, hash_file_beside


@pytest.fixture(autouse=True)
def empty_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("IMGFEAT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hf"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder; tells what is missing, and hashes, as the hub does."""

    def log_message(self, *args):
        pass

    def send_response(self, code, message=None):
        super().send_response(code, message)
        if code == 404:
            self.send_header("X-Error-Code", "EntryNotFound")
        elif self.command == "HEAD":
            with open(self.translate_path(self.path), "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            self.send_header("ETag", f'"{digest}"')
            self.send_header("X-Repo-Commit", "abc")


@pytest.fixture
def server(tmp_path):
    """Address of a web server, and the folder that it serves."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = partial(Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}", folder
        http.shutdown()
        thread.join()


@pytest.fixture
def net_at(monkeypatch):
    """Let the one net that there is come from a WeightsFile."""

    def set_file(file):
        spec = get_spec("timm/test_resnet")
        spec = replace(spec, file=file, find=lambda: file.find(spec.name))
        monkeypatch.setattr(_fetch, "get_spec", lambda name, tag=None: spec)

    return set_file


def save_with_hash(folder):
    """Write a file of tensors whose name holds its hash; return the name."""
    path = folder / "new.pth"
    torch.save({"weight": torch.ones(2)}, path)
    name = f"net-{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}.pth"
    path.rename(folder / name)
    return name


def kept(tmp_path):
    folder = tmp_path / "home" / "weights"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_downloads_checks_and_keeps_a_file(tmp_path, server, net_at, scheme):
    address, folder = server
    name = save_with_hash(folder)
    url = f"{address}/{name}" if scheme == "http" else (folder / name).as_uri()
    net_at(WeightsFile((name,), url=url))
    path = fetch_weights("net", verbose=0)
    assert path == tmp_path / "home" / "weights" / name
    assert path.read_bytes() == (folder / name).read_bytes()
    assert kept(tmp_path) == [name, f"{name}.sha256"]
    (folder / name).unlink()  # what is here is not fetched again
    assert fetch_weights("net", verbose=0) == path


def test_other_content_than_the_hash_says_is_not_kept(tmp_path, server, net_at):
    address, folder = server
    (folder / "net-00000000.pth").write_bytes(b"something else")
    net_at(WeightsFile(("net-00000000.pth",), url=f"{address}/net-00000000.pth"))
    with pytest.raises(ValueError, match=r"starts with 00000000. Got .* Nothing was"):
        fetch_weights("net", verbose=0)
    assert kept(tmp_path) == []


def test_a_damaged_file_is_replaced(tmp_path, server, net_at):
    address, folder = server
    name = save_with_hash(folder)
    net_at(WeightsFile((name,), url=f"{address}/{name}"))
    path = fetch_weights("net", verbose=0)
    path.write_bytes(b"damaged")
    assert fetch_weights("net", verbose=0).read_bytes() == (folder / name).read_bytes()


def test_a_file_that_does_not_load_is_an_error(server, net_at):
    address, folder = server
    (folder / "net.pth").write_bytes(b"no tensors")
    net_at(WeightsFile(("net.pth",), url=f"{address}/net.pth"))
    with pytest.raises(ValueError, match="cannot be read as tensors"):
        fetch_weights("net", verbose=0)


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_fetches_from_the_hub(tmp_path, server, net_at, monkeypatch, name):
    address, folder = server
    state = {"weight": torch.ones(2)}
    save = save_file if name.endswith("safetensors") else torch.save
    save(state, folder / name)
    monkeypatch.setattr(
        "huggingface_hub.hf_hub_url", lambda repo, file, revision: f"{address}/{file}"
    )
    files = ("model.safetensors", "pytorch_model.bin")
    file = WeightsFile(("net.tag.safetensors",), repo="timm/net.tag", repo_files=files)
    net_at(file)
    path = fetch_weights("timm/net", verbose=0)
    suffix = ".safetensors" if name.endswith("safetensors") else ".bin"
    assert path.name == f"net.tag{suffix}"
    assert hash_file_beside(path).is_file()


def test_without_a_network_the_error_says_how_to_copy_by_hand(tmp_path, net_at):
    url = "http://127.0.0.1:9/net-00000000.pth"  # nobody listens there
    net_at(WeightsFile(("net-00000000.pth",), url=url))
    message = (
        r"The weights of net could not be fetched: there is no connection .* On a "
        rf"machine with a network download {url}, and copy it into .*weights as net-0"
    )
    with pytest.raises(OSError, match=message):
        fetch_weights("net", verbose=0)
    assert kept(tmp_path) == []


def test_a_file_that_is_not_there_is_named(server, net_at):
    address, _ = server
    net_at(WeightsFile(("gone.pth",), url=f"{address}/gone.pth"))
    with pytest.raises(OSError, match=r"/gone.pth answers 404 File not found"):
        fetch_weights("net", verbose=0)


def test_names_may_have_a_tag():
    assert _fetch._find_spec("resnet50.imagenet1k_v1").tag == "imagenet1k_v1"
    assert _fetch._find_spec("timm/resnet18.a3_in1k").tag == "a3_in1k"
    with pytest.raises(ValueError, match="Did you mean 'imagenet1k_v1'"):
        _fetch._find_spec("resnet50.imagenet_v1")


def test_what_is_installed_is_not_fetched():
    assert fetch_weights("efficientnet_lite0") == get_spec("efficientnet_lite0").find()


def test_lists_files_with_hashes_and_tells_the_damaged(tmp_path):
    folder = tmp_path / "home" / "weights"
    folder.mkdir(parents=True)
    name = save_with_hash(folder)
    (folder / "net-00000000.pth").write_bytes(b"damaged")
    (folder / "own.safetensors").write_bytes(b"of unknown hash")
    (folder / "notes.txt").write_bytes(b"")
    snapshot = tmp_path / "hf" / "models--timm--net" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "model.safetensors").write_bytes(b"x")
    found = {file.path.name: file for file in list_weights()}
    assert {name: file.is_whole for name, file in found.items()} == {
        name: True,
        "net-00000000.pth": False,
        "own.safetensors": None,
        "model.safetensors": None,
    }
    own = found["own.safetensors"]
    assert own.n_bytes == 15
    assert own.sha256 == hashlib.sha256(b"of unknown hash").hexdigest()


def test_folders_are_searched_in_this_order(tmp_path):
    assert search_folders() == [
        tmp_path / "home" / "weights",
        tmp_path / "hub" / "checkpoints",
        tmp_path / "hf",
    ]


def test_nothing_is_fetched_for_a_user_without_a_home(monkeypatch):
    monkeypatch.setenv("IMGFEAT_HOME", "~nobody-of-this-name/cache")
    monkeypatch.setattr("torch.hub.get_dir", lambda: "~nobody-of-this-name")
    monkeypatch.setattr(
        "huggingface_hub.constants.HF_HUB_CACHE", "~nobody-of-this-name"
    )
    for ask in (search_folders, lambda: fetch_weights("resnet18", verbose=0)):
        with pytest.raises(FileNotFoundError, match="set IMGFEAT_HOME to a folder"):
            ask()


def test_fetched_weights_are_found_and_another_hash_is_refused(tmp_path):
    folder = tmp_path / "home" / "weights"
    folder.mkdir(parents=True)
    net = find_backbone("timm/test_resnet", None, whole=True).load().net
    path = folder / "test_resnet.r160_in1k.safetensors"
    save_file(net.state_dict(), path)
    found = find_backbone("timm/test_resnet")
    assert found.tag == "r160_in1k"
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert torch.equal(found.load().maps.net.conv1[0].weight, net.conv1[0].weight)
    with pytest.raises(ValueError, match="need the sha256 000"):
        find_backbone("timm/test_resnet", sha256="0" * 64)
    hash_file_beside(path).write_text("0" * 64)
    with pytest.raises(ValueError, match="damaged or incomplete"):
        find_backbone("timm/test_resnet")

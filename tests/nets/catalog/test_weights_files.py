"""Tests for imgfeat/nets/catalog/_weights_files.py."""

import hashlib

import pytest

from imgfeat.nets.catalog._weights_files import (
    WeightsFile,
    check_hash,
    hash_file_beside,
    hub_caches,
    stated_hash,
    weights_folders,
)


@pytest.fixture(autouse=True)
def empty_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("IMGFEAT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hf"))


def write(path, content=b"weights"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def sha256(content):
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("folder", ["home/weights", "hub/checkpoints"])
@pytest.mark.parametrize("name", ["net.safetensors", "net.pth"])
def test_finds_weights_in_both_folders_under_all_names(tmp_path, folder, name):
    path = write(tmp_path / folder / name)
    assert WeightsFile(("net.safetensors", "net.pth")).find("net") == path


def test_our_own_folder_comes_first(tmp_path):
    for folder in ("hub/checkpoints", "home/weights"):
        path = write(tmp_path / folder / "net.pth")
    assert WeightsFile(("net.pth",)).find("net") == path
    assert weights_folders()[0] == path.parent


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_finds_weights_in_the_cache_of_the_hub(tmp_path, name):
    repo = tmp_path / "hf" / "models--timm--net.tag"
    write(repo / "refs" / "main", b"abc")
    path = write(repo / "snapshots" / "abc" / name)
    files = ("model.safetensors", "pytorch_model.bin")
    file = WeightsFile(("net.tag.safetensors",), repo="timm/net.tag", repo_files=files)
    assert file.find("timm/net") == path


def test_missing_file_is_named_with_its_origin_and_place(tmp_path):
    message = (
        r"resnet18 needs the weights file resnet18-f37072fd.pth, which is not on this "
        r"machine. Run: imgfeat weights fetch resnet18; or download https://x/y.pth "
        r"and put it into .*home.weights or .*hub.checkpoints as "
        r"resnet18-f37072fd.pth; or pass weights=None"
    )
    file = WeightsFile(("resnet18-f37072fd.pth",), url="https://x/y.pth")
    with pytest.raises(FileNotFoundError, match=message):
        file.find("resnet18")


def test_user_without_a_home_has_no_folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "~" / "checkpoints").mkdir(parents=True)  # some program's mistake
    monkeypatch.setattr("os.path.expanduser", str)
    monkeypatch.setenv("IMGFEAT_HOME", "~/cache")
    monkeypatch.setattr("torch.hub.get_dir", lambda: "~")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", "~/hub")
    assert weights_folders() == hub_caches() == []
    message = "put it into the folder weights of IMGFEAT_HOME as net.pth; or pass"
    with pytest.raises(FileNotFoundError, match=message):
        WeightsFile(("net.pth",), url="https://x/net.pth").find("net")


def test_missing_file_of_the_hub_is_named_with_its_repository():
    file = WeightsFile(
        ("net.safetensors",), repo="timm/net@v2", repo_files=("model.safetensors",)
    )
    assert (file.repo_id, file.revision) == ("timm/net", "v2")
    message = r"download model.safetensors from https://huggingface.co/timm/net and put"
    with pytest.raises(FileNotFoundError, match=message):
        file.find("timm/net")


def test_file_must_have_the_hash_in_its_name(tmp_path):
    whole = b"whole"
    name = f"net-{sha256(whole)[:8]}.pth"
    path = write(tmp_path / "home" / "weights" / name, whole)
    assert WeightsFile((name,)).find("net") == path
    write(path, b"half")
    message = f"starts with {sha256(whole)[:8]}. Got .* damaged"
    with pytest.raises(ValueError, match=message):
        WeightsFile((name,)).find("net")


def test_file_must_have_the_hash_that_stands_beside_it(tmp_path):
    path = write(tmp_path / "net.safetensors", b"whole")
    assert stated_hash(path) is None
    check_hash(path)
    write(hash_file_beside(path), f"{sha256(b'whole')}  net.safetensors\n".encode())
    check_hash(path)
    for torn in (b"", b"0" * 64, b"\xff\xfe"):
        write(hash_file_beside(path), torn)
        with pytest.raises(ValueError, match="damaged or incomplete"):
            check_hash(path)


def test_file_of_the_hub_must_have_the_hash_that_its_cache_names(tmp_path):
    blob = write(tmp_path / "blobs" / sha256(b"whole"), b"whole")
    path = tmp_path / "model.safetensors"
    try:
        path.symlink_to(blob)
    except OSError as error:
        pytest.skip(f"no links here: {error}")
    assert stated_hash(path) == sha256(b"whole")
    check_hash(path)
    write(blob, b"half")
    with pytest.raises(ValueError, match="damaged or incomplete"):
        check_hash(path)

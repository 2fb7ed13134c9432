"""Tests for imgfeat/nets/catalog/_safetensors.py."""

import struct

import pytest
import torch
from safetensors.torch import save_file

from imgfeat.nets.catalog._safetensors import read_safetensors


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "net.safetensors"
    save_file({"a": torch.arange(6.0).reshape(2, 3), "b": torch.ones(4)}, path)
    return path


def test_gives_the_tensors_by_name(path):
    tensors = read_safetensors(path)
    assert set(tensors) == {"a", "b"}
    assert torch.equal(tensors["a"], torch.arange(6.0).reshape(2, 3))


def test_truncated_file_is_refused_wherever_it_ends(path):
    whole = path.read_bytes()
    for n_bytes in range(len(whole)):
        path.write_bytes(whole[:n_bytes])
        message = "cut short" if n_bytes >= 8 else "does not start as a safetensors"
        with pytest.raises(ValueError, match=f"{message}.*Got"):
            read_safetensors(path)


@pytest.mark.parametrize("length", [0, 1, 25_000_001, 2**63])
def test_header_of_absurd_length_is_refused_unread(path, length):
    path.write_bytes(struct.pack("<Q", length) + path.read_bytes()[8:])
    with pytest.raises(ValueError, match=f"2 to 25000000 bytes. Got {length}"):
        read_safetensors(path)


@pytest.mark.parametrize(
    "header",
    [b"[1, 2]", b'{"a": 3}', b"{ ", b"\xff\xff", b"[" * 9999],
    ids=["list", "number", "open", "bytes", "deep"],
)
def test_header_of_other_things_is_refused(path, header):
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(100))
    with pytest.raises(ValueError, match="damaged header"):
        read_safetensors(path)


def test_header_that_lies_is_refused(path):
    header = b'{"a":{"dtype":"F32","shape":[9],"data_offsets":[0,8]}}'
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(8))
    with pytest.raises(ValueError, match="cannot be read as safetensors"):
        read_safetensors(path)

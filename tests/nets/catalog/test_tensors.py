"""Tests for imgfeat/nets/catalog/_tensors.py."""

import hashlib
import pickle
from weakref import WeakValueDictionary

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from imgfeat.nets.catalog._tensors import (
    hash_file,
    hash_state_dict,
    load_into,
    read_state_dict,
    register_weights,
    registered_weights,
)


def write(path, content=b"weights"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_hash_of_a_file_is_its_sha256_and_follows_changes(tmp_path):
    path = tmp_path / "file"
    for content in (b"one", b"three"):
        path.write_bytes(content)
        assert hash_file(path) == hashlib.sha256(content).hexdigest()


def test_hash_of_tensors_sees_names_shapes_and_values():
    base = {"a": torch.zeros(2, 3)}
    others = [
        {"b": torch.zeros(2, 3)},
        {"a": torch.zeros(3, 2)},
        {"a": torch.zeros(2, 3, dtype=torch.int32)},
        {"a": torch.full((2, 3), 1e-9)},
    ]
    hashes = {hash_state_dict(state) for state in [base, *others]}
    assert len(hashes) == 5
    transposed = {"a": torch.zeros(3, 2).T}
    assert hash_state_dict(transposed) == hash_state_dict(base)


class Attack:
    def __reduce__(self):
        return print, ("code has run",)


@pytest.mark.parametrize(
    "content", [b"", b"junk", pickle.dumps(Attack(), 2)], ids=["empty", "junk", "code"]
)
def test_file_that_is_no_tensors_is_refused_and_not_run(tmp_path, capsys, content):
    path = write(tmp_path / "net.pth", content)
    with pytest.raises(ValueError, match="cannot be read as tensors"):
        read_state_dict(path)
    assert capsys.readouterr().out == ""


def test_file_with_other_things_is_refused(tmp_path):
    torch.save([1, 2], tmp_path / "net.pth")
    with pytest.raises(ValueError, match=r"to hold a state dict.*Got list"):
        read_state_dict(tmp_path / "net.pth")


def test_loads_by_name_or_by_order():
    net = nn.Linear(3, 2)
    by_name = {"weight": torch.ones(2, 3), "bias": torch.ones(2)}
    load_into(net, by_name, source="file")
    assert net.weight.sum() == 6
    renamed = {"w": torch.zeros(2, 3), "b": torch.zeros(2)}
    load_into(net, renamed, source="file", by_order=True)
    assert net.weight.sum() == 0


def test_weights_of_another_net_are_refused_by_tensor():
    state = {"weight": torch.ones(2, 4), "gamma": torch.ones(2)}
    message = (
        r"file holds the weights of another net; 3 tensors differ: weight \(2x3 in the "
        r"net, 2x4 in the file\), bias \(2 in the net, missing in the file\), gamma"
    )
    with pytest.raises(ValueError, match=message):
        load_into(nn.Linear(3, 2), state, source="file")


@pytest.mark.parametrize("key", ["state_dict", "model"])
def test_state_dict_of_a_training_script_is_found(tmp_path, key):
    state = {"module.weight": torch.ones(2), "module.bias": torch.zeros(2)}
    torch.save({"epoch": 3, key: state}, tmp_path / "net.pth")
    found = read_state_dict(tmp_path / "net.pth")
    assert list(found) == ["weight", "bias"]


def test_averages_over_training_come_first(tmp_path):
    states = {"state_dict": {"x": torch.ones(1)}, "model_ema": {"x": torch.zeros(1)}}
    torch.save(states, tmp_path / "net.pth")
    assert read_state_dict(tmp_path / "net.pth")["x"] == 0


def test_safetensors_are_read_as_well(tmp_path):
    path = tmp_path / "net.safetensors"
    save_file({"module.x": torch.ones(2)}, path)
    assert torch.equal(read_state_dict(path)["x"], torch.ones(2))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="cut short"):
        read_state_dict(path)


def test_half_precision_becomes_what_the_net_computes_in():
    net = nn.Linear(3, 2)
    state = {"weight": torch.ones(2, 3).half(), "bias": torch.ones(2).bfloat16()}
    load_into(net, state, source="file")
    assert {parameter.dtype for parameter in net.parameters()} == {torch.float32}


def test_old_files_without_batch_counters_load():
    net = nn.BatchNorm2d(2)
    state = {
        name: torch.full_like(tensor, 3)
        for name, tensor in net.state_dict().items()
        if "num_batches" not in name
    }
    load_into(net, state, source="file")
    assert all((net.state_dict()[name] == 3).all() for name in state)
    assert net.num_batches_tracked == 0


def test_registered_weights_are_found_by_hash(monkeypatch):
    monkeypatch.setattr(
        "imgfeat.nets.catalog._tensors._registered", WeakValueDictionary()
    )
    assert registered_weights("ab") is None
    held = register_weights("ab", {"x": torch.ones(1)})
    assert registered_weights("ab")["x"] == 1
    assert register_weights("ab", {"x": torch.ones(1)}) is held  # not a second copy
    del held
    assert registered_weights("ab") is None

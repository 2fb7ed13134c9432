"""Tests for imgfeat/nets/catalog/_table.py."""

import pytest
import timm
import torchvision

from imgfeat.nets import list_backbones
from imgfeat.nets.catalog._lite import NETS
from imgfeat.nets.catalog._registry import get_spec


@pytest.fixture(autouse=True)
def no_weights_on_disk(tmp_path, monkeypatch):
    monkeypatch.setenv("IMGFEAT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hf"))


def test_lists_every_net_of_every_source():
    table = list_backbones()
    assert table["name"].is_unique
    counts = table["source"].value_counts()
    models = torchvision.models
    assert counts["imgfeat"] >= 4  # and what others have registered
    assert counts["torchvision"] == len(models.list_models(module=models))
    assert counts["timm"] == len(timm.list_models())
    assert table["name"][0] == "efficientnet_lite0"
    here = table.loc[table["weights_here"], "name"].tolist()
    assert here == [name for name, net in NETS.items() if net.is_here()]


def test_says_what_torchvision_states():
    row = list_backbones("resnet50").set_index("name").loc["resnet50"]
    assert row["parameters"] == 25_557_032
    assert row["input_size"] == (224, 224)
    assert row["width"] == 2048
    assert row["weights"] == "imagenet1k_v2"
    assert row["accuracy"] == pytest.approx(80.858)


def test_says_what_timm_states():
    row = list_backbones("timm/resnet18").iloc[0]
    assert (row["weights"], row["license"]) == ("a1_in1k", "apache-2.0")
    assert list_backbones("timm/test_vit4")["weights"].isna().all()


@pytest.mark.parametrize("name", NETS)
def test_parameters_of_the_installed_nets_are_counted(name):
    net = timm.create_model(f"tf_{name}")
    assert sum(p.numel() for p in net.parameters()) == NETS[name].parameters


def test_patterns_are_those_of_a_shell_in_any_case():
    assert list_backbones("RESNET*", source="torchvision")["name"].tolist() == [
        "resnet101",
        "resnet152",
        "resnet18",
        "resnet34",
        "resnet50",
    ]
    assert list_backbones("nothing").empty
    tags = list_backbones("timm/resnet18.a*")
    assert "timm/resnet18.a1_in1k" in set(tags["name"])
    assert "a3_in1k" in set(tags["weights"])


def test_weights_that_are_here_are_marked(tmp_path):
    folder = tmp_path / "home" / "weights"
    folder.mkdir(parents=True)
    (folder / get_spec("resnet18").file.names[0]).write_bytes(b"")
    (folder / "resnet18.a1_in1k.safetensors").write_bytes(b"")
    hub = tmp_path / "hf" / "models--timm--resnet34.a1_in1k"
    (hub / "refs").mkdir(parents=True)
    (hub / "refs" / "main").write_text("abc")
    (hub / "snapshots" / "abc").mkdir(parents=True)
    (hub / "snapshots" / "abc" / "model.safetensors").write_bytes(b"")
    table = list_backbones("*resnet*")
    assert table["name"][table["weights_here"]].tolist() == [
        "resnet18",
        "timm/resnet18",
        "timm/resnet34",
    ]


def test_unknown_source_is_refused():
    with pytest.raises(ValueError, match="source must be one of imgfeat, torchvision"):
        list_backbones(source="keras")

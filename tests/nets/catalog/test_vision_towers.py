"""The image towers of DINOv2, CLIP and SigLIP, against timm's own way with them.

Few and narrow layers with random weights, everything else as timm has it.
"""

from functools import partial

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file

from imgfeat.features import CNNEmbedding
from imgfeat.nets import find_backbone, register_weights
from imgfeat.nets.catalog import _backbones, _build, _timm

DINO = "vit_small_patch14_dinov2.lvd142m"
CLIP = "vit_base_patch16_clip_224.openai"
SIGLIP = "vit_base_patch16_siglip_224.webli"
TOWERS = [DINO, CLIP, SIGLIP]
WIDTH = 24
PROJECTED = 512


@pytest.fixture(scope="module", autouse=True)
def narrow():
    """Let timm make these nets with one narrow layer."""
    patched = pytest.MonkeyPatch()
    small = partial(timm.create_model, depth=1, embed_dim=WIDTH, num_heads=2)
    patched.setattr(timm, "create_model", small)
    yield small
    patched.undo()
    for cached in (_build._widths, _backbones._random_hash, _timm._patch_of):
        cached.cache_clear()


@pytest.fixture(scope="module")
def files(narrow, tmp_path_factory):
    """A weights file of each tower, with numbers that tell its tensors apart."""
    folder, found = tmp_path_factory.mktemp("towers"), {}
    for name in TOWERS:
        torch.manual_seed(0)
        net = narrow(name)
        for tensor in net.parameters():
            torch.nn.init.normal_(tensor, std=0.3)
        found[name] = folder / f"{name}.safetensors"
        save_file(net.state_dict(), found[name])
    return found


@pytest.fixture(scope="module")
def photo():
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (30, 41, 3), dtype=np.uint8))
    return coarse.resize((700, 560), Image.Resampling.BICUBIC)


def by_timm(make, path, photo, size=None):
    """What timm's own transform, loading and forward pass give."""
    size = {} if size is None else {"img_size": size}
    net = make(**size).eval()
    timm.models.load_checkpoint(
        net, str(path), filter_fn=timm.models.vision_transformer.checkpoint_filter_fn
    )
    stated = timm.data.resolve_model_data_config(net)
    if size:
        stated["input_size"] = 3, *size["img_size"]
    see = timm.data.create_transform(**stated, is_training=False)
    with torch.inference_mode():
        return net(see(photo)[None]).numpy()


def embedding(name, weights, **options):
    return CNNEmbedding(
        f"timm/{name}", weights=weights, engine="torch", n_jobs=1, **options
    )


def assert_near(got, expected):
    assert got.shape == expected.shape
    assert got.std() > 0.01
    cosine = (got * expected).sum() / np.linalg.norm(got) / np.linalg.norm(expected)
    assert cosine > 0.9999
    np.testing.assert_allclose(got, expected, atol=0.01 * np.abs(expected).max())


@pytest.mark.parametrize("name", TOWERS)
def test_embedding_is_what_timm_gives_without_a_head(name, narrow, files, photo):
    got = embedding(name, files[name]).fit([photo]).transform([photo])

    def headless(**size):
        net = narrow(name, **size)
        timm.models.load_checkpoint(net, str(files[name]))
        net.reset_classifier(0)
        return net

    path = files[name].with_name("headless.safetensors")
    save_file(headless().state_dict(), path)
    expected = by_timm(partial(narrow, name, num_classes=0), path, photo)
    assert_near(got, expected)


def test_class_token_of_dinov2_and_attention_of_siglip_are_read(files, photo):
    tokens = embedding(DINO, files[DINO], pooling="cls").fit_transform([photo])
    own = embedding(DINO, files[DINO]).fit_transform([photo])
    np.testing.assert_allclose(own, tokens, atol=1e-5)
    net = find_backbone(f"timm/{SIGLIP}", files[SIGLIP]).load().maps.net
    assert net.attn_pool is not None
    mean = embedding(SIGLIP, files[SIGLIP], pooling="avg").fit_transform([photo])
    own = embedding(SIGLIP, files[SIGLIP]).fit_transform([photo])
    assert np.abs(own - mean).max() > 0.1


def test_projection_of_clip_is_its_layer_head(narrow, files, photo):
    step = embedding(CLIP, files[CLIP], layer="head").fit([photo])
    got = step.transform([photo])
    assert got.shape == (1, PROJECTED)
    assert_near(got, by_timm(partial(narrow, CLIP), files[CLIP], photo))


@pytest.mark.parametrize("size", [(224, 224), (98, 154)])
def test_positions_are_interpolated_for_another_size(size, narrow, files, photo):
    got = embedding(DINO, files[DINO], size=size).fit_transform([photo])
    expected = by_timm(partial(narrow, DINO), files[DINO], photo, size)
    assert_near(got, expected)
    trunk = find_backbone(f"timm/{DINO}", files[DINO], size=size).load()
    n_patches = size[0] // 14 * (size[1] // 14)
    assert trunk.maps.net.pos_embed.shape == (1, 1 + n_patches, WIDTH)


def test_net_of_another_size_is_found_again_by_its_weights(files, photo):
    step = embedding(DINO, files[DINO], size=56).fit([photo])
    before = step.transform([photo])
    sha256 = step.weights_info_["sha256"]
    found = step._find_backbone(sha256)
    assert found.preprocessing.size == (56, 56)
    np.testing.assert_array_equal(step.fit([photo]).transform([photo]), before)
    # As where a saved model brings them, and there is no file.
    held = register_weights(sha256, found.state_dict())
    gone = find_backbone(f"timm/{DINO}", "gone.pth", sha256=sha256, size=56).load()
    np.testing.assert_array_equal(
        gone.state_dict()["maps.net.pos_embed"], held["maps.net.pos_embed"]
    )
    assert gone.maps.net.pos_embed.shape == (1, 1 + 4 * 4, WIDTH)


@pytest.mark.parametrize(
    "name, size, near",
    [(DINO, 224 + 3, (224, 224)), (CLIP, (225, 9), (224, 16)), (SIGLIP, 5, (16, 16))],
)
def test_size_that_cuts_a_patch_is_refused(name, size, near, photo):
    message = rf"timm/{name} .* multiples of that\. Got size=.*nearest is \({near[0]}, "
    with pytest.raises(ValueError, match=message):
        embedding(name, None, size=size).fit([photo])


def test_weights_of_another_tower_are_refused(files, photo):
    with pytest.raises(ValueError, match="holds the weights of another net"):
        embedding(SIGLIP, files[CLIP]).fit_transform([photo])
    with pytest.raises(ValueError, match="holds the weights of another net"):
        embedding(DINO, files[CLIP], size=56).fit_transform([photo])

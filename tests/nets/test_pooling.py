"""Tests for imgfeat/nets/_pooling.py."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from imgfeat.nets._pooling import POOLINGS, is_channels_last, layer_names, pool

SIZE = (32, 32)


@pytest.fixture
def maps():
    """Two images' five maps of 4 x 4."""
    return torch.from_numpy(np.random.default_rng(0).standard_normal((2, 5, 4, 4)))


DEFINITIONS = {
    "avg": lambda place: place.mean(),
    "max": lambda place: place.max(),
    "avgmax": lambda place: (place.mean() + place.max()) / 2,
    "gem": lambda place: np.cbrt((np.maximum(place, 1e-6) ** 3).mean()),
}


@pytest.mark.parametrize("pooling", DEFINITIONS)
def test_matches_the_definition(maps, pooling):
    expected = [
        [DEFINITIONS[pooling](channel.numpy()) for channel in image] for image in maps
    ]
    assert_allclose(pool(maps, pooling, image_size=SIZE), expected)


@pytest.mark.parametrize("pooling", DEFINITIONS)
def test_channels_may_come_last(maps, pooling):
    turned = maps.permute(0, 2, 3, 1)
    expected = pool(maps, pooling, image_size=SIZE)
    assert_allclose(pool(turned, pooling, image_size=SIZE), expected)


@pytest.mark.parametrize("pooling", DEFINITIONS)
def test_tokens_are_pooled_without_those_in_front(maps, pooling):
    patches = maps.flatten(2).transpose(1, 2)
    tokens = torch.cat([torch.full((2, 3, 5), 1e9), patches], dim=1)
    got = pool(tokens, pooling, image_size=SIZE, n_prefix=3)
    assert_allclose(got, pool(maps, pooling, image_size=SIZE))


def test_class_token_is_the_first():
    tokens = torch.arange(2 * 5 * 3.0).reshape(2, 5, 3)
    got = pool(tokens, "cls", image_size=SIZE, n_prefix=1)
    assert_array_equal(got, tokens[:, 0])


@pytest.mark.parametrize("shape", [(2, 5, 4, 4), (2, 16, 5)])
def test_class_token_must_be_there(shape):
    with pytest.raises(ValueError, match=r"needs tokens .* Got .*; use pooling='avg'"):
        pool(torch.zeros(shape), "cls", image_size=SIZE)


def test_no_pooling_keeps_every_place_channel_by_channel(maps):
    got = pool(maps, None, image_size=SIZE)
    assert_array_equal(got, maps.reshape(2, 80))
    turned = maps.permute(0, 2, 3, 1)
    assert_array_equal(pool(turned, None, image_size=SIZE), got)


@pytest.mark.parametrize("pooling", [*POOLINGS[1:], None])
def test_vectors_stay_what_they_are(pooling):
    vectors = torch.arange(6.0).reshape(2, 3)
    assert pool(vectors, pooling, image_size=SIZE, n_prefix=1) is vectors


@pytest.mark.parametrize("outputs", [torch.zeros(3), torch.zeros(1, 2, 3, 4, 5), "x"])
def test_other_outputs_are_refused(outputs):
    with pytest.raises(ValueError, match=r"maps .*, tokens .* or vectors .* Got "):
        pool(outputs, "avg", image_size=SIZE)


@pytest.mark.parametrize(
    "shape, image_size, expected",
    [
        ((1, 512, 7, 7), (224, 224), False),
        ((1, 7, 7, 768), (224, 224), True),
        ((1, 7, 7, 7), (224, 224), False),
        ((1, 14, 7, 96), (448, 224), True),
        ((1, 96, 14, 7), (448, 224), False),
        ((1, 1, 1, 64), (32, 32), True),
        ((1, 64, 1, 1), (32, 32), False),
        ((1, 9, 13, 20), (288, 400), True),
    ],
)
def test_shape_of_the_image_tells_where_channels_are(shape, image_size, expected):
    assert is_channels_last(shape, image_size) is expected


@pytest.mark.parametrize(
    "layer, expected", [(None, ()), ("a.b", ("a.b",)), (["a", "b"], ("a", "b"))]
)
def test_layers_are_one_or_some(layer, expected):
    assert layer_names(layer) == expected


@pytest.mark.parametrize("layer", [(), [3], [None]])
def test_layers_must_be_names(layer):
    with pytest.raises(ValueError, match=r"layer must be the name .*list_layers"):
        layer_names(layer)

"""Tests for imgfeat/features/_image_feature.py: what its five features share."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags

from imgfeat.features import GLCM, HOG, LBP, ColorHistogram, PatchDictionary
from imgfeat.sources import ImageDecodeError, _source
from tests.sources._files import encode

PATCHES = PatchDictionary(7, patch_size=4, max_iter=2, random_state=0)
STATELESS = [HOG(), LBP(), GLCM(), ColorHistogram(3)]
ALL = [*STATELESS, PATCHES]


def names(features):
    return [type(feature).__name__ for feature in features]


@pytest.fixture
def paths(color_images, tmp_path):
    paths = [str(tmp_path / f"{row}.png") for row in range(len(color_images))]
    for path, image in zip(paths, color_images, strict=True):
        Path(path).write_bytes(encode(image))
    return paths


@pytest.fixture
def decodes(monkeypatch):
    """How often each path was decoded."""
    decodes, decode = Counter(), _source.decode_image

    def count(source, **options):
        decodes[source] += 1
        return decode(source, **options)

    monkeypatch.setattr(_source, "decode_image", count)
    return decodes


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("feature", ALL, ids=names(ALL))
def test_fit_transform_decodes_each_file_once(feature, paths, decodes, n_jobs):
    clone(feature).set_params(n_jobs=n_jobs).fit_transform(paths)
    assert decodes == dict.fromkeys(paths, 1)


@pytest.mark.parametrize("feature", ALL, ids=names(ALL))
def test_transform_decodes_each_file_once(feature, paths, color_images, decodes):
    clone(feature).fit(color_images).transform(paths)
    assert decodes == dict.fromkeys(paths, 1)


@pytest.mark.parametrize("feature", STATELESS, ids=names(STATELESS))
def test_fit_reads_only_the_first_file_where_nothing_is_learned(
    feature, paths, color_images, decodes
):
    fitted = clone(feature).fit([paths[0], "missing.png"])
    assert decodes == {paths[0]: 1}
    assert fitted.image_shape_in_ == color_images.shape[1:]
    assert fitted.n_features_in_ == color_images[0].size
    with pytest.raises(ImageDecodeError, match=r"Cannot read missing\.png"):
        fitted.transform([paths[0], "missing.png"])


@pytest.mark.parametrize("feature", ALL, ids=names(ALL))
def test_fit_and_transform_give_what_fit_transform_gives(feature, paths, color_images):
    at_once, after = clone(feature), clone(feature)
    features = at_once.fit_transform(paths)
    assert_array_equal(after.fit(paths).transform(color_images), features)
    assert features.dtype == np.float32 and features.flags.c_contiguous
    assert vars(after).keys() == vars(at_once).keys()
    assert at_once.image_shape_in_ == color_images.shape[1:]
    assert list(at_once.get_feature_names_out()) == list(after.get_feature_names_out())


@pytest.mark.parametrize("feature", ALL, ids=names(ALL))
def test_row_does_not_depend_on_the_others_or_on_threads(feature):
    images = np.random.default_rng(0).integers(0, 256, (150, 20, 18), dtype=np.uint8)
    fitted = clone(feature).fit(images)
    features = fitted.transform(images)
    assert_array_equal(fitted.set_params(n_jobs=3).transform(images), features)
    assert_array_equal(fitted.transform(images[70:71]), features[70:71])


@pytest.mark.parametrize("feature", ALL, ids=names(ALL))
def test_names_the_columns_of_a_frame(feature, color_images):
    step = clone(feature).set_output(transform="pandas")
    for frame in (step.fit_transform(color_images), step.transform(color_images)):
        assert list(frame.columns) == list(step.get_feature_names_out())


@pytest.mark.parametrize("feature", ALL, ids=names(ALL))
def test_fit_transform_checks_as_fit_does(feature, color_images):
    with pytest.raises(ValueError, match="'n_jobs' parameter of"):
        clone(feature).set_params(n_jobs="all").fit_transform(color_images)
    with pytest.raises(
        ValueError, match=r"need.* images of at least .* Got 1 x 1; use"
    ):
        clone(feature).set_params(**_coarse(feature)).fit_transform(
            np.zeros((2, 1, 1), dtype=np.uint8)
        )
    with pytest.raises(ValueError, match="needs images of one size"):
        clone(feature).fit_transform([color_images[0], color_images[1, :20]])


@pytest.mark.parametrize("feature", STATELESS, ids=names(STATELESS))
def test_transform_without_fit_checks_the_parameters(feature, color_images):
    step = clone(feature)
    assert_array_equal(
        step.transform(color_images), clone(feature).fit_transform(color_images)
    )
    assert not get_tags(step).requires_fit
    assert not hasattr(step, "image_shape_in_")
    with pytest.raises(ValueError, match="'n_jobs' parameter of"):
        step.set_params(n_jobs="all").transform(color_images)


def test_a_dictionary_must_be_learned_first(color_images):
    assert get_tags(PATCHES).requires_fit
    with pytest.raises(NotFittedError, match="not fitted"):
        clone(PATCHES).transform(color_images)


@pytest.mark.parametrize("feature", ALL, ids=names(ALL))
def test_fit_on_files_of_another_size_forgets_the_first(feature, color_images):
    fitted = clone(feature).fit(color_images)
    smaller = [encode(image[:, :18]) for image in color_images]
    assert fitted.fit(smaller).image_shape_in_ == (24, 18, 3)


def _coarse(feature):
    """Parameters that a single pixel is too small for."""
    return {"grid": (2, 2)} if isinstance(feature, ColorHistogram) else {}

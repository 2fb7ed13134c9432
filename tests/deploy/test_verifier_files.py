"""A verifier is saved, loaded, and refused where a file of it is forged."""

import numpy as np
import pytest

from imgfeat import Predictor, evaluate, load
from imgfeat.deploy import BundleError
from imgfeat.deploy._golden import check_golden, make_golden
from imgfeat.deploy._vet import vet
from imgfeat.estimators import Gallery
from tests.deploy._saved import save_at
from tests.estimators.verification._people import people, verifier

IMAGES, WHO = people()
PAIRS = [(IMAGES[row], IMAGES[row + 1]) for row in range(16)]


@pytest.fixture
def model():
    return verifier().fit(IMAGES, WHO)


def test_a_loaded_verifier_says_the_same_and_reads_its_galleries(model, tmp_path):
    Gallery(model).add("a", IMAGES[:2]).save(tmp_path / "people.gallery")
    loaded = load(save_at(model, tmp_path / "faces.imgfeat"))
    np.testing.assert_array_equal(
        loaded.predict_proba(PAIRS), model.predict_proba(PAIRS)
    )
    gallery = Gallery.load(tmp_path / "people.gallery", loaded)
    assert loaded.identify(gallery, IMAGES[2:3])["nearest"].tolist() == ["a"]


def test_golden_images_hold_the_features(model, tmp_path):
    parts, layout = make_golden(model)
    assert "golden/describe.npy" in parts
    check_golden(model, parts, layout, tmp_path, "")
    model.features_.orientations = 8
    with pytest.raises(BundleError, match=r"fitted on images of 144 features. Got 128"):
        check_golden(model, parts, layout, tmp_path, "")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("threshold_", np.nan),
        ("threshold_", "0.5"),
        ("slope_", -1.0),
        ("intercept_", np.inf),
        ("n_features_out_", 0),
        ("key_", None),
    ],
)
def test_a_forged_verifier_is_refused(model, name, value):
    vet(model)
    setattr(model, name, value)
    with pytest.raises(BundleError, match=r"PairVerifier in the file contradicts"):
        vet(model)


def test_a_verifier_has_no_label_for_an_image(model, tmp_path):
    path = save_at(model, tmp_path / "faces.imgfeat")
    with pytest.raises(TypeError, match=r"compares images, and has no label for one"):
        Predictor(path).predict(IMAGES[:2])
    with pytest.raises(TypeError, match=r"compares images, and has no label for one"):
        evaluate(model, IMAGES, WHO)

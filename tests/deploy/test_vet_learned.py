"""Tests for imgfeat/deploy/_vet_learned.py: our own estimators in a file."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from imgfeat.deploy import BundleError
from imgfeat.deploy._model import dump_model, load_model
from imgfeat.deploy._vet_learned import vet_learned
from imgfeat.estimators import (
    LinearProbe,
    PrototypeClassifier,
    RidgeProbe,
    ZeroShotClassifier,
)
from imgfeat.features import (
    GLCM,
    HOG,
    LBP,
    VLAD,
    BagOfVisualWords,
    ColorHistogram,
    FisherVector,
    PatchDictionary,
)
from imgfeat.preprocess import CenterCrop, Resize
from imgfeat.sources import ImageReader

BAGS = np.random.default_rng(0).normal(size=(4, 30, 6))
IMAGES = np.random.default_rng(0).random((4, 12, 12)).astype(np.float32)


def fitted(cls):
    if cls in (LinearProbe, PrototypeClassifier, RidgeProbe):
        return cls().fit(BAGS[0], np.arange(30) % 3)
    if cls is ZeroShotClassifier:
        return cls({"ant": BAGS[0, 0], "bee": BAGS[0, 1]}).fit(BAGS[0])
    if cls is PatchDictionary:
        return PatchDictionary(4, patch_size=3, random_state=0, device="cpu").fit(
            IMAGES
        )
    if cls is BagOfVisualWords:
        words = BagOfVisualWords(3, tfidf=True, n_components_pca=4, random_state=0)
        return words.fit(BAGS)
    return cls(3, n_components_pca=4, random_state=0).fit(BAGS)


LEARNED = {
    BagOfVisualWords: ["cluster_centers_", "idf_"],
    FisherVector: ["weights_", "means_", "covariances_"],
    LinearProbe: ["coef_", "intercept_"],
    PatchDictionary: ["mean_", "whitening_", "atoms_"],
    PrototypeClassifier: ["coef_", "intercept_"],
    RidgeProbe: ["coef_", "intercept_"],
    VLAD: ["cluster_centers_"],
    ZeroShotClassifier: ["class_vectors_"],
}
FORGERIES = {
    "shorter": lambda a: a[:-1].copy(),
    "narrower": lambda a: a[..., :-1].copy(),
    "flat": lambda a: a.ravel()[: len(a) // 2 + 1].copy(),
    "empty": lambda a: a[:0].copy(),
    "integers": lambda a: a.astype(int),
    "complex": lambda a: a.astype(complex),
    "not finite": lambda a: np.full_like(a, np.nan),
    "a list": lambda a: a.tolist(),
    "none": lambda a: None,
}
# One word fewer makes a vocabulary like any other.
HONEST = {(VLAD, "cluster_centers_"), (PatchDictionary, "atoms_")}


@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.parametrize(
    "cls, attribute",
    [(cls, name) for cls, names in LEARNED.items() for name in names],
)
def test_learned_array_that_does_not_fit_is_refused(cls, attribute, forgery):
    item = fitted(cls)
    honest = load_model(dump_model(make_pipeline(item)))[0]
    assert (getattr(honest, attribute) == getattr(item, attribute)).all()
    if forgery == "shorter" and (cls, attribute) in HONEST:
        return
    setattr(item, attribute, FORGERIES[forgery](getattr(item, attribute)))
    with pytest.raises(
        BundleError,
        match=rf"{cls.__name__} in .* contradicts itself|"
        r"model\.skops cannot be built",
    ):
        load_model(dump_model(make_pipeline(item)))


def test_projection_of_another_width_is_refused():
    item = fitted(VLAD)
    item.pca_.components_ = item.pca_.components_[:, :-1].copy()
    with pytest.raises(BundleError, match="VLAD in the file contradicts itself"):
        vet_learned("", item)


@pytest.mark.parametrize(
    "item",
    [
        Resize((10**5, 10**5)),
        CenterCrop(10**5),
        ImageReader(size=(10**5, 10**4)),
        ColorHistogram(n_bins=10**3),
        HOG(orientations=10**6),
        HOG(n_jobs=10**6),
        LBP(n_points=10**6),
        PatchDictionary(grid=(10**4, 10**4)),
        VLAD(spatial_pyramid=((10**4, 10**4),)),
    ],
    ids=lambda item: type(item).__name__,
)
def test_parameter_that_asks_for_the_moon_is_refused(item):
    with pytest.raises(BundleError, match=r"has \w+=.*: too large"):
        vet_learned("", item)


@pytest.mark.parametrize(
    "item", [HOG(orientations=-1), GLCM(n_levels=10**9), Resize(size="large")]
)
def test_parameter_out_of_range_is_refused(item):
    with pytest.raises(BundleError, match=r"model\.skops cannot be built: Invalid"):
        load_model(dump_model(item))


@pytest.mark.parametrize(
    "item",
    [
        GLCM(angles=(0, 30, 60, 90, 120, 150), distances=(1, 2, 4, 8)),
        LBP(radius=(1, 2, 3), n_points=(8, 16, 24)),
        ColorHistogram(n_bins=(16, 16, 16)),
        ImageReader(size=(1024, 1024)),
    ],
    ids=lambda item: type(item).__name__,
)
def test_parameters_in_use_are_no_attack(item):
    assert repr(load_model(dump_model(item))) == repr(item)

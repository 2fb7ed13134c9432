"""Tests for imgfeat/estimators/verification/_enrolment.py."""

import json

import numpy as np
import pytest
import safetensors.numpy
from sklearn.exceptions import NotFittedError

from imgfeat.estimators import Gallery
from tests.estimators.verification._people import people, verifier

IMAGES, WHO = people()
STRANGERS, THEIR = people(seed=1)


@pytest.fixture(scope="module")
def fitted():
    return verifier(false_accept_rate=0.01).fit(*people(40, 4))


@pytest.fixture
def gallery(fitted):
    gallery = Gallery(fitted)
    for person in range(8):
        gallery.add(f"p{person}", STRANGERS[person == THEIR][:2])
    return gallery


def test_who_is_enrolled_is_found_and_others_are_unknown(fitted, gallery):
    found = fitted.identify(gallery, STRANGERS[2::4])
    names = [f"p{person}" for person in range(8)]
    assert found["nearest"][:8].tolist() == names
    assert (found["person"][:8] == names).mean() >= 0.7
    assert (found["person"][8:] == "unknown").mean() >= 0.7
    assert set(found["nearest"]) <= set(names)
    known = found["person"] != "unknown"
    assert ((found["similarity"] > fitted.threshold_) == known).all()


def test_similarity_is_that_of_the_best_pair(fitted, gallery):
    pairs = [(STRANGERS[2], STRANGERS[0]), (STRANGERS[2], STRANGERS[1])]
    best = fitted.similarity(pairs).max()
    found = fitted.identify(gallery, STRANGERS[2:3])["similarity"]
    assert found[0] == pytest.approx(best, abs=1e-6)


def test_distances_find_the_same():
    model = verifier(metric="euclidean").fit(*people(40, 4))
    gallery = Gallery(model).add(7, STRANGERS[:2]).add(-1, STRANGERS[4:6])
    found = model.identify(gallery, STRANGERS[[2, 6, 14]])
    assert found["person"].tolist() == [7, -1, -2]  # below all names
    pairs = [(STRANGERS[2], STRANGERS[0]), (STRANGERS[2], STRANGERS[1])]
    assert found["similarity"][0] == pytest.approx(model.similarity(pairs).max())


def test_people_are_added_to_and_forgotten(fitted, gallery):
    assert gallery.people == [f"p{person}" for person in range(8)]
    gallery.add("p1", STRANGERS[4:6])
    assert repr(gallery) == "<Gallery: 8 people, 18 images>"
    gallery.forget("p0")
    assert "p0" not in gallery
    assert len(gallery) == 7
    assert fitted.identify(gallery, STRANGERS[2:3])["person"][0] != "p0"
    with pytest.raises(KeyError, match=r"nobody called 'p0' to forget"):
        gallery.forget("p0")


def test_an_image_without_a_direction_adds_nobody(fitted):
    gallery = Gallery(fitted)
    with pytest.raises(ValueError, match=r"Got zeros for image 0, a blank image"):
        gallery.add("nobody", np.zeros((1, 16, 16), np.uint8))
    assert gallery.people == []


@pytest.mark.parametrize("names", [["a", 1], [1.5], [None], [True], ["a", b"b"]])
def test_names_are_all_text_or_all_numbers(fitted, names):
    gallery = Gallery(fitted)
    with pytest.raises(TypeError, match=r"all text or all whole numbers"):
        for name in names:
            gallery.add(name, IMAGES[:1])


def test_a_file_keeps_people_and_their_order(fitted, gallery, tmp_path):
    path = tmp_path / "people.gallery"
    gallery.save(path)
    loaded = Gallery.load(path, fitted)
    assert loaded.people == gallery.people
    one, other = (fitted.identify(some, STRANGERS) for some in (gallery, loaded))
    assert one.equals(other)
    loaded.forget("p3").add("p9", STRANGERS[36:38]).save(path)
    assert Gallery.load(path, fitted).people[-1] == "p9"
    numbers = Gallery(fitted).add(np.int64(3), IMAGES[:1])
    numbers.save(path)
    assert Gallery.load(path, fitted).people == [3]


def test_a_gallery_of_other_features_is_refused(fitted, gallery, tmp_path):
    gallery.save(tmp_path / "people.gallery")
    other = verifier(metric="euclidean").fit(IMAGES, WHO)
    with pytest.raises(ValueError, match=r"is a gallery of other features"):
        Gallery.load(tmp_path / "people.gallery", other)
    with pytest.raises(ValueError, match=r"has features of another verifier"):
        other.identify(gallery, IMAGES)
    # Fitted alike is as good.
    same = verifier(false_accept_rate=0.01).fit(*people(40, 4))
    assert len(Gallery.load(tmp_path / "people.gallery", same)) == 8


def forge(path, **changes):
    """Write the file again, with some arrays or facts changed."""
    arrays = safetensors.numpy.load(path.read_bytes())
    n_header = int.from_bytes(path.read_bytes()[:8], "little")
    about = json.loads(path.read_bytes()[8 : 8 + n_header])["__metadata__"]
    arrays |= {k: v for k, v in changes.items() if isinstance(v, np.ndarray)}
    about |= {k: v for k, v in changes.items() if isinstance(v, str)}
    path.write_bytes(safetensors.numpy.save(arrays, about))


CODES = np.repeat(np.arange(8), 2)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"format": "imgfeat gallery 2"}, "no gallery that this imgfeat reads"),
        ({"people": "7"}, "its people are no list"),
        ({"people": "[" * 100_000}, "its people are no list"),
        ({"people": json.dumps(["a"] * 8)}, "none, or some are twice"),
        ({"people": "[]"}, "none, or some are twice"),
        ({"people": json.dumps([["a"]])}, "its people are no list"),
        ({"person": CODES + 1}, "its arrays do not fit"),
        ({"person": CODES.astype(np.int32)}, "its arrays do not fit"),
        ({"person": CODES[:3]}, "its arrays do not fit"),
        ({"rows": np.full((16, 144), np.nan, np.float32)}, "its arrays do not fit"),
        ({"rows": np.ones((16, 144), np.float32)}, "its arrays do not fit"),
        ({"rows": np.ones((16, 3), np.float32)}, "its arrays do not fit"),
        ({"rows": np.ones(16, np.float32)}, "its arrays do not fit"),
        ({"more": np.ones(16, np.float32)}, "its arrays do not fit"),
    ],
)
def test_a_forged_file_is_refused(fitted, gallery, tmp_path, changes, why):
    path = tmp_path / "people.gallery"
    gallery.save(path)
    forge(path, **changes)
    with pytest.raises(ValueError, match=why):
        Gallery.load(path, fitted)


def test_a_damaged_file_is_refused(fitted, gallery, tmp_path):
    path = tmp_path / "people.gallery"
    gallery.save(path)
    content = path.read_bytes()
    for damaged in (b"", b"no gallery", content[:100], content[:-4]):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"is damaged, or no gallery"):
            Gallery.load(path, fitted)
    with pytest.raises(FileNotFoundError, match=r"nowhere"):
        Gallery.load(tmp_path / "nowhere", fitted)


def test_what_is_empty_or_no_gallery_is_refused(fitted, tmp_path):
    with pytest.raises(ValueError, match=r"Gallery needs people. Got none"):
        Gallery(fitted).save(tmp_path / "none")
    with pytest.raises(ValueError, match=r"Gallery needs people. Got none"):
        fitted.identify(Gallery(fitted), IMAGES)
    with pytest.raises(TypeError, match=r"identify needs a Gallery. Got ndarray"):
        fitted.identify(IMAGES, IMAGES)
    with pytest.raises(NotFittedError, match=r"not fitted"):
        Gallery(verifier()).add("a", IMAGES)

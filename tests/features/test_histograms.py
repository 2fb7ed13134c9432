"""Tests for imgfeat/features/_histograms.py."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from imgfeat.features._histograms import NORMALIZATIONS, normalize_histograms


@pytest.fixture
def counts():
    """Histograms of 4 images with 2 x 3 cells and 5 bins, no cell empty."""
    drawn = np.random.default_rng(0).integers(0, 9, (4, 2, 3, 5)).astype(np.uint32)
    drawn[..., 2] += 1
    return drawn


@pytest.mark.parametrize("normalize", [*sorted(NORMALIZATIONS), None])
def test_matches_the_definition_cell_by_cell(counts, normalize):
    expected = []
    for cell in counts.reshape(-1, 5).astype(float):
        expected.append(
            {
                "l1": cell / cell.sum(),
                "sqrt": np.sqrt(cell / cell.sum()),
                "l2": cell / np.sqrt((cell**2).sum()),
                None: cell,
            }[normalize]
        )
    found = normalize_histograms(counts, normalize)
    assert found.dtype == np.float32 and found.flags.c_contiguous
    assert_allclose(found, np.reshape(expected, (4, -1)), rtol=1e-6)


@pytest.mark.parametrize("normalize", [*sorted(NORMALIZATIONS), None])
def test_counts_stay_as_they_were(counts, normalize):
    before = counts.copy()
    normalize_histograms(counts, normalize)
    assert_array_equal(counts, before)


@pytest.mark.parametrize("normalize", sorted(NORMALIZATIONS))
@pytest.mark.parametrize("factor", [2, 1000])
def test_larger_images_of_the_same_kind_give_the_same(counts, normalize, factor):
    expected = normalize_histograms(counts, normalize)
    found = normalize_histograms(counts * np.uint32(factor), normalize)
    assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("normalize", sorted(NORMALIZATIONS))
def test_counts_of_a_huge_image_do_not_overflow(normalize):
    counts = np.array([[2**32 - 1, 2**32 - 1]], dtype=np.uint32)
    expected = 0.5 if normalize == "l1" else 0.5**0.5
    assert_allclose(normalize_histograms(counts, normalize), [[expected] * 2])


def test_square_roots_make_the_dot_product_a_similarity_of_at_most_one(counts):
    rows = normalize_histograms(counts[:, 0, 0], "sqrt")
    assert_allclose(np.diag(rows @ rows.T), 1, rtol=1e-6)
    assert (rows @ rows.T <= 1 + 1e-6).all()

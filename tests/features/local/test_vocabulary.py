"""Tests for what BagOfVisualWords, VLAD and FisherVector share."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from imgfeat.features import (
    VLAD,
    BagOfVisualWords,
    Descriptors,
    FisherVector,
)
from imgfeat.features.local._bags import fair_quotas
from tests._checks import WITHOUT_DATA, behind_adapter, expected_to_fail

ENCODERS = [
    BagOfVisualWords(3, random_state=0),
    BagOfVisualWords(3, assignment="soft", tfidf=True, random_state=0),
    BagOfVisualWords(3, assignment="llc", n_neighbors=2, random_state=0),
    VLAD(3, random_state=0),
    FisherVector(2, random_state=0),
]
IDS = ["bovw", "soft", "llc", "vlad", "fisher"]
every_encoder = pytest.mark.parametrize("encoder", ENCODERS, ids=IDS)


@pytest.mark.parametrize("check", WITHOUT_DATA, ids=lambda check: check.__name__)
@pytest.mark.parametrize("estimator", [BagOfVisualWords(), VLAD(), FisherVector()])
def test_follows_estimator_api(estimator, check):
    check(type(estimator).__name__, estimator)


@parametrize_with_checks(
    [behind_adapter(encoder) for encoder in ENCODERS],
    expected_failed_checks=expected_to_fail,
)
def test_behaves_in_a_pipeline(estimator, check):
    check(estimator)


@pytest.fixture
def bags():
    """Five images of two kinds, one of them empty, as Descriptors of width 4."""
    rng = np.random.default_rng(0)
    counts = [12, 30, 0, 1, 25]
    values = [rng.normal(i % 2, 1, (n, 4)) for i, n in enumerate(counts)]
    positions = [rng.random((n, 2)) for n in counts]
    return Descriptors.from_images(values, positions)


def normalized(row):
    return row / (np.linalg.norm(row) or 1)


@every_encoder
def test_reads_every_kind_of_bag_alike(bags, encoder):
    expected = encoder.fit_transform(bags)
    assert expected.dtype == np.float32 and expected.flags.c_contiguous
    as_list = [bag.astype(float) for bag in bags]
    assert_array_equal(clone(encoder).fit_transform(as_list), expected)
    as_objects = np.empty(5, dtype=object)
    as_objects[:] = as_list
    assert_array_equal(clone(encoder).fit_transform(as_objects), expected)


@every_encoder
def test_reads_a_block_of_equal_bags(encoder):
    block = np.random.default_rng(0).normal(size=(4, 10, 3))
    expected = encoder.fit_transform(list(block))
    assert_array_equal(clone(encoder).fit_transform(block), expected)


@every_encoder
def test_a_row_does_not_depend_on_the_others(bags, encoder):
    encoder.fit(bags)
    batch = encoder.transform(bags)
    for row in range(len(bags)):
        assert_array_equal(encoder.transform(bags[row : row + 1])[0], batch[row])


@every_encoder
def test_the_order_of_descriptors_does_not_matter(bags, encoder):
    encoder.fit(bags)
    reverse = [bag[::-1] for bag in bags]
    assert_allclose(encoder.transform(reverse), encoder.transform(bags), atol=1e-4)


@every_encoder
def test_threads_change_nothing(bags, encoder):
    many = bags[np.tile(np.arange(5), 20)]
    expected = encoder.fit(many).transform(many)
    threaded = clone(encoder).set_params(n_jobs=3).fit(many)
    assert_allclose(threaded.transform(many), expected, atol=1e-4)


@every_encoder
def test_rows_have_unit_length_or_are_empty(bags, encoder):
    codes = encoder.fit_transform(bags)
    lengths = np.linalg.norm(codes, axis=1)
    assert_allclose(lengths, [1, 1, 0, 1, 1], rtol=1e-5)


@every_encoder
def test_a_constant_dimension_is_harmless(bags, encoder):
    values = bags.values.copy()
    values[:, 1] = 7
    flat = Descriptors(values, bags.positions, bags.offsets)
    assert np.isfinite(encoder.fit_transform(flat)).all()
    # Nor when it changes after fit.
    assert np.isfinite(encoder.transform(bags)).all()


@every_encoder
def test_equal_descriptors_are_harmless(encoder):
    assert np.isfinite(encoder.fit_transform(np.ones((3, 5, 4)))).all()


@every_encoder
def test_one_descriptor_an_image_is_enough(encoder):
    X = np.random.default_rng(0).normal(size=(6, 1, 4))
    lengths = np.linalg.norm(encoder.fit_transform(X), axis=1)
    is_on_its_word = lengths == 0  # and adds nothing to a VLAD
    assert_allclose(lengths[~is_on_its_word], 1, rtol=1e-5)
    assert is_on_its_word.sum() <= 1


@every_encoder
def test_all_images_may_be_empty_after_fit(bags, encoder):
    assert_array_equal(encoder.fit(bags).transform([np.empty((0, 4))] * 2), 0)


@every_encoder
def test_pandas_output_has_the_names(bags, encoder):
    frame = clone(encoder).set_output(transform="pandas").fit_transform(bags)
    assert frame.columns.is_unique
    assert list(frame.columns) == list(encoder.fit(bags).get_feature_names_out())


@pytest.mark.parametrize(
    "encoder, expected",
    [
        (BagOfVisualWords(3), ["bovw_w0", "bovw_w1", "bovw_w2"]),
        (VLAD(1), ["vlad_w0_d000", "vlad_w0_d001", "vlad_w0_d002", "vlad_w0_d003"]),
        (
            FisherVector(1, n_components_pca=2, parts=("variances", "weights")),
            ["fv_weight_k0", "fv_var_k0_d0", "fv_var_k0_d1"],
        ),
        (
            BagOfVisualWords(1, spatial_pyramid=(1, (2, 1))),
            ["l0_r0_c0_bovw_w0", "l1_r0_c0_bovw_w0", "l1_r1_c0_bovw_w0"],
        ),
    ],
)
def test_names_every_feature(bags, encoder, expected):
    assert list(encoder.fit(bags).get_feature_names_out()) == expected


# The spatial pyramid


@every_encoder
def test_pyramid_joins_the_cells_encoded_one_by_one(bags, encoder):
    levels = ((1, 1), (2, 1), (2, 3))
    pyramid = clone(encoder).set_params(spatial_pyramid=levels)
    if pyramid.get_params().get("tfidf"):
        pyramid.set_params(tfidf=False)  # counts images, and cells are not images
    result = pyramid.fit_transform(bags)
    plain = clone(pyramid).set_params(spatial_pyramid=None).fit(bags)
    for image, bag in enumerate(bags):
        row, col = bags[image : image + 1].positions.T
        parts = []
        for n_rows, n_cols in levels:
            for r in range(n_rows):
                for c in range(n_cols):
                    inside = (row * n_rows // 1 == r) & (col * n_cols // 1 == c)
                    parts.append(plain.transform([bag[inside]])[0])
        assert_allclose(result[image], normalized(np.concatenate(parts)), atol=2e-5)


@every_encoder
@pytest.mark.parametrize("levels", [None, ((1, 1), (2, 3))], ids=["flat", "pyramid"])
def test_votes_of_descriptors_sum_up_to_the_features(bags, encoder, levels):
    encoder = clone(encoder).set_params(spatial_pyramid=levels)
    features = encoder.fit_transform(bags)
    if not encoder.is_sum:
        assert encoder.assignment == "llc"
        return
    slopes = np.random.default_rng(1).normal(size=features.shape)
    votes = encoder.votes(bags, features, slopes)
    assert [len(some) for some in votes] == bags.n_per_image.tolist()
    expected = (features * slopes).sum(axis=1)
    assert_allclose([some.sum() for some in votes], expected, atol=2e-5)


def test_positions_on_the_edges_belong_to_the_outer_cells():
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float32)
    X = Descriptors(np.ones((4, 2)), corners, [0, 4])
    counts = BagOfVisualWords(1, spatial_pyramid=(2,), power=1, normalize=None)
    assert_array_equal(counts.fit_transform(X), [[1, 1, 1, 1]])


@every_encoder
def test_pyramid_needs_positions(bags, encoder):
    pyramid = clone(encoder).set_params(spatial_pyramid=(1, 2))
    with pytest.raises(ValueError, match="arrays without positions"):
        pyramid.fit(list(bags))
    with pytest.raises(ValueError, match="arrays without positions"):
        pyramid.fit(bags).transform(list(bags))


def test_pyramid_finer_than_the_grid_is_refused():
    grid = (np.stack(np.indices((3, 3)), axis=-1).reshape(-1, 2) + 0.5) / 3
    X = Descriptors(np.ones((18, 2)), np.tile(grid, (2, 1)), [0, 9, 18])
    BagOfVisualWords(1, spatial_pyramid=(1, 3)).fit(X)
    with pytest.raises(ValueError, match="4 x 4 cells, and 7 of them hold no descr"):
        BagOfVisualWords(1, spatial_pyramid=(1, 4)).fit(X)


@pytest.mark.parametrize("levels", [(0,), ((1, 2, 3),), (1.5,), ("a",)])
def test_rejects_a_bad_pyramid(bags, levels):
    with pytest.raises(ValueError, match="level of spatial_pyramid must be a tuple"):
        VLAD(2, spatial_pyramid=levels).fit(bags)


def test_rejects_an_empty_pyramid(bags):
    with pytest.raises(ValueError, match="spatial_pyramid must have a level"):
        VLAD(2, spatial_pyramid=()).fit(bags)


# PCA


@pytest.mark.parametrize("whiten", [False, True])
def test_pca_reduces_descriptors_first(whiten):
    X = np.random.default_rng(0).normal(5, [1, 2, 3, 4], (6, 20, 4))
    vlad = VLAD(3, n_components_pca=2, whiten=whiten, random_state=0).fit(X)
    assert vlad.cluster_centers_.shape == (3, 2)
    reduced = vlad.pca_.transform(X.reshape(-1, 4))
    if whiten:
        reduced /= np.sqrt(vlad.pca_.explained_variance_)
    plain = VLAD(3)
    plain.cluster_centers_, plain.pca_ = vlad.cluster_centers_, None
    plain.n_features_in_ = 2
    expected = plain.transform(reduced.reshape(6, 20, 2))
    assert_allclose(vlad.transform(X), expected, atol=1e-4)


@every_encoder
def test_whitening_survives_directions_without_variance(encoder):
    X = np.random.default_rng(0).normal(size=(6, 20, 4))
    X[..., 2:] = 1
    encoder = clone(encoder).set_params(n_components_pca=4, whiten=True)
    assert np.isfinite(encoder.fit_transform(X)).all()


def test_rejects_more_pca_components_than_dimensions(bags):
    with pytest.raises(ValueError, match="n_components_pca=5 is more than 4"):
        VLAD(2, n_components_pca=5).fit(bags)


# The sample


@pytest.mark.parametrize("budget", [0, 1, 4, 7, 11, 30, 62, 63, 64, 1000])
def test_the_sample_is_shared_evenly(budget):
    counts = np.array([3, 40, 0, 20, 1])
    quotas = fair_quotas(counts, budget, np.random.RandomState(0))
    assert quotas.sum() == min(budget, counts.sum())
    assert (quotas <= counts).all()
    # Who gives less than the most generous, by more than one, gives all there is.
    poor = quotas < quotas.max() - 1
    assert_array_equal(quotas[poor], counts[poor])


@every_encoder
def test_random_state_decides_sample_and_words(bags, encoder):
    encoder = clone(encoder).set_params(max_descriptors=20)
    expected = encoder.fit_transform(bags)
    assert_array_equal(clone(encoder).fit_transform(bags), expected)
    other = clone(encoder).set_params(random_state=1).fit_transform(bags)
    assert np.abs(other - expected).max() > 1e-3


@every_encoder
def test_threads_change_no_bit(bags, encoder):
    encoder = clone(encoder).set_params(n_components_pca=3)
    one, three = (
        clone(encoder).set_params(n_jobs=n_jobs).fit_transform(bags)
        for n_jobs in (1, 3)
    )
    assert_array_equal(one, three)


# In use


@every_encoder
def test_learns_from_descriptors_in_cross_validation(encoder):
    rng = np.random.default_rng(0)
    y = np.arange(30) % 2
    values = [rng.normal(kind, 1, (rng.integers(5, 15), 4)) for kind in y]
    positions = [rng.random((len(one), 2)) for one in values]
    X = Descriptors.from_images(values, positions)
    scores = cross_val_score(make_pipeline(encoder, LogisticRegression()), X, y, cv=3)
    assert scores.mean() > 0.6


# What cannot be encoded


@pytest.mark.parametrize(
    "encoder, name",
    [
        (BagOfVisualWords(100), "n_words"),
        (VLAD(100), "n_words"),
        (FisherVector(100), "n_components"),
    ],
)
def test_rejects_fewer_descriptors_than_words(bags, encoder, name):
    with pytest.raises(ValueError, match=f"{name}=100 needs at least 100 .* Got 68 of"):
        encoder.fit(bags)
    with pytest.raises(ValueError, match="Got 50 of 100 images after max_descriptors"):
        encoder.set_params(max_descriptors=50).fit(bags[np.arange(100) % 5])
    with pytest.raises(ValueError, match="Got 0 of 3 images; use fewer words"):
        encoder.fit([np.empty((0, 4))] * 3)


@every_encoder
@pytest.mark.parametrize(
    "bad, message",
    [
        (np.nan, r"contains NaN \(image 1\)"),
        (np.inf, r"contains infinity \(image 1\)"),
        (1e20, r"holds numbers of size 1.0e\+20, which is too large \(image 1\)"),
        (1e300, r"holds numbers of size inf, which is too large \(image 1\)"),
    ],
)
def test_rejects_values_without_a_distance(bags, encoder, bad, message):
    X = [bag.astype(float) for bag in bags]
    encoder.fit(X)
    X[1][3, 2] = bad
    with pytest.raises(ValueError, match=message):
        encoder.transform(X)
    with pytest.raises(ValueError, match=message):
        clone(encoder).fit(X)


def test_fisher_vector_refuses_descriptors_out_of_all_reach(bags):
    fisher = FisherVector(2, random_state=0)
    tiny = Descriptors(bags.values * 1e-12, bags.positions, bags.offsets)
    assert np.isfinite(fisher.fit(tiny).transform(tiny)).all()
    with pytest.raises(ValueError, match="deviations from the mixture that fit found"):
        fisher.transform(Descriptors(bags.values * 1e9, bags.positions, bags.offsets))


@every_encoder
def test_rejects_another_width_after_fit(bags, encoder):
    encoder.fit(bags)
    with pytest.raises(ValueError, match=r"X has 3 features, but .* is expecting 4"):
        encoder.transform([bag[:, :3] for bag in bags])


@pytest.mark.parametrize(
    "X, error, message",
    [
        (np.zeros((5, 4)), ValueError, r"Got an array of shape \(5, 4\)"),
        (np.zeros((5, 4, 3, 2)), ValueError, r"Got an array of shape \(5, 4, 3, 2\)"),
        ([np.zeros((5, 4)), np.zeros(4)], ValueError, "for image 1"),
        ([np.zeros((5, 4)), np.zeros((5, 3))], ValueError, r"Got widths \[3, 4\]"),
        ([np.zeros((5, 4), dtype=complex)], ValueError, "Complex data not supported"),
        ([["a"]], ValueError, "descriptors are real numbers"),
        ([], ValueError, r"Found array with 0 sample\(s\)"),
        (np.zeros((2, 3, 0)), ValueError, r"Found array with 0 feature\(s\)"),
        ("photos", TypeError, "Got str"),
        (None, TypeError, "Got NoneType"),
    ],
)
def test_rejects_what_is_no_bag_of_descriptors(X, error, message):
    with pytest.raises(error, match=message):
        VLAD(1).fit(X)

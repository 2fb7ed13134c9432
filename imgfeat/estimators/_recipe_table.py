"""The named pipelines: which steps, which classifier, which grid."""

from collections.abc import Callable
from dataclasses import dataclass, field

from sklearn.base import clone
from sklearn.kernel_approximation import AdditiveChi2Sampler
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler

from imgfeat.estimators._linear_probe import LinearProbe
from imgfeat.estimators._probe import RidgeProbe
from imgfeat.estimators._prototypes import PrototypeClassifier
from imgfeat.estimators.cnn._classifier import CNNClassifier
from imgfeat.features import (
    HOG,
    LBP,
    VLAD,
    BagOfVisualWords,
    CNNEmbedding,
    ColorHistogram,
    DenseSIFT,
    FisherVector,
    PatchDictionary,
)
from imgfeat.preprocess import Grayscale
from imgfeat.sources import ImageReader

DEFAULT_NET = "efficientnet_lite0"


@dataclass(frozen=True)
class Recipe:
    """How one named pipeline is made.

    ``features(size, n_jobs, random_state)`` gives the steps that see no labels, and
    ``learner(n_jobs, random_state)`` those behind them, the classifier last. `grid`
    holds parameters of the learner; it is empty for one that chooses its own. `summary`
    says in a line what it is, `n_least` how many images of a class a study of it takes
    at least. With `has_net`, ``features`` also takes ``backbone``, or
    with `trains_net`, which takes long, ``learner`` does.
    """

    summary: str
    features: Callable
    learner: Callable
    grid: dict = field(default_factory=dict)
    has_net: bool = False
    trains_net: bool = False
    n_least: int = 5


def _hog(size, n_jobs, random_state):
    return [
        ("reader", ImageReader(size, mode="gray", n_jobs=n_jobs)),
        ("hog", HOG(n_jobs=n_jobs)),
    ]


def _cnn(size, n_jobs, random_state, backbone=DEFAULT_NET):
    return [("cnn", CNNEmbedding(backbone, n_jobs=n_jobs))]


def _lbp(size, n_jobs, random_state):
    # Histograms, and the map of chi squared: best of the maps in
    # benchmarks/accuracy_kernel_maps.py.
    return [
        ("reader", ImageReader(size, mode="gray", n_jobs=n_jobs)),
        ("lbp", LBP((8, 16), (1, 2), grid=(3, 3), normalize="l1", n_jobs=n_jobs)),
        ("map", AdditiveChi2Sampler()),
        ("normalizer", Normalizer()),
    ]


def _patches(size, n_jobs, random_state):
    # Half the resolution and every other patch, each a quarter the time. Fifty patches
    # an atom: more take longer. None of it moves a score beyond its noise.
    half = tuple(max(16, side // 2) for side in size)
    patches = PatchDictionary(
        400,
        stride=2,
        mirror=True,
        max_patches=20_000,
        n_jobs=n_jobs,
        random_state=random_state,
    )
    return [("reader", ImageReader(half, n_jobs=n_jobs)), ("patches", patches)]


def _words(vocabulary, max_descriptors):
    """Steps up to a vocabulary of dense SIFT descriptors at two scales."""

    def features(size, n_jobs, random_state):
        # A hundred or more a word: more take longer and move no score beyond its noise.
        learned = clone(vocabulary).set_params(
            max_descriptors=max_descriptors, random_state=random_state, n_jobs=n_jobs
        )
        sift = DenseSIFT(step=6, bin_size=(4, 6), n_jobs=n_jobs)
        return [
            ("reader", ImageReader(size, mode="gray", n_jobs=n_jobs)),
            ("sift", sift),
            ("vocabulary", learned),
        ]

    return features


def _hybrid(size, n_jobs, random_state, backbone=DEFAULT_NET):
    # The net sees the images as it does alone, so that its embeddings are shared; one
    # decode serves all else. Rows of unit length keep the many gradients from drowning
    # the few embeddings.
    lbp = LBP((8, 16), (1, 2), grid=(3, 3), n_jobs=n_jobs)
    branches = {
        "hog": (Grayscale(), HOG(n_jobs=n_jobs)),
        "lbp": (Grayscale(), lbp),
        "color": (ColorHistogram(4, grid=(2, 2), n_jobs=n_jobs),),
    }
    union = FeatureUnion(
        [
            (name, make_pipeline(*steps, Normalizer()))
            for name, steps in branches.items()
        ],
        transformer_weights={"color": 0.5, "lbp": 0.5},
    )
    both = [
        ("classical", make_pipeline(ImageReader(size, n_jobs=n_jobs), union)),
        ("cnn", make_pipeline(CNNEmbedding(backbone, n_jobs=n_jobs), Normalizer())),
    ]
    return [("features", FeatureUnion(both))]


def _scaled(kind, C):
    """A learner for features of any scale."""

    def learner(n_jobs, random_state):
        probe = LinearProbe(kind, C, random_state=random_state)
        return [("scaler", StandardScaler()), ("classifier", probe)]

    return learner


def _of_unit_rows(kind, C):
    """A learner for rows of unit length, which a scaler would undo."""

    def learner(n_jobs, random_state):
        return [("classifier", LinearProbe(kind, C, random_state=random_state))]

    return learner


_logistic = _scaled("logistic", 0.01)
_svm = _scaled("svm", 0.001)
_logistic_of_unit_rows = _of_unit_rows("logistic", 10.0)
_svm_of_unit_rows = _of_unit_rows("svm", 1.0)


def _ridge(n_jobs, random_state):
    return [("scaler", StandardScaler()), ("classifier", RidgeProbe())]


def _nearest_mean(n_jobs, random_state):
    # A scaler, or a mean to subtract, would be that of too few images.
    return [("normalizer", Normalizer()), ("classifier", PrototypeClassifier())]


def _fine_tuned(n_jobs, random_state, backbone=DEFAULT_NET):
    # The head starts as a logistic regression, from which a higher rate leads away.
    classifier = CNNClassifier(
        backbone,
        max_epochs=3,
        batch_size=32,
        lr=1e-4,
        augment="light",
        n_views=2,
        random_state=random_state,
        n_jobs=n_jobs,
    )
    return [("classifier", classifier)]


def _small_images(size, n_jobs, random_state):
    half = tuple(max(16, side // 2) for side in size)
    return [("reader", ImageReader(half, mode="rgb", n_jobs=n_jobs))]


def _from_scratch(n_jobs, random_state):
    classifier = CNNClassifier(
        "resnet9",
        max_epochs=30,
        augment="standard",
        label_smoothing=0.1,
        n_views=2,
        random_state=random_state,
        n_jobs=n_jobs,
    )
    return [("classifier", classifier)]


LOGISTIC_GRID = {"classifier__C": [1e-3, 1e-2, 1e-1]}
SVM_GRID = {"classifier__C": [1e-4, 1e-3, 1e-2]}
UNIT_ROWS_SVM_GRID = {"classifier__C": [0.1, 1.0, 10.0]}

RECIPES = {
    "hog-svm": Recipe("gradients (HOG) and a linear SVM", _hog, _svm, SVM_GRID),
    "hog-lr": Recipe(
        "gradients (HOG) and logistic regression", _hog, _logistic, LOGISTIC_GRID
    ),
    "lbp-svm": Recipe(
        "local binary patterns, chi squared, and a linear SVM",
        _lbp,
        _svm_of_unit_rows,
        UNIT_ROWS_SVM_GRID,
    ),
    "bovw-svm": Recipe(
        "dense SIFT, a bag of visual words and a linear SVM",
        _words(BagOfVisualWords(256, spatial_pyramid=(1, 2)), 30_000),
        _svm_of_unit_rows,
        UNIT_ROWS_SVM_GRID,
    ),
    "vlad-svm": Recipe(
        "dense SIFT, VLAD and a linear SVM",
        _words(VLAD(32, n_components_pca=64), 20_000),
        _svm_of_unit_rows,
        UNIT_ROWS_SVM_GRID,
    ),
    "fisher-svm": Recipe(
        "dense SIFT, Fisher vectors and a linear SVM",
        _words(FisherVector(32, n_components_pca=64), 20_000),
        _svm_of_unit_rows,
        UNIT_ROWS_SVM_GRID,
    ),
    "patches-svm": Recipe(
        "a learned dictionary of patches and a linear SVM", _patches, _svm, SVM_GRID
    ),
    "cnn-lr": Recipe(
        "embeddings of a pretrained net and logistic regression",
        _cnn,
        _logistic,
        LOGISTIC_GRID,
        has_net=True,
    ),
    "cnn-svm": Recipe(
        "embeddings of a pretrained net and a linear SVM",
        _cnn,
        _svm,
        SVM_GRID,
        has_net=True,
    ),
    "cnn-ridge": Recipe(
        "embeddings of a pretrained net and a ridge probe",
        _cnn,
        _ridge,
        {},
        has_net=True,
    ),
    "prototype": Recipe(
        "embeddings of a pretrained net and the nearest mean of a few images a class",
        _cnn,
        _nearest_mean,
        {},
        has_net=True,
        n_least=1,
    ),
    "hybrid-lr": Recipe(
        "gradients, textures, colours and embeddings, and logistic regression",
        _hybrid,
        _logistic_of_unit_rows,
        {"classifier__C": [1.0, 10.0, 100.0]},
        has_net=True,
    ),
    "cnn-finetune": Recipe(
        "a pretrained net, trained on",
        lambda size, n_jobs, random_state: [],
        _fine_tuned,
        has_net=True,
        trains_net=True,
    ),
    "cnn-scratch": Recipe(
        "a small net, trained from scratch",
        _small_images,
        _from_scratch,
        trains_net=True,
    ),
}

"""Tests for imgfeat/deploy/_trusted.py: what a saved file may hold."""

import importlib
import inspect
import re

import pytest
import sklearn
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression

from imgfeat import estimators, features, preprocess, sources
from imgfeat.deploy import UntrustedFileError
from imgfeat.deploy._model import dump_model, load_model
from imgfeat.deploy._trusted import TRUSTED

VERSION = tuple(map(int, sklearn.__version__.split(".")[:2]))
SINCE_1_8 = {"sklearn.calibration._TemperatureScaling"}
UNTIL_1_6 = {"sklearn.compose._column_transformer._RemainderColsList"}
HERE = sorted(
    TRUSTED
    - (SINCE_1_8 if VERSION < (1, 8) else set())
    - (UNTIL_1_6 if VERSION > (1, 6) else set())
)
NEEDS_ANOTHER = {
    "AugmentedClassifier": (LogisticRegression(),),
    "CachedFeatures": (features.HOG(),),
    "LabelThresholds": (LogisticRegression(),),
    "LabelVote": ([("lr", LogisticRegression())],),
    "OpenSet": (LogisticRegression(),),
    "PairVerifier": (features.HOG(),),
    "SlidingWindowDetector": (LogisticRegression(), 24),
    "ZeroShotClassifier": ({"ant": [1.0, 0.0], "bee": [0.0, 1.0]},),
}
NEVER_IN_A_FILE = {"CachedFeatures"}


def find(name):
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def public_estimators():
    for room in (estimators, features, preprocess, sources):
        for name in room.__all__:
            thing = getattr(room, name)
            if isinstance(thing, type) and issubclass(thing, BaseEstimator):
                yield thing


@pytest.mark.parametrize("name", HERE)
def test_every_name_is_of_a_class_or_function_of_scikit_learn_or_ours(name):
    assert re.fullmatch(r"(imgfeat|sklearn)(\.\w+)+", name)
    thing = find(name)
    assert inspect.isclass(thing) or inspect.isfunction(thing)
    assert thing.__name__ == name.rpartition(".")[2]


@pytest.mark.parametrize("cls", list(public_estimators()), ids=lambda cls: cls.__name__)
def test_every_public_estimator_of_the_lower_rooms_may_be_in_a_file(cls):
    estimator = cls(*NEEDS_ANOTHER.get(cls.__name__, ()))
    if cls.__name__ in NEVER_IN_A_FILE:
        with pytest.raises(UntrustedFileError, match=cls.__name__):
            dump_model(estimator)
        return
    loaded = load_model(dump_model(estimator))
    assert type(loaded) is cls
    assert repr(loaded) == repr(estimator)


def test_every_augmentation_by_name_may_be_in_a_file():
    for augment in ("none", "light", "standard", "randaugment", "trivialaugment"):
        policy = preprocess.find_policy(augment)
        wrapped = estimators.AugmentedClassifier(LogisticRegression(), policy)
        assert load_model(dump_model(wrapped)).augment == policy


# A file calls what is trusted, with arguments of its own. So nothing of these kinds:
DANGEROUS = {
    "code": r"exec|eval|compile|FunctionTransformer|import|Memory|Parallel|delayed",
    "files": r"open|load|save|dump|fetch|read_|write|memmap|pickle",
    "compiled code that trusts its state": r"KDTree|BallTree|TreePredictor|_libsvm|"
    r"HistGradientBoosting|GradientBoosting|csr_|csc_",
}


@pytest.mark.parametrize("kind", DANGEROUS)
def test_nothing_dangerous_is_trusted(kind):
    names = {name.rpartition(".")[2] for name in TRUSTED}
    assert [name for name in names if re.search(DANGEROUS[kind], name)] == []


def test_trusted_functions_are_pure_functions_of_numbers():
    functions = {name for name in HERE if inspect.isfunction(find(name))}
    homes = ("sklearn.metrics.", "sklearn.feature_selection.")
    assert all(name.startswith(homes) for name in functions)
    assert not any(name.startswith("imgfeat.") for name in functions)


def test_no_class_of_ours_runs_what_a_file_says_when_it_is_built():
    for name in HERE:
        if name.startswith("imgfeat.") and inspect.isclass(find(name)):
            for method in (
                "__reduce__",
                "__reduce_ex__",
                "__new__",
                "__init_subclass__",
            ):
                assert method not in vars(find(name)), f"{name}.{method}"

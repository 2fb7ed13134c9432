"""Public functions say what they take and give, for editors and type checkers."""

import importlib
import inspect

import pytest

from tests.test_layout import ROOMS


def public_functions():
    for room in ROOMS:
        module = importlib.import_module(f"imgfeat.{room}")
        for name in module.__all__:
            if inspect.isfunction(function := getattr(module, name)):
                yield pytest.param(function, id=f"{room}.{name}")


@pytest.mark.parametrize("function", list(public_functions()))
def test_public_function_is_annotated_as_a_whole(function):
    signature = inspect.signature(function)
    kinds = [parameter.annotation for parameter in signature.parameters.values()]
    assert inspect.Signature.empty not in [*kinds, signature.return_annotation]


def public_methods():
    for room in ROOMS:
        module = importlib.import_module(f"imgfeat.{room}")
        for name in module.__all__:
            if inspect.isclass(kind := getattr(module, name)):
                for method, function in written_by_us(kind):
                    yield pytest.param(function, id=f"{room}.{name}.{method}")


def written_by_us(kind):
    """Public methods and properties that a class has from classes of imgfeat."""
    for name in dir(kind):
        if name.startswith("_"):
            continue
        found = inspect.getattr_static(kind, name)
        # What is behind a property, a classmethod, or scikit-learn's `available_if`.
        for behind in ("fget", "__func__", "fn"):
            found = getattr(found, behind, found)
        if inspect.isfunction(found) and found.__module__.startswith("imgfeat."):
            yield name, found


@pytest.mark.parametrize("method", list(public_methods()))
def test_public_method_says_what_it_gives(method):
    assert "return" in method.__annotations__


def test_methods_behind_what_scikit_learn_wraps_are_seen():
    seen = {parameter.id for parameter in public_methods()}
    assert {
        "features.HOG.fit",
        "features.HOG.transform",
        "features.CachedFeatures.get_feature_names_out",
        "features.CachedFeatures.transformer_",
        "features.Descriptors.concatenate",
        "estimators.AugmentedClassifier.predict_proba",
    } <= seen

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

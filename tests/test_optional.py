"""Tests for imgfeat/_optional.py."""

import sys

import pytest

from imgfeat._optional import has_module, import_optional


def load(name):
    return import_optional(name, extra="onnx", purpose="engine='onnx'")


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Writes a package ``fancy`` that holds `code`, to be found by import."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(code):
        (tmp_path / "fancy").mkdir()
        (tmp_path / "fancy" / "__init__.py").write_text(code)

    yield write
    sys.modules.pop("fancy", None)


def test_module_comes_back_and_nested_ones_too():
    assert load("json") is sys.modules["json"]
    assert load("os.path").join("a", "b")


def test_missing_package_is_named_with_the_command_that_installs_it():
    with pytest.raises(
        ModuleNotFoundError,
        match=r"engine='onnx' needs the package 'no_such_package', which is not "
        r"installed\. Run: pip install 'imgfeat\[onnx\]'",
    ) as caught:
        load("no_such_package")
    assert caught.value.name == "no_such_package"


def test_missing_package_is_told_by_the_name_that_was_asked_for():
    with pytest.raises(ModuleNotFoundError, match=r"'no_such_package\.part'"):
        load("no_such_package.part")


def test_what_an_installed_package_lacks_is_not_blamed_on_the_extra(package):
    package("import something_it_needs")
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'something_it"):
        load("fancy")


def test_errors_of_an_installed_package_are_its_own(package):
    package("raise ImportError('libfancy.so is too old')")
    with pytest.raises(ImportError, match=r"libfancy\.so is too old"):
        load("fancy")


def test_looking_does_not_import(package):
    package("raise ImportError('imported')")
    assert has_module("fancy")
    assert "fancy" not in sys.modules
    assert not has_module("no_such_package")

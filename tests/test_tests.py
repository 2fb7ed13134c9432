"""Every test asserts something, and every expected error says which one it is."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent
FILES = sorted(ROOT.rglob("*.py"))

EXPECTATIONS = {"raises", "warns"}
# What asserts for the test that calls it, besides all that is named assert_...:
# scikit-learn's checks, as parametrize_with_checks hands them over.
HELPERS = {"check", "check_image_estimator"}


def functions(tree, prefix):
    """All functions in `tree` whose name starts with `prefix`."""
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith(prefix)
    ]


def calls(node):
    """Yield ``(name, call)`` of every call inside of `node`."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call):
            yield ast.unparse(inner.func).rpartition(".")[2], inner


def can_fail(function):
    """Whether a function asserts, or calls what does."""
    return any(isinstance(inner, ast.Assert) for inner in ast.walk(function)) or any(
        name in EXPECTATIONS | HELPERS or name.startswith("assert_")
        for name, _ in calls(function)
    )


def silent(tree):
    """Names of tests, and of helpers that claim to assert, which assert nothing."""
    claims = functions(tree, "test_") + functions(tree, "assert_")
    return [function.name for function in claims if not can_fail(function)]


def vague(tree):
    """Lines that expect an error or a warning, and no words of its message."""
    return [
        call.lineno
        for name, call in calls(tree)
        if name in EXPECTATIONS
        and "match" not in {keyword.arg for keyword in call.keywords}
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_test_of_a_file_asserts_something_definite(path):
    tree = ast.parse(path.read_text())
    assert not silent(tree), f"in {path} these assert nothing: {silent(tree)}"
    assert not vague(tree), f"{path} has no match= in lines {vague(tree)}"


def test_what_asserts_nothing_is_found():
    tree = ast.parse(
        "def test_runs(): save(model)\n"
        "def test_compares(): assert_array_equal(a, b)\n"
        "def assert_same(a, b): return a == b\n"
        "def test_expects():\n"
        "    with pytest.raises(ValueError): save(1)\n"
        "    with pytest.warns(UserWarning, match='old'): save(2)\n"
    )
    assert silent(tree) == ["test_runs", "assert_same"]
    assert vague(tree) == [5]

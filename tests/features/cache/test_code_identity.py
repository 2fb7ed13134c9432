"""Tests for imgfeat/features/cache/_code_identity.py."""

import logging
import os
import subprocess
import sys
import types

import cv2
import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.preprocessing import FunctionTransformer

from imgfeat.features import HOG
from imgfeat.features.cache._keys import transformer_key


@pytest.fixture
def key_of(monkeypatch):
    """The key of ``f`` in a module of one's own, as it is after an edit."""

    def key_of(source, helpers=""):
        for name, text in {"own_helpers": helpers, "own_module": source}.items():
            module = types.ModuleType(name)
            monkeypatch.setitem(sys.modules, name, module)
            exec(text, vars(module))
        f = module.f
        transformer = f() if isinstance(f, type) else FunctionTransformer(f)
        return transformer_key(transformer)[0]

    return key_of


CALLER = "{helper}\ndef f(X): return g(X)"
CLASS = """
from sklearn.base import BaseEstimator, TransformerMixin
class f(TransformerMixin, BaseEstimator):
    {attribute}
    def transform(self, X): return X
"""
WRAPPED = """
def twice(by):
    def wrap(g):
        import functools
        @functools.wraps(g)
        def call(X): return g(X) * by
        return call
    return wrap
@twice({by})
def f(X): return X
"""

EDITS = {
    "a callee": [CALLER.format(helper=f"def g(X): return X * {n}") for n in (2, 3)],
    "a callee's callee": [
        CALLER.format(helper=f"def h(X): return X * {n}\ndef g(X): return h(X)")
        for n in (2, 3)
    ],
    "a global": [f"N = {n}\ndef f(X): return X * N" for n in (2, 3)],
    "a global's type": [f"N = {n}\ndef f(X): return N" for n in ("1.0", "'1.0'")],
    "a global of a nested function": [
        f"N = {n}\ndef f(X): return [(lambda: x * N)() for x in X]" for n in (2, 3)
    ],
    "a function that keeps results": [
        f"import functools\n@functools.cache\ndef f(X): return X * {n}" for n in (2, 3)
    ],
    "a callee that keeps results": [
        CALLER.format(
            helper=f"import functools\n@functools.lru_cache(3)\ndef g(X): return {n}"
        )
        for n in (2, 3)
    ],
    "a decorator": [WRAPPED.format(by=n) for n in (2, 3)],
    "a class attribute": [CLASS.format(attribute=f"factor = {n}") for n in (2, 3)],
    "a property": [
        CLASS.format(attribute=f"n = property(lambda self: {n})") for n in (2, 3)
    ],
    "a static method": [
        CLASS.format(attribute=f"n = staticmethod(lambda: {n})") for n in (2, 3)
    ],
    "a decorated method": [
        WRAPPED.format(by=n) + CLASS.format(attribute="n = f")[1:] for n in (2, 3)
    ],
    "a method that is there sometimes": [
        CLASS.format(
            attribute="from sklearn.utils.metaestimators import available_if\n"
            f"    n = available_if(lambda self: {n})(lambda self: 1)"
        )
        for n in (True, False)
    ],
    "a default": [f"def f(X, n={n}): return X * n" for n in (2, 3)],
    "the kinds of arguments": [
        f"def f(X, {star}n=1): return X * n" for star in ("", "*, ")
    ],
    "what is caught": [
        "def f(X):\n    try:\n        return X\n    except ValueError:\n        pass\n"
        f"    except {kind}:\n        return 1"
        for kind in ("KeyError", "TypeError")
    ],
    "a global of a fitted estimator": [
        "from sklearn.preprocessing import StandardScaler\n"
        f"scaler = StandardScaler().fit([[0], [{n}]])\n"
        "def f(X): return scaler.transform(X)"
        for n in (2, 3)
    ],
    "a dataclass": [
        "from dataclasses import dataclass\n@dataclass\nclass Size:\n    n: int\n"
        f"size = Size({n})\ndef f(X): return X * size.n"
        for n in (2, 3)
    ],
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_makes_another_key(key_of, edit):
    before, after = EDITS[edit]
    assert key_of(before) == key_of(before) != key_of(after)


@pytest.mark.parametrize(
    "source",
    [
        "import own_helpers\ndef f(X): return own_helpers.g(X)",
        "import own_helpers as h\ndef f(X): return [h.g(x) for x in X]",
        "from own_helpers import g\ndef f(X): return g(X)",
        "def f(X):\n    import own_helpers\n    return own_helpers.g(X)",
        "def f(X):\n    from own_helpers import g\n    return g(X)",
        "from own_helpers import Base\nclass f(Base): pass",
    ],
    ids=range(6),
)
def test_an_edit_in_another_module_makes_another_key(key_of, source):
    base = "from sklearn.preprocessing import FunctionTransformer\n"
    before, after, unused = [
        f"{base}def g(X): return X * {n}\ndef unused(X): return {m}\n"
        f"class Base(FunctionTransformer):\n    n = {n}\n"
        for n, m in [(2, 0), (3, 0), (2, 1)]
    ]
    assert key_of(source, before) == key_of(source, unused) != key_of(source, after)


@pytest.mark.parametrize(
    "source",
    [
        "def g(n): return f(n - 1)\ndef f(X): return g(X)",
        "def f(X): return f(X)",
        "TABLE = {}\ndef f(X): return TABLE['f'](X)\nTABLE['f'] = f",
        "TABLE = []\nTABLE.append(TABLE)\ndef f(X): return TABLE",
        CLASS.format(attribute="def again(self): return super().transform(f)"),
    ],
    ids=range(5),
)
def test_code_that_refers_to_itself_has_a_key(key_of, source):
    assert key_of(source) == key_of(source)


def test_what_computes_nothing_is_no_part_of_a_key(key_of):
    text = "import logging, re, numpy as np\nlog = logging.getLogger('a')\n"
    text += "word = re.compile('a')\ndef f(X):\n    log.info('x')\n"
    text += "    return np.asarray([word.sub('', x) for x in X if x is not ...])"
    before = key_of(text)
    logging.getLogger("a").setLevel("ERROR")
    try:
        assert key_of(text) == before
        assert key_of(f"unused = 3\n{text}") == before
    finally:
        logging.getLogger("a").setLevel("NOTSET")


def test_what_cannot_be_told_is_refused(key_of):
    source = "import numpy as np\nrng = np.random.default_rng()\n"
    source += "def f(X): return X + rng.random()"
    with pytest.raises(TypeError, match=r"the global 'rng' of f of type .*Generator"):
        key_of(source)


@pytest.mark.parametrize("function", [np.clip, np.sqrt, cv2.cvtColor, len])
def test_what_is_packaged_is_known_by_name_and_version(function):
    about = transformer_key(FunctionTransformer(function))[1]["transformer"]
    found = about["parameters"]["func"]
    assert found["function"].endswith(f".{function.__name__}")
    assert found["version"]


def test_the_version_of_a_packaged_base_is_part_of_the_key(monkeypatch):
    class Own(HOG):
        pass

    before = transformer_key(Own())[0]
    monkeypatch.setattr("sklearn.__version__", "0")
    assert transformer_key(Own())[0] != before


class Labels(BaseEstimator):
    """Holds what hashes order: sets in code, in attributes and in parameters."""

    kinds = frozenset({"cat", "dog", "fox", "owl"})

    def __init__(self, names=frozenset({"a", "b", "c", "d"})):
        self.names = names

    def transform(self, X):
        return [x in {"cat", "dog", "fox", "owl", ("x", 1.5)} for x in X]


def test_keys_are_the_same_in_every_process():
    code = (
        "from tests.features.cache.test_code_identity import *;"
        "print(transformer_key(Labels())[0])"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for seed in "12"
    }
    assert found == {transformer_key(Labels())[0]}

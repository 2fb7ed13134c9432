"""Tests for imgfeat/_switch.py."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from imgfeat._switch import HeldSwitch


@pytest.fixture
def library():
    return SimpleNamespace(setting="before")


@pytest.fixture
def switch(library):
    return HeldSwitch(
        lambda: library.setting, lambda value: setattr(library, "setting", value), "on"
    )


def test_holds_the_value_inside_and_restores_it(library, switch):
    with switch:
        assert library.setting == "on"
        with switch:
            assert library.setting == "on"
        assert library.setting == "on"
    assert library.setting == "before"


def test_restores_after_an_error(library, switch):
    with pytest.raises(KeyError, match="inside"), switch:
        raise KeyError("inside")
    assert library.setting == "before"


def test_restores_when_many_threads_overlap(library, switch):
    def use(_):
        for _ in range(200):
            with switch:
                assert library.setting == "on"

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(use, range(4)))
    assert library.setting == "before"

"""Tests for imgfeat/sources/_patterns.py: braces as a shell reads them."""

import pytest

from imgfeat.sources._patterns import expand_braces, has_braces


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("x-{08..11}.tar", ["x-08.tar", "x-09.tar", "x-10.tar", "x-11.tar"]),
        ("{9..11}", ["9", "10", "11"]),
        ("{2..0}", ["2", "1", "0"]),
        ("{0..10}", [str(number) for number in range(11)]),
        ("{00..2}", ["00", "01", "02"]),
        ("{a,b}{0..1}", ["a0", "a1", "b0", "b1"]),
        ("{train,val}/x", ["train/x", "val/x"]),
        ("plain{}.{a}", ["plain{}.{a}"]),
    ],
)
def test_braces_are_expanded_as_in_a_shell(text, names):
    assert expand_braces(text) == names
    assert has_braces(text) == (names != [text])


@pytest.mark.parametrize("text", ["{0..999999999}", "{0..9999}{0..9999}"])
def test_more_files_than_there_can_be_are_refused(text):
    with pytest.raises(ValueError, match=r"at most 1,000,000 files. Got"):
        expand_braces(text)

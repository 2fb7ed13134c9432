"""The versions that `make test-oldest` installs."""

from tests.oldest import SETUP, lower_bounds

TEXT = """
[options]
install_requires =
    numpy>=2.0
    exact-thing==1.5

[options.extras_require]
fast =
    some_engine[fast,small]>=0.3.1
    imgfeat[other]
    loop>=1.2; sys_platform != "win32"
test =
    pytest>=8
"""


def test_each_requirement_stands_at_its_lower_bound_but_for_tools():
    expected = ["numpy==2.0", "exact-thing==1.5", "some_engine==0.3.1", "loop==1.2"]
    assert lower_bounds(TEXT) == expected


def test_every_requirement_of_ours_has_a_bound():
    names = {bound.partition("==")[0] for bound in lower_bounds(SETUP.read_text())}
    assert {"numpy", "torch", "scikit-learn", "onnxruntime"} <= names

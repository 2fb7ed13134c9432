"""What leaves the house: the package's files, the version, and what changed."""

import configparser
import re
import runpy
from fnmatch import fnmatch
from pathlib import Path

import imgfeat

ROOT = Path(imgfeat.__file__).parent
HOME = ROOT.parent
FILES = [
    path.relative_to(HOME)
    for path in ROOT.rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
]


def package_data():
    """Pairs of a package, or ``*`` for all, and a pattern of names of files in it."""
    found = configparser.ConfigParser()
    found.read(HOME / "setup.cfg")
    for package, patterns in found["options.package_data"].items():
        yield from ((package, each.strip()) for each in patterns.split(","))


def holds(package, pattern, path):
    is_of_package = package in ("*", ".".join(path.parent.parts))
    return is_of_package and fnmatch(path.name, pattern)


def test_every_file_beside_the_modules_is_shipped():
    others = [path for path in FILES if path.suffix != ".py"]
    rules = list(package_data())
    assert others
    assert not [
        path for path in others if not any(holds(*rule, path) for rule in rules)
    ]


def test_all_that_is_said_to_be_shipped_is_there():
    missing = [
        rule for rule in package_data() if not any(holds(*rule, path) for path in FILES)
    ]
    assert not missing


def test_every_folder_with_modules_is_a_package():
    folders = {path.parent for path in FILES}
    assert {path.parent for path in FILES if path.name == "__init__.py"} == folders


def test_the_sources_come_with_papers_that_are_there():
    listed = re.findall(r"^include (.*)$", (HOME / "MANIFEST.in").read_text(), re.M)
    names = " ".join(listed).split()
    assert "CHANGELOG.md" in names
    assert not [name for name in names if not (HOME / name).is_file()]


def test_the_newest_release_of_the_changelog_is_this_version():
    text = (HOME / "CHANGELOG.md").read_text()
    titles = re.findall(r"^## (.*)$", text, flags=re.MULTILINE)
    assert titles[0] == "Unreleased"
    version, date = re.fullmatch(r"(\S+) \((\d{4}-\d\d-\d\d)\)", titles[1]).groups()
    assert version == imgfeat.__version__
    dates = [title[-11:-1] for title in titles[1:]]
    assert dates == sorted(dates, reverse=True)
    assert date == dates[0]


def test_an_archive_that_lacks_a_file_or_has_one_too_many_is_told_of():
    script = runpy.run_path(str(HOME / ".ci" / "check_dist.py"))
    inside = {path.as_posix() for path in FILES}
    whole = inside | {"imgfeat-1.dist-info/licenses/LICENSE"}
    assert list(script["faults_of_wheel"](whole)) == []
    found = script["faults_of_wheel"](
        whole - {"imgfeat/py.typed"} | {"tests/test_x.py"}
    )
    assert list(found) == [
        "the wheel lacks imgfeat/py.typed",
        "the wheel has tests/test_x.py, which the package has not",
    ]
    papers = {"LICENSE", "README.md", "CHANGELOG.md", "CONTRIBUTING.md"}
    sources = {f"imgfeat-1/{name}" for name in inside | papers}
    assert list(script["faults_of_sdist"](sources)) == []
    found = script["faults_of_sdist"](sources - {"imgfeat-1/README.md"})
    assert list(found) == ["the archive of the sources lacks README.md"]

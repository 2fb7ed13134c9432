"""Does what `python -m build` made hold all that is needed, and nothing else?

python .ci/check_dist.py dist
"""

import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# What the sources come with, for people.
PAPERS = ("LICENSE", "README.md", "CHANGELOG.md", "CONTRIBUTING.md")


def package_files():
    """All of the package that git or a clone has, by name."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "imgfeat").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def faults_of_wheel(names):
    """What is wrong with the names of the files in a wheel, in sentences."""
    meta = {name for name in names if name.split("/")[0].endswith(".dist-info")}
    yield from differences("the wheel", names - meta, package_files())
    if not any(name.endswith("/LICENSE") for name in meta):
        yield "the wheel lacks LICENSE"


def faults_of_sdist(names):
    """What is wrong with the names of the files in an archive of the sources."""
    inside = {name.partition("/")[2] for name in names}
    package = {name for name in inside if name.startswith("imgfeat/")}
    yield from differences("the archive of the sources", package, package_files())
    for name in PAPERS:
        if name not in inside:
            yield f"the archive of the sources lacks {name}"
    for folder in ("tests", "benchmarks", "docs"):
        if any(name.startswith(f"{folder}/") for name in inside):
            yield f"the archive of the sources has files of {folder}/"


def differences(where, found, expected):
    """Name what is missing and what is too much."""
    for name in sorted(expected - found):
        yield f"{where} lacks {name}"
    for name in sorted(found - expected):
        yield f"{where} has {name}, which the package has not"


def main():
    folder = Path(sys.argv[1])
    wheels, archives = list(folder.glob("*.whl")), list(folder.glob("*.tar.gz"))
    if len(wheels) != 1 or len(archives) != 1:
        sys.exit(
            f"{folder} needs one wheel and one archive. Got {len(wheels)} and "
            f"{len(archives)}; empty it, and run python -m build."
        )
    with zipfile.ZipFile(wheels[0]) as file:
        faults = list(faults_of_wheel(set(file.namelist())))
    with tarfile.open(archives[0]) as file:
        names = {member.name for member in file if member.isfile()}
        faults += faults_of_sdist(names)
    for path in (*wheels, *archives):
        print(f"{path.name}: {path.stat().st_size / 1e3:,.0f} KB")
    if faults:
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    main()

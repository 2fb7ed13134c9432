"""Follow README and the guide in a fresh environment, by copy and paste.

python .ci/follow_readme.py [WHEEL] [--page PAGE ...] [--extra-index-url URL]

Makes a virtual environment, installs the wheel, or this clone as README says, and types
every block of Python and of shell of README's first part and of the guide's first page
(or of pages of your choice), in their order: one Python a page, one shell
command after the other. It stops where a user would, with the words that a user would
see, and prints what it leaves out and why. Standard library only; it takes minutes, and
2 to 7 GB of disk while it runs.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests._fences import fences  # noqa: E402, beside this folder

PAGES = ["docs/guide/collect.md"]
# README from its top to here; the rest needs a service, a bucket or a cluster.
END = "## Images by the million"
# Beginnings of commands that are left out.
LEFT_OUT = {
    "pip install": "done already, when the environment was made",
    "make": "needs a clone, and sets up its own environment",
    "imgfeat serve": "never ends",
}
EXTRAS = "[onnx]"
PROMPT = "~~ done ~~"
# Reads a block a line, and runs it as an open Python would.
INTERPRETER = f"""
import json, sys
names = {{"__name__": "__main__"}}
for line in sys.stdin:
    exec(compile(json.loads(line), "<block>", "exec"), names)
    print({PROMPT!r}, flush=True)
"""
# What a user has already: photos in folders, and some that are new.
PHOTOS = f"""
import runpy, shutil
from pathlib import Path
write = runpy.run_path({str(ROOT / "tests" / "_photos.py")!r})["write_photo_folder"]
write(Path("photos"), n_per_class=16)
write(Path("more-photos"), n_per_class=11)
photos = sorted(Path("photos").glob("*/*.jpg"))
for folder in ("new", "unlabelled"):
    Path(folder).mkdir()
    for number, path in enumerate(photos[::4], start=1):
        shutil.copy(path, Path(folder, f"{{number}}.jpg"))
rows = ["path,scratch,dent,faults"]
for path in photos:
    scratch, dent = path.parent.name != "brick", path.parent.name == "gravel"
    faults = ";".join(["scratch"] * scratch + ["dent"] * dent)
    rows.append(f"{{path}},{{int(scratch)}},{{int(dent)}},{{faults}}")
Path("parts.csv").write_text("\\n".join(rows))
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", nargs="?", help="in place of this clone")
    parser.add_argument("--page", action="append", help="a page of docs/, by its path")
    parser.add_argument("--extra-index-url", help="for pip, as that of torch for CPUs")
    options = parser.parse_args()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        home.install(options.wheel, options.extra_index_url)
        readme = (ROOT / "README.md").read_text()
        if END not in readme:
            sys.exit(f"README.md has no heading {END!r} any more; correct END.")
        home.follow("README.md", readme.partition(END)[0])
        for page in options.page or PAGES:
            home.follow(page, (ROOT / page).read_text())
    print(f"\nAll of it ran, in {time.perf_counter() - start:.0f} s.")


class Home:
    """A fresh environment, and a folder with photos in which a user sits.

    Parameters
    ----------
    folder : Path
        Empty.
    """

    def __init__(self, folder):
        self.work = folder / "work"
        self.work.mkdir()
        self.bin = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
        self.environment = os.environ | {
            "PATH": os.pathsep.join([str(self.bin), os.environ["PATH"]]),
            "IMGFEAT_HOME": str(folder / "home"),
        }
        self.environment.pop("PYTHONPATH", None)
        venv.create(folder / "venv", with_pip=True)

    def install(self, wheel, index):
        what = str(Path(wheel).resolve()) if wheel else str(ROOT)
        command = ["python", "-m", "pip", "install", "--quiet", what + EXTRAS]
        command += ["--extra-index-url", index] if index else []
        self.run(shlex.join(command))
        print("# photos that scikit-image brings", flush=True)
        program = str(self.bin / "python")
        subprocess.run(
            [program, "-c", PHOTOS], cwd=self.work, env=self.environment, check=True
        )

    def run(self, line):
        """Let the shell, which knows what ``*`` is, run a line; stop where it fails."""
        print(f"$ {line}", flush=True)
        done = subprocess.run(
            line, shell=True, cwd=self.work, env=self.environment, check=False
        )
        if done.returncode:
            sys.exit(f"It ended with {done.returncode}.")

    def follow(self, name, text):
        """Type all blocks of a page."""
        print(f"\n== {name}", flush=True)
        python = subprocess.Popen(
            [str(self.bin / "python"), "-c", INTERPRETER],
            cwd=self.work, env=self.environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        with python:
            for language, block in fences(text):
                if language == "python":
                    self.type_python(python, block)
                elif language == "sh":
                    self.type_shell(block)

    def type_python(self, python, block):
        print("".join(f">>> {line}\n" for line in block.splitlines()), end="")
        python.stdin.write(json.dumps(block) + "\n")
        python.stdin.flush()
        for line in python.stdout:
            if line.strip() == PROMPT:
                return
            print(line, end="", flush=True)
        sys.exit("Python ended with an error; it stands above.")

    def type_shell(self, block):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            command = shlex.join(words)
            reasons = [
                why for what, why in LEFT_OUT.items() if command.startswith(what)
            ]
            if reasons:
                print(f"# left out, {reasons[0]}: {command}", flush=True)
            elif words:
                self.run(line)


if __name__ == "__main__":
    main()

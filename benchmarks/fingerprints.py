"""Hashes of what every recipe and feature gives for 200 photos, to compare two commits.

python -m benchmarks.fingerprints --json before.json     # at one commit
python -m benchmarks.fingerprints --compare before.json  # at another, same machine

Needs IMGFEAT_DATA with ``hymenoptera.tar``. Features and probabilities must be equal
to the last bit; where they are not, the script names them and ends with exit code 1.
Libraries and processors round differently, so both runs need one machine.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

import numpy as np

from benchmarks._data import unpacked
from benchmarks._timing import save
from imgfeat import list_recipes, load_image_folder, make_recipe
from imgfeat.features import GLCM, HOG, ORB, SIFT, CNNEmbedding, ColorHistogram
from imgfeat.sources import ImageReader

N_PHOTOS, N_TRAIN = 200, 120
N_JOBS = 2


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", help="file to write")
    parser.add_argument("--compare", help="file of an earlier run")
    parser.add_argument("--recipes", nargs="*", help="only these")
    options = parser.parse_args()
    with unpacked("hymenoptera.tar") as folder:
        photos = load_image_folder(_folder_of(folder, "train"))
        order = np.random.default_rng(0).permutation(len(photos.images))[:N_PHOTOS]
        images, target = photos.images[order], photos.target[order]
        found = {}
        if not options.recipes:
            found |= _of_features(images)
        for name in options.recipes or list_recipes()["recipe"]:
            found |= _of_recipe(name, images, target)
    if options.json:
        save(options.json, found)
    if options.compare:
        before = json.loads(Path(options.compare).read_text())["results"]
        changed = [name for name in found if before.get(name) != found[name]]
        print(f"{len(found) - len(changed)} of {len(found)} are bit-equal")
        if changed:
            sys.exit(f"changed: {', '.join(changed)}")


def _of_features(images):
    gray = ImageReader((96, 128), mode="gray", n_jobs=N_JOBS).transform(images)
    color = ImageReader((96, 128), n_jobs=N_JOBS).transform(images)
    some = images[:40]
    return {
        "HOG": _hash("HOG", HOG(n_jobs=N_JOBS).fit_transform(gray)),
        "GLCM": _hash("GLCM", GLCM(n_jobs=N_JOBS).fit_transform(gray[:40])),
        "ColorHistogram": _hash("ColorHistogram", ColorHistogram().transform(color)),
        "SIFT": _hash("SIFT", SIFT().transform(gray[:40]).values),
        "ORB": _hash("ORB", ORB().transform(gray[:40]).values),
        "CNNEmbedding in torch": _hash(
            "CNNEmbedding in torch",
            CNNEmbedding(engine="torch", n_jobs=N_JOBS).transform(some),
        ),
        "CNNEmbedding, inner layer": _hash(
            "CNNEmbedding, inner layer",
            CNNEmbedding(layer="blocks.3", n_views=2, n_jobs=N_JOBS).transform(some),
        ),
    }


def _of_recipe(name, images, target):
    recipe = make_recipe(name, n_jobs=N_JOBS)
    recipe.fit(images[:N_TRAIN], target[:N_TRAIN])
    found = {}
    if len(recipe.steps) > 1:
        features = recipe[:-1].transform(images)
        found[f"{name}, features"] = _hash(f"{name}, features", features)
    shares = recipe.predict_proba(images)
    found[f"{name}, probabilities"] = _hash(f"{name}, probabilities", shares)
    return found


def _hash(name, array):
    array = np.ascontiguousarray(array)
    facts = f"{array.dtype.str} {array.shape}".encode()
    digest = hashlib.sha256(facts + array.tobytes()).hexdigest()
    print(f"{name:32} {digest[:16]}", flush=True)
    return digest


def _folder_of(folder, part):
    return next(path for path in folder.rglob(part) if path.is_dir())


if __name__ == "__main__":
    main()

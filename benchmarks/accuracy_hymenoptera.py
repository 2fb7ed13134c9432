"""Accuracy of frozen embeddings and a linear classifier on ants and bees.

The photographs of PyTorch's transfer-learning tutorial: 245 to learn from, 153 in
`val`. Everything is learned and chosen on the training part, the strength of the
classifier by cross-validation; `val` only scores. The tutorial fine-tunes all of
ResNet-18 and reaches 94 to 95 %.

Nothing is cleaned: one picture is a GIF, and one says "image not found".

    IMGFEAT_DATA=FOLDER python -m benchmarks.accuracy_hymenoptera --json PATH
"""

import argparse
import time

from sklearn.model_selection import StratifiedKFold

from benchmarks._data import unpacked
from benchmarks._timing import save
from imgfeat.estimators import make_recipe
from imgfeat.sources import load_image_folder

RECIPES = "cnn-lr", "cnn-svm"
FOLDS = StratifiedKFold(n_splits=10, shuffle=True, random_state=0)


def measure(name, train, val):
    recipe = make_recipe(name, search=True, cv=FOLDS)
    start = time.perf_counter()
    recipe.fit(train.images, train.target)
    fitted = time.perf_counter()
    accuracy = recipe.score(val.images, val.target)
    search = recipe[-1]
    row = {
        "name": name,
        "accuracy": accuracy,
        "n_train": len(train.images),
        "n_val": len(val.images),
        "n_wrong": round((1 - accuracy) * len(val.images)),
        "accuracy_in_cross_validation": search.best_score_,
        "chosen": search.best_params_,
        "fit_s": fitted - start,
        "score_s": time.perf_counter() - fitted,
        "weights": recipe[0].weights_info_["sha256"],
        "inference": recipe[0].inference_info_,
    }
    print(f"{name:8} {100 * accuracy:.2f} % on val, {row['n_wrong']} wrong")
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="PATH", help="also save the results here")
    args = parser.parse_args()

    with unpacked("hymenoptera.tar") as folder:
        train, val = (load_image_folder(folder / part) for part in ("train", "val"))
        results = [measure(name, train, val) for name in RECIPES]
    if args.json:
        save(args.json, results)


if __name__ == "__main__":
    main()

"""
Compare recipes and search a grid on a cluster
==============================================

joblib sends the folds of ``compare`` and of scikit-learn's searches to Dask, or to Ray,
when it is told so around them. Workers get paths of images, never pixels or features:
all of them need the same folders, and share the features that they keep::

    pip install imgfeat[dask]
    python search_on_a_cluster.py photos/ --recipes hog-svm cnn-ridge
    python search_on_a_cluster.py photos/ --scheduler tcp://head:8786

Without a scheduler it starts two workers on this machine. It prints the scores, and
that one process alone has the same.
"""

import argparse
import sys
import tempfile

import joblib
from dask.distributed import Client, LocalCluster
from sklearn.model_selection import GridSearchCV

from imgfeat import compare, load_image_folder, make_recipe
from imgfeat.estimators import list_recipes


def search(data, recipes, size, cache):
    """Scores of each recipe on each fold, and those of a grid over the first one."""
    candidates = {name: make_recipe(name, size=size) for name in recipes}
    found = compare(candidates, data.images, data.target, cv=3, cache=cache)
    for error in found.errors.itertuples():
        print(f"{error.candidate}: {error.reason}", file=sys.stderr)
    first = candidates[recipes[0]]
    grid = {"classifier__C": [1e-3, 1e-2]}
    grid = {name: values for name, values in grid.items() if name in first.get_params()}
    best = GridSearchCV(first, grid, cv=3).fit(data.images, data.target)
    return found.cv_results_.sort_index(), best.cv_results_["mean_test_score"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("folder", help="one sub-folder a class")
    parser.add_argument("--scheduler", help="address of a Dask scheduler")
    parser.add_argument(
        "--recipes", nargs="+", default=["hog-svm"], help="names, or all"
    )
    parser.add_argument("--size", type=int, default=64, help="side of images, pixels")
    args = parser.parse_args()
    known = list_recipes().query("not trains_net")["recipe"].tolist()
    recipes = known if args.recipes == ["all"] else args.recipes
    data = load_image_folder(args.folder)
    with tempfile.TemporaryDirectory() as scratch:
        if args.scheduler:
            client = Client(args.scheduler)
        else:
            cluster = LocalCluster(
                n_workers=2,
                threads_per_worker=1,
                dashboard_address=None,
                local_directory=scratch,
            )
            client = Client(cluster)
        with client, joblib.parallel_config("dask"):
            scores, of_grid = search(data, recipes, args.size, cache=True)
        if not args.scheduler:
            cluster.close()
        print(scores.round(4).to_string())
        print("of the grid:", of_grid.round(4))
        alone, of_grid_alone = search(data, recipes, args.size, f"{scratch}/anew")
    if not scores.equals(alone) or (of_grid != of_grid_alone).any():
        sys.exit("One process alone has other scores.")
    print("One process alone has the same.")


# Workers are processes that import this file.
if __name__ == "__main__":
    main()

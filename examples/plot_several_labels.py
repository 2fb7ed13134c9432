"""
Which textures are on a photo of several?
=========================================

Photos tiled of brick, grass and gravel: up to three of them on each, in any place, or
none. A label an image is not enough here; we ask three classifiers for all of them, and
whether thresholds of their own help.
"""

# %%
# Make the photos
# ---------------
# Cuts of textures that ship with scikit-image; nothing is downloaded. Cuts for testing
# are from the right half of each texture, so that none is seen twice.

import numpy as np
from skimage import data

NAMES = ["brick", "grass", "gravel"]
TEXTURES = [getattr(data, name)() for name in NAMES]


def draw(n_images, rng, left, right, side=48):
    images = np.full((n_images, 2 * side, 2 * side), 128, dtype=np.uint8)
    labels = rng.integers(2, size=(n_images, 3))
    for image, has in zip(images, labels, strict=True):
        for place, kind in zip(rng.permutation(4), np.flatnonzero(has), strict=False):
            top, start = rng.integers(512 - side), rng.integers(left, right - side)
            row, column = divmod(place, 2)
            cut = TEXTURES[kind][top : top + side, start : start + side]
            image[row * side :][:side, column * side :][:, :side] = cut
    return images, labels


rng = np.random.default_rng(0)
images, labels = draw(160, rng, 0, 256)
unseen, unseen_labels = draw(160, rng, 256, 512)
labels.sum(axis=0), (labels.sum(axis=1) == 0).sum()

# %%
# Compare on the same folds
# -------------------------
# Recipes take a table of 0 and 1, whose columns name the labels.

import pandas as pd
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from imgfeat import compare, make_recipe
from imgfeat.estimators import LinearProbe, RidgeProbe
from imgfeat.features import LBP

table = pd.DataFrame(labels, columns=NAMES)
candidates = {
    "gradients": make_recipe("hog-lr", size=64),
    "textures": make_pipeline(
        LBP(grid=(2, 2)), StandardScaler(), LinearProbe(C=[1, 10, 100])
    ),
    "textures, ridge": make_pipeline(LBP(grid=(2, 2)), StandardScaler(), RidgeProbe()),
}
found = compare(candidates, images, table, cv=5)
print(found.table[["mean_test_f1_macro", "mean_test_accuracy"]].round(3))
print(found.verdict)

# %%
# Choose thresholds out of fold, and test them on photos unseen
# -------------------------------------------------------------

from sklearn.metrics import f1_score

from imgfeat import evaluate

thresholds = found.evaluate(found.best).thresholds()
print(thresholds.round(3))
model = candidates[found.best].fit(images, table)
report = evaluate(model, unseen, unseen_labels)
chosen = model.predict_proba(unseen) > thresholds["threshold"].to_numpy()
print(f"F1 at one half:     {report.metrics['f1_macro']:.3f}")
print(f"F1 at the chosen:   {f1_score(unseen_labels, chosen, average='macro'):.3f}")

# %%
# See each label
# --------------
# Of those that have it, how many were found; of those that have it not, how many were
# said to.

import matplotlib.pyplot as plt

report.plot_each_label()
plt.show()

"""
Do gradients beat pixels on faces?
==================================

Two hundred patches of 25 x 25 pixels, half of them faces. We give the same
classifier the raw pixels and the gradients (HOG), on the same folds.
"""

# %%
# Load
# ----
# A sample that ships with scikit-image; nothing is downloaded.

from imgfeat import load_sample

faces = load_sample("faces")
faces.images.shape, list(faces.target_names)

# %%
# Two pipelines that differ in one step
# -------------------------------------

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from imgfeat.features import HOG


def flatten(images):
    return images.reshape(len(images), -1)


candidates = {
    "pixels": make_pipeline(
        FunctionTransformer(flatten),
        StandardScaler(),
        LogisticRegression(C=0.01, max_iter=1000),
    ),
    "gradients": make_pipeline(
        HOG(pixels_per_cell=(5, 5)),
        StandardScaler(),
        LogisticRegression(C=0.01, max_iter=1000),
    ),
}

# %%
# Compare on the same folds
# -------------------------

from imgfeat import compare

found = compare(candidates, faces.images, faces.target, cv=10)
table = found.table
print(table[["mean_test_accuracy", "std_test_accuracy"]].round(3))
print(found.verdict)

# %%
# See the difference
# ------------------

import matplotlib.pyplot as plt

fig, ax = plt.subplots(layout="constrained")
ax.barh(
    table.index,
    table["mean_test_accuracy"],
    xerr=table["std_test_accuracy"],
    color=["#2e7d50", "#9aa4b2"],
)
ax.set(title="200 patches, 10 folds", xlabel="accuracy", xlim=(0.5, 1))
plt.show()

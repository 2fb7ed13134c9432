"""
Does a small net beat gradients on digits, and from how many on?
================================================================

A net trained from scratch has to learn what edges are; gradients (HOG) know. We give
both ever more digits of 8 x 8 pixels and test them on the same held-out ones.
"""

# %%
# Digits
# ------
# They ship with scikit-learn. The last 797 are for testing.

from sklearn.datasets import load_digits

digits = load_digits()
images, labels = digits.images / 16, digits.target
test_images, test_labels = images[1000:], labels[1000:]

# %%
# Two classifiers
# ---------------
# The net trains for about as many steps, however few the digits.

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from imgfeat.estimators import CNNClassifier
from imgfeat.features import HOG


def gradients(n):
    hog = HOG(pixels_per_cell=(2, 2))
    return make_pipeline(hog, LogisticRegression(C=10, max_iter=1000))


def net(n):
    return CNNClassifier(
        "simple_cnn", max_epochs=8000 // n, batch_size=32, random_state=0, n_jobs=1
    )


# %%
# From fifty digits to a thousand
# -------------------------------

sizes = [50, 200, 1000]
scores = {
    name: [
        make(n).fit(images[:n], labels[:n]).score(test_images, test_labels)
        for n in sizes
    ]
    for name, make in {"gradients": gradients, "net from scratch": net}.items()
}
for name, values in scores.items():
    print(f"{name:18}", *(f"{value:.3f}" for value in values))

# %%
# See the difference
# ------------------

import matplotlib.pyplot as plt

fig, ax = plt.subplots(layout="constrained")
for name, values in scores.items():
    ax.plot(sizes, values, marker="o", label=name)
ax.set(xscale="log", xlabel="training digits", ylabel="accuracy", ylim=(0.5, 1))
ax.set_xticks(sizes, map(str, sizes))
ax.legend()
plt.show()

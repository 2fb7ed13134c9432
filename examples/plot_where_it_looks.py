"""
Does a classifier look at what it names?
========================================

A net's embeddings and a linear classifier tell four photos apart by pieces of them.
Then it sees all four at once, and is asked for each in turn: does the map of what it
looked at lie in the right quarter?
"""

# %%
# Learn from pieces of four photos
# --------------------------------
# They ship with scikit-image; nothing is downloaded.

import numpy as np
from skimage import data

from imgfeat import make_recipe
from imgfeat.preprocess import Resize

photos = {
    "cat": data.chelsea()[:, 40:340],
    "coffee": data.coffee()[:, 100:500],
    "astronaut": data.astronaut()[:400, 60:460],
    "rocket": data.rocket()[:, 110:537],
}
rng = np.random.default_rng(0)
pieces, names = [], []
for name, photo in photos.items():
    for _ in range(12):
        side = rng.integers(120, 240)
        row, col = (rng.integers(0, length - side + 1) for length in photo.shape[:2])
        pieces.append(photo[row : row + side, col : col + side])
        names.append(name)

# So few images are not worth the export for ONNX Runtime.
model = make_recipe("cnn-lr").set_params(cnn__engine="torch").fit(pieces, names)

# %%
# Ask for each of them in a picture of all
# ----------------------------------------

from imgfeat import explain

cat, coffee, astronaut, rocket = Resize((200, 200)).transform(list(photos.values()))
montage = np.vstack([np.hstack([cat, coffee]), np.hstack([astronaut, rocket])])
found = explain(model, [montage] * 4, target=list(photos))
print(found)

# %%
# How much of what speaks for a class lies in its quarter? By chance it is 0.25.

shares = {}
for place, (name, one) in enumerate(zip(photos, found.maps, strict=True)):
    speaks_for = np.clip(one, 0, None)
    row, col = divmod(place, 2)
    quarter = speaks_for[200 * row : 200 * (row + 1), 200 * col : 200 * (col + 1)]
    shares[name] = float(quarter.sum() / speaks_for.sum())
    print(f"{name:9} {shares[name]:.2f}")

# %%
# See the maps
# ------------
# Orange speaks for the class, blue against it. Gray is outside of what the net sees.

import matplotlib.pyplot as plt

fig, axes = plt.subplots(1, 5, figsize=(10, 2.3), layout="constrained")
pictures = {"the picture": montage}
for row, (name, share) in enumerate(shares.items()):
    pictures[f"{name}: {share:.0%}"] = found.picture(row)
for ax, (title, picture) in zip(axes, pictures.items(), strict=True):
    ax.imshow(picture)
    ax.set_title(title, fontsize="medium")
    ax.set_axis_off()
plt.show()

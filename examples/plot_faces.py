"""
Can a hundred patches of 25 pixels find faces?
==============================================

A hundred faces, a hundred pieces of background, and pictures without a face to learn
from mistakes. A linear classifier of gradients then looks at every place of photos that
it has not learned from, in every size. It finds the astronaut and takes a badge for a
face; the admiral, with a cap and glasses, it does not know; and among ten thousand
galaxies it sees a few faces. Sizes, step and threshold were chosen by a look at these
very photos, so on others expect less.
"""

# %%
# Objects, and pictures without any
# ---------------------------------
# All of them ship with scikit-image and scikit-learn; nothing is downloaded. A face in
# the mirror is a face, too, and so is one that is a little larger in its patch.

import numpy as np
import skimage.data
from sklearn.datasets import load_sample_images

from imgfeat import load_sample

sample = load_sample("faces")
faces = sample.images[sample.target == 0]
faces = np.concatenate([faces, faces[:, :, ::-1]])
others = sample.images[sample.target == 1]
pieces = [(0, 0, 25), (0, 0, 23), (0, 2, 23), (2, 0, 23), (2, 2, 23), (1, 1, 23)]
crops = [
    face[top : top + side, left : left + side]
    for top, left, side in pieces
    for face in faces
]
labels = ["face"] * len(crops) + ["background"] * len(others)

names = ["brick", "cell", "chelsea", "clock", "coffee", "coins", "grass", "gravel"]
names += ["immunohistochemistry", "moon", "page", "rocket", "text"]
negatives = [getattr(skimage.data, name)() for name in names]
negatives += [skimage.data.stereo_motorcycle()[0], *load_sample_images().images]

# %%
# A detector
# ----------
# Windows are as large as the patches. What the first fit takes for a face in pictures
# without any, the next one learns from.

from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from imgfeat.estimators import SlidingWindowDetector
from imgfeat.features import HOG
from imgfeat.sources import ImageReader

gradients = HOG(12, pixels_per_cell=(5, 5))
detector = SlidingWindowDetector(
    make_pipeline(ImageReader(mode="gray"), gradients, LinearSVC(C=0.02)),
    window=25,
    background="background",
    n_negatives=4000,
    n_rounds=4,
)
detector.fit([*crops, *others], labels, negatives=negatives)
print("mistakes learned from, round by round:", detector.n_mistakes_)

# %%
# Photos that it has not seen
# ---------------------------
# Faces were marked by hand, from the forehead to the chin. Only faces of 80 pixels or
# more are looked for, at every third pixel, and those are kept that are surely one.

import matplotlib.image
from matplotlib.cbook import get_sample_data

from imgfeat.evaluation import average_precision

with get_sample_data("grace_hopper.jpg") as file:
    admiral = matplotlib.image.imread(file)
photos = {
    "astronaut": skimage.data.astronaut(),
    "admiral": admiral,
    "galaxies": skimage.data.hubble_deep_field(),
}
truth = [[(173, 65, 275, 175)], [(150, 85, 370, 320)], []]
detector.set_params(min_size=80, scale=1.1, step=3, threshold=0.3)
found = detector.predict(list(photos.values()))
for name, one, boxes in zip(photos, found, truth, strict=True):
    counts = average_precision([one], [boxes])[["n_objects", "n_right", "n_found"]]
    print(f"{name:10}", counts.to_dict("records"))

# %%
# What it found
# -------------
# Dashed lines are the faces. Twenty-five pixels are little to tell a face by: the
# published detectors learn from thousands of faces.

import matplotlib.pyplot as plt

from imgfeat.evaluation import plot_detections

fig, axes = plt.subplots(1, 2, figsize=(9, 5), layout="constrained")
shown = zip(axes, photos.values(), found, truth, strict=False)
for ax, photo, one, boxes in shown:
    plot_detections(photo, one, ax, boxes=boxes)
plt.show()

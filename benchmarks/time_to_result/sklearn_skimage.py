"""Ants or bees by gradients, colours and an SVM, as one writes it by hand.

python sklearn_skimage.py TRAIN VAL OUT
"""

import sys
from pathlib import Path

import joblib
import matplotlib
import numpy as np
import pandas as pd
from PIL import Image
from skimage.feature import hog, local_binary_pattern
from sklearn.metrics import ConfusionMatrixDisplay, classification_report
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

matplotlib.use("agg")
SIDE = 128


def list_photos(folder):
    paths = sorted(path for path in folder.glob("*/*") if path.is_file())
    return paths, np.array([path.parent.name for path in paths])


def describe(path):
    image = Image.open(path).convert("RGB").resize((SIDE, SIDE))
    pixels, gray = np.asarray(image), np.asarray(image.convert("L"))
    colors = [np.histogram(pixels[..., c], 16, (0, 256))[0] for c in range(3)]
    patterns = local_binary_pattern(gray, 8, 1, method="uniform")
    textures = np.histogram(patterns, 10, (0, 10))[0]
    gradients = hog(gray, pixels_per_cell=(16, 16), cells_per_block=(2, 2))
    return np.concatenate([gradients, textures / gray.size, np.ravel(colors)])


def describe_all(paths):
    rows = joblib.Parallel(n_jobs=-1)(joblib.delayed(describe)(path) for path in paths)
    return np.stack(rows)


def main():
    train, val, out = map(Path, sys.argv[1:])
    out.mkdir(parents=True, exist_ok=True)
    paths, y = list_photos(train)
    val_paths, val_y = list_photos(val)
    X, val_X = describe_all(paths), describe_all(val_paths)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), SVC(class_weight="balanced")),
        [
            {"svc__kernel": ["linear"], "svc__C": [1e-4, 1e-3, 1e-2]},
            {"svc__kernel": ["rbf"], "svc__C": [1, 10], "svc__gamma": ["scale", 1e-4]},
        ],
        cv=StratifiedKFold(5, shuffle=True, random_state=0),
        n_jobs=-1,
    ).fit(X, y)
    print(search.best_params_, search.best_score_)
    predicted = search.predict(val_X)
    report = classification_report(val_y, predicted)
    (out / "report.txt").write_text(report)
    ConfusionMatrixDisplay.from_predictions(val_y, predicted)
    matplotlib.pyplot.savefig(out / "confusion.png")
    joblib.dump(search.best_estimator_, out / "model.joblib")
    table = pd.DataFrame({"path": list(map(str, val_paths)), "label": predicted})
    table.to_csv(out / "predictions.csv", index=False)
    print(report)


if __name__ == "__main__":
    main()

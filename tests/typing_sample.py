"""What a user writes, as mypy sees it; it is checked, and never run."""

from typing import assert_type

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils import Bunch

import imgfeat
from imgfeat import compare, evaluate, load, load_image_folder, make_recipe, save
from imgfeat.deploy import Prediction, predict_files
from imgfeat.estimators import CNNClassifier, LearningRates, find_lr
from imgfeat.features import HOG, cache_info, clear_cache
from imgfeat.nets import Backbone, find_backbone, list_backbones
from imgfeat.sources import decode_image, load_image_table


def write_as_a_user_does() -> None:
    photos = load_image_folder("photos/", class_names=["ant", "bee"])
    table: Bunch = load_image_table(
        pd.DataFrame({"path": ["a.png"]}), target_column=None
    )
    recipe: Pipeline = make_recipe("hog-svm", size=(64, 64), random_state=0)
    scores: pd.DataFrame = compare({"hog": recipe}, photos.images, photos.target, cv=3)
    save(recipe, "model.imgfeat", example=["one.png"])
    model: BaseEstimator = load("model.imgfeat")
    evaluation = evaluate(model, photos.images, photos.target)
    first: Prediction = next(predict_files(model, ["a.jpg"]))
    rates: LearningRates = find_lr(CNNClassifier(), photos.images, photos.target)
    hog = HOG(orientations=6)
    assert_type(decode_image("a.jpg"), np.ndarray)
    assert_type(clear_cache(), int)
    info: pd.DataFrame = cache_info("cache")
    nets: pd.DataFrame = list_backbones("*resnet*")
    net: Backbone = find_backbone("resnet18", None, size=64)
    assert_type(imgfeat.__version__, str)

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
from imgfeat.estimators import CNNClassifier, LearningRates, RidgeProbe, find_lr
from imgfeat.evaluation import Comparison, SimilarImages, find_similar
from imgfeat.evaluation.metrics._evaluate import Evaluation
from imgfeat.features import HOG, SIFT, Descriptors, cache_info, clear_cache
from imgfeat.nets import Backbone, find_backbone, list_backbones
from imgfeat.preprocess import Resize
from imgfeat.sources import decode_image, load_image_table


def write_as_a_user_does() -> None:
    photos = load_image_folder("photos/", class_names=["ant", "bee"])
    images, target = photos.images, photos.target
    recipe = make_recipe("hog-svm", size=(64, 64), random_state=0)
    save(recipe, "model.imgfeat", example=["one.png"])
    model = load("model.imgfeat")
    assert_type(photos, Bunch)
    assert_type(load_image_table(pd.DataFrame(), target_column=None), Bunch)
    assert_type(recipe, Pipeline)
    assert_type(model, BaseEstimator)
    assert_type(compare({"hog": recipe}, images, target, cv=3), Comparison)
    assert_type(evaluate(model, images, target), Evaluation)
    assert_type(find_similar(model, images, "a.jpg"), pd.DataFrame)
    assert_type(SimilarImages(model).fit(images), SimilarImages)
    assert_type(next(predict_files(model, ["a.jpg"])), Prediction)
    assert_type(find_lr(CNNClassifier(), images, target), LearningRates)
    assert_type(HOG(orientations=6), HOG)
    assert_type(HOG().fit(images), HOG)
    assert_type(HOG().fit(images).transform(images), np.ndarray)
    assert_type(Resize().fit(images).set_output(transform="pandas"), Resize)
    assert_type(SIFT().transform(images), Descriptors)
    assert_type(RidgeProbe().fit(images, target), RidgeProbe)
    assert_type(CNNClassifier().fit(images, target), CNNClassifier)
    assert_type(CNNClassifier().predict_proba(images), np.ndarray)
    assert_type(decode_image("a.jpg"), np.ndarray)
    assert_type(cache_info("cache"), pd.DataFrame)
    assert_type(clear_cache(), int)
    assert_type(list_backbones("*resnet*"), pd.DataFrame)
    assert_type(find_backbone("resnet18", None, size=64), Backbone)
    assert_type(imgfeat.__version__, str)

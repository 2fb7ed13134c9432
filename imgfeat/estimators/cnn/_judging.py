"""What a trained net makes of images."""

from contextlib import nullcontext

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from imgfeat._threads import usable_threads
from imgfeat.estimators.cnn._data import TrainingData
from imgfeat.estimators.cnn._resident import TrainingImages
from imgfeat.estimators.cnn._team import find_own_device
from imgfeat.nets import Preprocessing
from imgfeat.nets._preprocessing import VIEWS
from imgfeat.nets.inference._torch import torch_threads


class Judging:
    """A classifier with a trained net, for who wants to know what the head is given."""

    def _features_and_proba(self, X):
        """Features in front of the head and probabilities, both means over the views.

        Returns
        -------
        features : ndarray of shape (n_samples, n_features), float32
            Of a net from scratch, whose head is a part of it, the logits.
        proba : ndarray of shape (n_samples, n_classes), float32
        """
        return judge(self, X, _features_too)


def predict_proba(cnn, X):
    """Mean of the shares over views, (n_samples, n_classes), float32.

    A softmax; of several labels an image, the logistic function of each.
    """
    shares = torch.sigmoid if cnn.multilabel_ else _softmax
    return judge(cnn, X, lambda module, images: (shares(module(images).float()),))[0]


def embed(cnn, X):
    """Mean over views of what the last layer sees, (n_samples, n_features), float32."""
    return judge(cnn, X, lambda module, images: (module.embed(images).float(),))[0]


def judge(cnn, X, ask):
    """Run a fitted net on images, and average what comes out over their views.

    Parameters
    ----------
    cnn : CNNClassifier
    X : images
    ask : callable
        From the net and a batch of views to a tuple of tensors, with a row a view.

    Returns
    -------
    list of ndarray
        With a row an image.
    """
    check_is_fitted(cnn)
    images = TrainingImages(cnn, X, reset=False)
    module, seen = cnn.net_.module_, Preprocessing(**cnn._seen)
    device, threads = find_own_device(cnn.device), usable_threads(cnn.n_jobs)
    module.to(device, memory_format=torch.channels_last).eval()
    views = VIEWS[cnn.n_views]
    resident = images.resident(seen, device)
    data = TrainingData(
        images.read,
        np.arange(len(images)),
        np.zeros(len(images), dtype=np.int64),
        preprocessing=seen,
        batch_size=cnn.batch_size,
        n_threads=threads,
        device=device,
        resident=resident,
        views=views,
    )
    found = []
    with torch_threads(threads), torch.inference_mode(), autocast(cnn, device):
        for inputs, _ in data.evaluation_batches():
            of_views = ask(module, inputs["images"])
            found.append([_mean(values, len(views)) for values in of_views])
    return [np.concatenate(chunks) for chunks in zip(*found, strict=True)]


def autocast(cnn, device):
    """The context in which a net computes, by its `precision`."""
    kind = torch.device(device).type
    precision = cnn.precision
    if precision == "auto":
        precision = "bfloat16" if kind == "cuda" else "float32"
    if precision == "float32":
        return nullcontext()
    return torch.autocast(kind, torch.bfloat16)


def _features_too(module, images):
    features = module.features(images)
    return features.float(), _softmax(module(features).float())


def _softmax(logits):
    return logits.softmax(dim=1)


def _mean(values, n_views):
    return values.unflatten(0, (-1, n_views)).mean(dim=1).cpu().numpy()

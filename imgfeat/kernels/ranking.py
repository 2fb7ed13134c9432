"""How well scores rank the images of a class, for many weightings of the images."""

import numpy as np

from imgfeat.kernels._jit import njit


@njit(error_model="numpy")
def ranking_scores(order, tied, positive, weights):
    """Area under the ROC curve and average precision, of each weighting.

    Parameters
    ----------
    order : ndarray of int64 of shape (n_images,)
        The images, the highest score first.
    tied : ndarray of bool of shape (n_images,)
        Along `order`: the score is that of the image after it.
    positive : ndarray of bool of shape (n_images,)
        Which images are of the class; in the order of the images.
    weights : ndarray of int of shape (n_weightings, n_images)
        How often each image counts.

    Returns
    -------
    ndarray of float64 of shape (n_weightings, 2)
        NaN where the weighting has no image of the class, or only such images.
    """
    n_weightings, n_images = weights.shape
    scores = np.empty((n_weightings, 2))
    for row in range(n_weightings):
        weight = weights[row]
        n_right, n_wrong = 0.0, 0.0  # images of the class, and others, so far
        area, precision = 0.0, 0.0
        right, wrong = 0.0, 0.0  # the same among images of one score
        for place in range(n_images):
            image = order[place]
            if positive[image]:
                right += weight[image]
            else:
                wrong += weight[image]
            if tied[place]:
                continue
            # A pair of equal scores counts half.
            area += wrong * (n_right + 0.5 * right)
            n_right += right
            n_wrong += wrong
            if right > 0:
                precision += right * n_right / (n_right + n_wrong)
            right, wrong = 0.0, 0.0
        if n_right > 0 and n_wrong > 0:
            scores[row, 0] = area / (n_right * n_wrong)
            scores[row, 1] = precision / n_right
        else:
            scores[row, 0] = np.nan
            scores[row, 1] = np.nan
    return scores

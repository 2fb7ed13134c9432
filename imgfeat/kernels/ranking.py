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
    weights : ndarray of int of shape (n_images, n_weightings)
        How often each image counts; a row is read at once.

    Returns
    -------
    ndarray of float64 of shape (n_weightings, 2)
        NaN where the weighting has no image of the class, or only such images.
    """
    n_images, n_weightings = weights.shape
    scores = np.full((n_weightings, 2), np.nan)
    # Images of the class, and others, so far; the others before those of equal score.
    n_right, n_wrong = np.zeros(n_weightings), np.zeros(n_weightings)
    n_before, right = np.zeros(n_weightings), np.zeros(n_weightings)
    n_behind, precision = np.zeros(n_weightings), np.zeros(n_weightings)
    is_first, has_right = True, False
    for place in range(n_images):
        image = order[place]
        weight = weights[image]
        if is_first and (tied[place] or positive[image]):
            n_before[:] = n_wrong
        if positive[image]:
            has_right = True
            for row in range(n_weightings):
                right[row] += weight[row]
        else:
            for row in range(n_weightings):
                n_wrong[row] += weight[row]
        is_first = not tied[place]
        if tied[place] or not has_right:
            continue
        for row in range(n_weightings):
            # A pair of equal scores counts half.
            n_behind[row] += right[row] * 0.5 * (n_before[row] + n_wrong[row])
            n_right[row] += right[row]
            if right[row] > 0:
                share = n_right[row] / (n_right[row] + n_wrong[row])
                precision[row] += right[row] * share
            right[row] = 0.0
        has_right = False
    for row in range(n_weightings):
        if n_right[row] > 0 and n_wrong[row] > 0:
            scores[row, 0] = 1 - n_behind[row] / (n_right[row] * n_wrong[row])
            scores[row, 1] = precision[row] / n_right[row]
    return scores

"""What a model looked at in an image, as a PNG."""

from typing import NamedTuple

from imgfeat._target import classes_of
from imgfeat.deploy._answers import error_in_words
from imgfeat.evaluation.explanation._explain import explain
from imgfeat.evaluation.explanation._overlay import encode

_SIDE = 640  # pixels of the picture
_MOST = 16_000_000  # pixels of the image


class Drawing(NamedTuple):
    """A PNG, of which class, and by which method; or why there is none."""

    png: bytes | None
    target: object = None
    method: str | None = None
    error: str | None = None


def draw(items):
    """Explain images.

    Parameters
    ----------
    items : list of (Predictor, image, label or None)
        A label as text.

    Returns
    -------
    list of Drawing
    """
    return [_draw(*item) for item in items]


def _draw(predictor, image, label):
    model = predictor.model
    if getattr(image, "size", 0) > 3 * _MOST:
        return Drawing(None, error=f"it has more than {_MOST:,} pixels")
    target = None
    if label is not None:
        labels = list(map(str, predictor.labels or ()))
        if label not in labels:
            return Drawing(None, error=f"the model has no class {label[:100]!r}")
        target = classes_of(model)[labels.index(label)]
    try:
        found = explain(model, [image], target=target, n_jobs=predictor.n_jobs)
        png = encode(found.picture(0), "PNG", side=_SIDE)
    except (ValueError, TypeError, AttributeError) as error:
        return Drawing(None, error=f"it cannot be explained: {error}"[:300])
    except Exception as error:  # noqa: BLE001, what steps of other packages raise
        return Drawing(None, error=error_in_words(error))
    return Drawing(png, found.targets[0], found.method)

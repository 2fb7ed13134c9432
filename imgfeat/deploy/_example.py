"""Examples of what a pipeline takes: images, or a table with images in some columns.

They are kept in a saved file as plain arrays: an array an image, and one for each
column of a table that holds something else.
"""

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.utils.validation import check_is_fitted

from imgfeat._frames import make_frame
from imgfeat._nesting import first_steps, last_step, type_name, walk
from imgfeat._sklearn import columns_by_place
from imgfeat._traits import traits_of
from imgfeat.sources._images import Images

MAX_ROWS = 16
PICTURE = 96, 128, 3
IMAGES, VALUES = "images", "values"  # what a column of a table holds


def pack(example, pipeline):
    """Return ``(arrays by name, layout)`` of an example.

    Parameters
    ----------
    example : images, or DataFrame
    pipeline : fitted estimator
        Tells which columns of a table hold images.

    Returns
    -------
    arrays : dict of str to ndarray
        ``image0``, ``image1`` ... and ``column0`` ...
    layout : list of [str, str], or None
        Names of the columns, and whether they hold images or values; None if the
        example is no table.

    Raises
    ------
    ValueError
        If there are too many rows, or a column holds what no array can keep.
    """
    n_rows = len(example)
    if not 1 <= n_rows <= MAX_ROWS:
        raise ValueError(
            f"example must hold 1 to {MAX_ROWS} images. Got {n_rows}; a few are "
            "enough, they are stored as pixels and run at every load."
        )
    if not hasattr(example, "columns"):
        return _numbered(_read(example, pipeline)), None
    with_images = _columns_of_images(pipeline, example)
    images, arrays, layout = [], {}, []
    for number, name in enumerate(example.columns):
        if name in with_images:
            images += _read(example[name], pipeline)
            layout.append([str(name), IMAGES])
        else:
            arrays[f"column{number}"] = _values(example[name])
            layout.append([str(name), VALUES])
    return _numbered(images) | arrays, layout


def unpack(arrays, layout):
    """Take an example out of ``arrays``, where it lies among others.

    Raises
    ------
    KeyError, TypeError, ValueError
        If the arrays do not fit the layout.
    """
    images = []
    while f"image{len(images)}" in arrays:
        images.append(arrays.pop(f"image{len(images)}"))
    if layout is None:
        return images
    values = {
        number: arrays.pop(f"column{number}")
        for number, (_, kind) in enumerate(layout)
        if kind == VALUES
    }
    n_columns = len(layout) - len(values)
    n_rows = len(images) // n_columns if n_columns else len(next(iter(values.values())))
    table = {}
    for number, (name, _) in enumerate(layout):
        if number in values:
            table[name] = values[number]
            continue
        table[name] = _as_objects(images[:n_rows])
        images = images[n_rows:]
    return make_frame(table)


def synthetic(pipeline):
    """Two rows of a kind that `pipeline` takes: pictures, numbers, or a table.

    Raises
    ------
    ValueError
        If there is no telling.
    """
    first = first_steps(pipeline, into_columns=False)
    tables = [step for step in first if isinstance(step, ColumnTransformer)]
    if tables and hasattr(tables[0], "feature_names_in_"):
        return _synthetic_table(tables[0])
    detector = last_step(pipeline)
    if hasattr(detector, "score_windows"):
        seen = _fitted_shape(detector) or PICTURE
        # Of several windows, not of one alone.
        shape = tuple(2 * side for side in detector.smallest_image())
        return [picture((*shape, *seen[2:]), seed) for seed in (0, 1)]
    if any(_is_ours(step) for step in first):
        shape = None if any(map(_takes_any_size, first)) else _fitted_shape(pipeline)
        return [picture(shape or PICTURE, seed) for seed in (0, 1)]
    for step in [*first, pipeline]:
        if hasattr(step, "n_features_in_"):
            return list(np.random.default_rng(0).random((2, step.n_features_in_)))
    for step in first:
        check_is_fitted(step)
    raise ValueError(
        f"Cannot tell which images {type(pipeline).__name__} takes, to keep some as "
        "golden images. Pass example=, a few rows as for predict."
    )


def picture(shape, seed):
    """A deterministic uint8 image: a ramp, a disc, a bar, and noise."""
    height, width = shape[:2]
    rng = np.random.default_rng(seed)
    row, col = np.ogrid[:height, :width]
    ramp = 40 + 120 * col / width + 20 * row / height
    center_row, center_col = rng.uniform(0.3, 0.7, 2) * (height, width)
    distance = np.hypot(row - center_row, col - center_col)
    disc = 70.0 * (distance < 0.3 * min(height, width))
    bar = -60.0 * (np.abs(row - col * height / width) < 0.05 * height)
    gray = ramp + disc + bar
    if len(shape) == 3:
        gray = gray[..., None] * rng.uniform(0.5, 1.2, shape[2])
    return np.clip(gray + rng.normal(0, 8, shape), 0, 255).astype(np.uint8)


def _read(images, pipeline):
    given = Images(pipeline, images, reset=False, check_numbers=np.asarray)
    return [given.read(row) for row in range(len(given))]


def _numbered(images):
    return {f"image{index}": image for index, image in enumerate(images)}


def _values(column):
    values = np.asarray(column.tolist())
    if column.isna().any() or values.dtype.kind not in "biufU" or values.ndim != 1:
        raise ValueError(
            "example must hold images, numbers and text, without missing values. Got "
            f"a column {column.name!r} of {column.dtype}; choose other rows."
        )
    return values


def _columns_of_images(pipeline, table):
    """Names of the columns of a table that go to steps which take images."""
    found = set()
    for step in first_steps(pipeline, into_columns=False):
        if isinstance(step, ColumnTransformer):
            for part, names in _parts_with_names(step, table):
                if any(map(_is_ours, first_steps(part))):
                    found.update(names)
        elif _is_ours(step):
            found.update(table.columns)
    return found


def _parts_with_names(transformer, table):
    """The parts of a fitted ColumnTransformer, and names of the columns of each."""
    names = getattr(transformer, "feature_names_in_", table.columns)
    places = columns_by_place(transformer)
    for name, part, _ in transformer.transformers_:
        yield part, list(names[places[name]])


def _synthetic_table(transformer):
    """Two rows for a fitted ColumnTransformer, whose columns have names."""
    rng = np.random.default_rng(0)
    table = make_frame({name: rng.random(2) for name in transformer.feature_names_in_})
    for part, chosen in _parts_with_names(transformer, table):
        steps = first_steps(part)
        for place, name in enumerate(chosen):
            if any(map(_is_ours, steps)):
                table[name] = _as_objects(synthetic(part))
            for step in steps:
                if hasattr(step, "categories_"):
                    table[name] = step.categories_[place][0]
    return table


def _as_objects(items):
    """A 1-D array of objects, whatever these are."""
    array = np.empty(len(items), dtype=object)
    for index, item in enumerate(items):
        array[index] = item
    return array


def _is_ours(step):
    return type_name(type(step)).startswith("imgfeat.")


def _takes_any_size(step):
    return traits_of(step).takes_any_size


def _fitted_shape(pipeline):
    """Shape of the images that the first step with a memory of it was fitted on."""
    for _, item in walk(pipeline):
        if hasattr(item, "image_shape_in_"):
            return item.image_shape_in_
    return None

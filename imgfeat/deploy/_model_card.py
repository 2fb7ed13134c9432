"""A saved file as a page in Markdown: what it is, of what it was made, how it scored.

Only what the file says of itself is told. Whoever made the file wrote its texts,
so they are escaped, and what is not as expected is left out.
"""

from pathlib import Path

from imgfeat._typing import PathLike
from imgfeat.deploy._archive import read_manifest
from imgfeat.deploy._manifest_facts import dict_in, printable, thresholds_in

_SPECIAL = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_[]<>|#"})
_UNKNOWN = "The file does not say."


def model_card(path: PathLike) -> str:
    """Tell what a saved model is, as Markdown, without loading it.

    Parameters
    ----------
    path : str or path
        A file that `save` wrote.

    Returns
    -------
    str
        Classes, steps, how images are read, the images that it was trained on and its
        scores on others, as far as the file has them, versions, and the weights in it.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, BundleError
        As by `load`.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from imgfeat import load_sample, make_recipe, save
    >>> from imgfeat.deploy import model_card
    >>> digits = load_sample("digits")
    >>> model = make_recipe("hog-lr", size=16)
    >>> model = model.fit(digits.images[:99], digits.target[:99])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(model, Path(folder) / "digits.imgfeat")
    ...     card = model_card(Path(folder) / "digits.imgfeat")
    >>> print(card.splitlines()[4])
    10: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9
    """
    path = Path(path)
    manifest = read_manifest(path)
    facts = dict_in(manifest, "facts")
    sections = {
        "Classes": _classes(manifest),
        "Steps": _steps(manifest),
        "Parameters": _parameters(dict_in(manifest, "reading")),
        "Trained on": _data(dict_in(facts, "trained_on")),
        "Scores on images held out": _scores(dict_in(facts, "held_out")),
        **_thresholds(manifest),
        "What it says of images of no class": _limits(manifest),
        "How nets ran": _nets(manifest),
        "Saved with": [f"- {_text(k)} {_text(v)}" for k, v in _items(manifest)],
        "File": _file(path, manifest),
    }
    lines = [f"# {_text(path.name)}"]
    for title, content in sections.items():
        lines += ["", f"## {title}", "", *(content or [_UNKNOWN])]
    return "\n".join(lines) + "\n"


def _classes(manifest):
    classes = manifest.get("classes")
    if not isinstance(classes, list):
        return []
    return [f"{len(classes)}: {', '.join(map(_text, classes))}"]


def _steps(manifest):
    return [
        f"{number}. {_code(step)}"
        for number, step in enumerate(dict_in(manifest, "steps").values(), 1)
    ]


def _nets(manifest):
    if manifest.get("inference") == {}:  # older files have no such entry
        return ["There is no net in it that makes features."]
    return _parameters(dict_in(manifest, "inference"))


def _parameters(by_step):
    return [
        f"- {_text(name) or 'the estimator'}: "
        + _code(", ".join(f"{key}={value!r}" for key, value in parameters.items()))
        for name, parameters in by_step.items()
        if isinstance(parameters, dict) and parameters
    ]


def _data(facts):
    by_class = dict_in(facts, "by_class")
    if not by_class:
        return []
    rows = [[_text(name), _text(n)] for name, n in by_class.items()]
    return [
        f"{_text(facts.get('n_images'))} images.",
        "",
        *_table(["class", "images"], rows),
    ]


def _scores(facts):
    scores = dict_in(facts, "scores")
    if not scores:
        return []
    of = "the model before it was fitted again, on these images too"
    what = of if facts.get("refitted") else "this model"
    rows = [
        [_text(name), f"{value:.4f}"]
        for name, value in scores.items()
        if isinstance(value, float)
    ]
    return [
        f"{_text(facts.get('n_images'))} images; scores of {what}.",
        "",
        *_table(["score", "value"], rows),
        *_confusion(facts),
    ]


def _confusion(facts):
    table, labels = facts.get("confusion"), facts.get("labels")
    true = facts.get("true_labels")
    if not all(isinstance(each, list) for each in (table, labels, true)):
        return []
    rows = [
        [_text(label), *map(_text, row)]
        for label, row in zip(true, table, strict=False)
        if isinstance(row, list)
    ]
    return ["", *_table(["true, predicted as", *map(_text, labels)], rows)]


def _thresholds(manifest):
    """A section of models that have them; others have none to tell."""
    rows = [[_text(label), f"{value:.4f}"] for label, value in thresholds_in(manifest)]
    if not rows:
        return {}
    return {
        "Thresholds, above which an image has the label": _table(
            ["label", "threshold"], rows
        )
    }


def _limits(manifest):
    match manifest.get("says_unknown"):
        case True:
            return ["It may call an image unknown, and says which labels it may have."]
        case False if manifest.get("several_labels") is True:
            return ["It gives an image each of its labels by itself, so also none."]
        case False if isinstance(manifest.get("classes"), list):
            return ["It gives one of its classes to every image."]
    return []


def _file(path, manifest):
    lines = [
        f"- {path.stat().st_size / 1e6:,.2f} MB, format {manifest['format_version']}"
    ]
    for name, entry in manifest["parts"].items():
        if name.startswith("weights/") and isinstance(entry, dict):
            size = entry.get("size")
            shown = f", {size / 1e6:,.1f} MB" if isinstance(size, int) else ""
            lines.append(f"- weights {_code(Path(name).stem)}{shown}")
    return lines


def _table(heading, rows):
    lines = [heading, ["---"] * len(heading), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def _items(manifest):
    return dict_in(manifest, "versions").items()


def _text(value):
    return printable(value).translate(_SPECIAL)


def _code(value):
    return "`" + printable(value).replace("`", "'") + "`"

"""All nets that can be had by name, in one table."""

from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING

from imgfeat._frames import make_frame
from imgfeat.nets.catalog import _lite, _timm, _torchvision
from imgfeat.nets.catalog._registered import list_registered
from imgfeat.nets.catalog._torchvision import get_weights
from imgfeat.nets.catalog._weights_files import hub_caches, weights_folders

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = {
    "name": "string",
    "source": "string",
    "parameters": "Int64",
    "input_size": "object",
    "width": "Int64",
    "weights_here": "bool",
    "weights": "string",
    "license": "string",
    "accuracy": "Float64",
}


def list_backbones(pattern: str = "*", *, source: str | None = None) -> "pd.DataFrame":
    """List the nets that `CNNEmbedding` takes by name.

    Nothing is downloaded, and no net is built. What nobody states is missing (NA).

    Parameters
    ----------
    pattern : str, default="*"
        For names, as a shell matches files, in upper or lower case: ``"*resnet*"``. A
        pattern with a dot is for timm's nets with a tag: ``"timm/resnet18.*"``.
    source : {"imgfeat", "torchvision", "timm"} or str, optional
        The latter is a package that has registered nets. All if None.

    Returns
    -------
    DataFrame
        One row a net: ``name``, ``source``, number of ``parameters`` with the
        classifier, ``input_size`` (height, width) in pixels, ``width`` of the
        embedding, ``weights_here`` (the default weights are on this machine), their tag
        as ``weights``, missing where a net has none, ``license``, and ``accuracy``,
        top-1 on ImageNet in percent.

    Raises
    ------
    ValueError
        If there is no such source.

    Examples
    --------
    >>> from imgfeat.nets import list_backbones
    >>> list_backbones("resnet1*", source="torchvision")["name"].tolist()
    ['resnet101', 'resnet152', 'resnet18']
    """

    listers = _listers()
    sources = dict.fromkeys(known for known, _ in listers)
    if source not in (None, *sources):
        raise ValueError(
            f"source must be one of {', '.join(sources)}, or None for all. Got "
            f"{source!r}."
        )
    rows = [
        {"source": known, **row}
        for known, list_rows in listers
        if source in (None, known)
        for row in list_rows(pattern.lower())
    ]
    return make_frame(rows, columns=list(_COLUMNS)).astype(_COLUMNS)


def _listers():
    """Pairs of a source, and what lists its nets."""
    packages = dict.fromkeys(found.package for found in list_registered())
    return [
        ("imgfeat", _installed_rows),
        *((package, partial(_registered_rows, package)) for package in packages),
        ("torchvision", _torchvision_rows),
        ("timm", _timm_rows),
    ]


def _installed_rows(pattern):
    for net in _lite.NETS.values():
        if not fnmatchcase(net.name, pattern):
            continue
        spec = _lite.make_spec(net.name)
        yield {
            "name": spec.name,
            "parameters": net.parameters,
            "input_size": spec.preprocessing.size,
            "width": spec.width,
            "weights_here": net.is_here(),
            "weights": spec.tag,
            "license": "apache-2.0",
        }


def _registered_rows(package, pattern):
    for found in list_registered():
        if found.package != package or not fnmatchcase(found.name.lower(), pattern):
            continue
        seen = found.preprocessing
        yield {
            "name": found.name,
            "input_size": None if seen is None else seen.size,
            "width": found.width,
            "weights_here": found.is_here,
            "weights": found.tag,
        }


def _torchvision_rows(pattern):
    for name in _torchvision.list_names():
        if not fnmatchcase(name, pattern):
            continue
        tag = _torchvision.list_tags(name)[0]
        spec, meta = _torchvision.make_spec(name, tag), get_weights(name, tag).meta
        yield {
            "name": name,
            "parameters": meta["num_params"],
            "input_size": spec.preprocessing.size,
            "width": spec.width,
            "weights_here": spec.file.look_up() is not None,
            "weights": spec.tag,
            "license": meta.get("license"),
            "accuracy": meta["_metrics"].get("ImageNet-1K", {}).get("acc@1"),
        }


def _timm_rows(pattern):
    names = _timm.list_names()
    if "." in pattern:
        names += [
            f"{name}.{tag}" for name in names for tag in _timm.list_tags(name) if tag
        ]
    names = [name for name in names if fnmatchcase(name, pattern)]
    # A folder is read once, not asked a thousand times.
    here = {
        path.name
        for folder in (*weights_folders(), *hub_caches())
        if folder.is_dir()
        for path in folder.iterdir()
    }
    for name in names:
        config = _timm.get_config(name)
        file = _timm.get_file(config)
        yield {
            "name": name,
            "input_size": tuple(config.input_size[1:]),
            "weights_here": bool(file and here) and file.look_up() is not None,
            "weights": config.tag if file else None,
            "license": config.license,
        }

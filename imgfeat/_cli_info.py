"""``imgfeat info``: this machine, or a saved model."""

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer

import imgfeat
from imgfeat import deploy
from imgfeat._home import NoHomeError, home
from imgfeat._plain_errors import plain_errors
from imgfeat.deploy._manifest_facts import dict_in, printable, thresholds_in

_LIBRARIES = (
    "numpy",
    "scikit-learn",
    "torch",
    "torchvision",
    "timm",
    "onnxruntime",
    "openvino",
    "opencv-python",
    "pillow",
)
_MOST_CLASSES = 20


def info(
    model: Annotated[
        Path | None,
        typer.Argument(help="A file that train or compare wrote; else this machine."),
    ] = None,
    markdown: Annotated[
        bool,
        typer.Option("--markdown", help="Write a page on the model, in Markdown."),
    ] = False,
):
    """Show what a saved model is, without loading it; or what this machine has.

    Without a model: versions, devices, engines for nets and which of them was the
    fastest for which net, what is kept on disk.
    """
    with plain_errors():
        if markdown:
            if model is None:
                raise ValueError("--markdown is of a model; name its file.")
            print(deploy.model_card(model), end="")
            return
        lines = _machine() if model is None else _card(model)
        for name, text in lines:
            print(printable(f"{name:<13} {text}".rstrip()))


def _machine():
    machine = imgfeat.nets.describe_machine()
    cpu = machine["cpu"]
    yield "imgfeat", imgfeat.__version__
    yield "python", platform.python_version()
    for name in _LIBRARIES:
        yield name, _version(name)
    yield "cpu", f"{cpu['model']}, {cpu['cores']} cores, {cpu['usable']} usable"
    yield "", f"{' '.join(cpu['features']) or 'features unknown'}"
    yield "", f"bfloat16: {'yes' if cpu['bfloat16'] else 'no'}"
    yield "device", machine["device"]
    for name, engine in machine["engines"].items():
        extra = f"not installed; pip install 'imgfeat[{engine['extra']}]'"
        yield "engine", f"{name}: {'installed' if engine['installed'] else extra}"
    yield from _choices(machine["choices"])
    yield "home", _home()
    exports = machine["exports"]
    yield "exports", f"{exports['n']} nets, {exports['bytes'] / 1e6:,.1f} MB"
    kept = imgfeat.features.cache_info()
    yield "cache", f"{kept['rows'].sum()} rows, {kept['megabytes'].sum():,.1f} MB"
    downloaded = imgfeat.nets.list_weights()
    for file in downloaded:
        yield "weights", f"{file.path.name}, {file.n_bytes / 1e6:,.1f} MB"
    if not downloaded:
        yield "weights", "none but those that are installed"


def _version(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _home():
    try:
        return str(home())
    except NoHomeError as error:
        return str(error)


def _choices(records):
    """The ways that nets were run in here, the one that is taken marked."""
    for record in records:
        size = " x ".join(map(str, record["size"]))
        net = f"{printable(record['net'])} of {size} pixels"
        yield "choice", f"{net}: {' in '.join(record['chosen'])}"
        for row in record["timed"]:
            way = f"{row['engine']} in {row['precision']}"
            yield (
                "",
                f"  {way:<22} {row['images_per_s']:8.1f} images/s, "
                f"cosine {row['least_cosine']:.5f}",
            )


def _card(path):
    manifest = deploy.read_manifest(path)
    parts = manifest["parts"]
    yield "file", f"{path}, {path.stat().st_size / 1e6:,.2f} MB"
    yield "format", manifest["format_version"]
    yield from _pairs("versions", manifest.get("versions"))
    classes = manifest.get("classes")
    if isinstance(classes, list):
        shown = ", ".join(map(str, classes[:_MOST_CLASSES]))
        more = ", ..." if len(classes) > _MOST_CLASSES else ""
        yield "classes", f"{len(classes)}: {shown}{more}"
    if thresholds := thresholds_in(manifest):
        shown = [f"{label} {value:.4f}" for label, value in thresholds[:_MOST_CLASSES]]
        more = ", ..." if len(thresholds) > _MOST_CLASSES else ""
        yield "thresholds", ", ".join(shown) + more
    for name, step in dict_in(manifest, "steps").items():
        yield "step", f"{name}: {step}" if name else step
    yield from _known(dict_in(manifest, "facts"))
    for step, parameters in dict_in(manifest, "reading").items():
        yield "parameters", f"of {step or 'the estimator'}"
        yield from _pairs("", parameters)
    for facts in dict_in(manifest, "inference").values():
        yield from _pairs("fitted with", facts)
    weights = [name for name in parts if name.startswith("weights/")]
    for name in weights:
        entry = parts[name]
        size = entry.get("size", 0) if isinstance(entry, dict) else 0
        yield "weights", f"{Path(name).stem[:12]}, {size / 1e6:,.1f} MB"
    if not weights:
        yield "weights", "none in the file"


def _known(facts):
    """The images that a model was trained on, and its scores on others."""
    for key, what in (("trained_on", "by_class"), ("held_out", "scores")):
        found = facts.get(key)
        if isinstance(found, dict):
            name = key.replace("_", " ")
            yield name, f"{found.get('n_images')} images"
            yield from _pairs("", found.get(what))


def _pairs(name, facts):
    if isinstance(facts, dict):
        text = ", ".join(f"{key}={value!r}" for key, value in facts.items())
        yield name, text

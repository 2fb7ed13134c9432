"""Import a package that only some users need, or say which extra brings it."""

import importlib
import importlib.util


def has_module(name):
    """Whether `name` is installed; does not import it."""
    return importlib.util.find_spec(name) is not None


def import_optional(name, *, extra, purpose):
    """Import and return module `name`.

    Parameters
    ----------
    name : str
        Dotted module name.
    extra : str
        The extra of imgfeat that installs it.
    purpose : str
        What needs it, as the start of the message: ``"engine='onnx'"``.

    Raises
    ------
    ModuleNotFoundError
        If the package is missing; the message holds the command that installs it.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name.split(".")[0]:
            raise  # the package is there, something it needs itself is not
        raise ModuleNotFoundError(
            f"{purpose} needs the package {name!r}, which is not installed. "
            f"Run: pip install 'imgfeat[{extra}]'",
            name=name,
        ) from error

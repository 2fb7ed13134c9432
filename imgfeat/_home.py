"""Where things may be kept: a user's folders, and the one for what can be made again.

A service may have no home, nothing to write to, and no folder for temporary files.
Nothing is ever kept in a folder named ``~``, or in whatever folder is the current one.
"""

import os
import sys
import tempfile
from pathlib import Path

from platformdirs import user_cache_path


class NoHomeError(FileNotFoundError):
    """There is no folder of ours: nothing is kept, and nothing is found."""


def home():
    """Return ``IMGFEAT_HOME``, or the platform's cache folder for imgfeat.

    Nothing is created here: who writes a file makes its folder, and copes when it
    cannot.

    Raises
    ------
    NoHomeError
        If neither is known, as for a user whom the system does not know.
    """
    try:
        if chosen := os.environ.get("IMGFEAT_HOME"):
            return expanded(chosen)
        # Not opinionated: that is a folder "Cache" within ours, on Windows only.
        folder = user_cache_path("imgfeat", appauthor=False, opinion=False)
    except (FileNotFoundError, RuntimeError) as error:
        raise no_home() from error
    # Versions of platformdirs differ: some give back "~", which would be a new folder.
    if not folder.is_absolute():
        raise no_home()
    return folder


def expanded(path):
    """Return a path that a user gave, with a ``~`` in front made their home folder.

    Raises
    ------
    FileNotFoundError
        If that folder is not known. A name that merely begins with ``~`` stays as it
        is where there is such a file.
    """
    path = Path(path)
    found = Path(os.path.expanduser(path))
    first = found.parts[0] if found.parts else ""
    if first == "~" or (first.startswith("~") and not os.path.lexists(first)):
        raise FileNotFoundError(
            f"{path} begins with a home folder that this system does not know. Give "
            "the whole path, or set HOME."
        )
    return found


def check_current_folder():
    """Refuse to start in a folder that was removed.

    torch would end the process there as it is imported, without an exception.
    """
    try:
        os.getcwd()
    except FileNotFoundError as error:
        if "torch" not in sys.modules:
            raise FileNotFoundError(
                "imgfeat needs a current folder that exists, as torch does. This one "
                "was removed; change to another (cd), and start again."
            ) from error


def is_writable(folder):
    """Whether files can be made in a folder, which is made if it is not there."""
    try:
        os.makedirs(folder, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def check_temporary_folder(purpose):
    """Refuse to go on where there is no folder for temporary files.

    Parameters
    ----------
    purpose : str
        What needs one; begins the message.

    Raises
    ------
    FileNotFoundError
    """
    if not has_temporary_folder():
        raise FileNotFoundError(
            f"{purpose} needs a folder for temporary files. None can be written to; "
            "set TMPDIR to one that can."
        )


def has_temporary_folder():
    try:
        tempfile.gettempdir()
    except FileNotFoundError:
        return False
    return True


def no_home():
    """Return the error that says that there is none, and what to set."""
    return NoHomeError(
        "There is no folder to keep things in, as this system knows no home of the "
        "user; set IMGFEAT_HOME to a folder that can be written to."
    )

"""A file to read from a path, whether it lies here or behind a URL."""

import tempfile
from contextlib import contextmanager
from pathlib import Path

from imgfeat._home import check_temporary_folder, expanded
from imgfeat.sources._url import (
    copy_url,
    is_remote,
    is_url,
    local_path,
    shown_url,
    suffix_of,
)


@contextmanager
def at_hand(name):
    """Yield the path of a file, of its copy if it is remote, and what to call it.

    Parameters
    ----------
    name : str or path
        Path or URL.

    Raises
    ------
    ImageDecodeError
        If it cannot be copied.
    """
    if not is_remote(name):
        path = Path(local_path(name)) if is_url(name) else expanded(name)
        yield path, str(path)
        return
    check_temporary_folder(f"A copy of {shown_url(name)}")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, f"copy{suffix_of(name)}")
        with copy.open("wb") as file:
            copy_url(name, file)
        yield copy, shown_url(name)

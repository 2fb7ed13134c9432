"""What can be wrong with a saved file.

::

    ValueError
      └─ BundleError            damaged, cut short, too new, or not ours at all
           └─ UntrustedFileError   it asks for types that imgfeat does not load
"""

from contextlib import contextmanager


class BundleError(ValueError):
    """A saved file cannot be loaded as it is; the message says why."""


class UntrustedFileError(BundleError):
    """A saved file, or a pipeline to be saved, holds types that are not allowed.

    Loading builds objects of a fixed list of types only, whatever a file says.
    """


@contextmanager
def one_clear_error(what):
    """Turn anything that the block raises into a `BundleError` that starts with `what`.

    For code that reads what a forger may have written: it can fail anywhere.
    """
    try:
        yield
    except BundleError:
        raise
    except Exception as error:
        raise BundleError(f"{what}: {error!r}.") from error

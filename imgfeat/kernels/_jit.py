"""How every kernel is compiled: without the GIL, kept on disk where that is allowed."""

import numba


def njit(**options):
    """``numba.njit`` that releases the GIL and keeps what it compiles.

    numba keeps it beside the source, or in the user's cache folder if that may not be
    written. Where neither may (a service without a home), the kernel is compiled anew
    in every process; numba alone would refuse to define it.

    Parameters
    ----------
    **options
        Further ones of ``numba.njit``.
    """

    def decorate(function):
        try:
            return numba.njit(nogil=True, cache=True, **options)(function)
        except RuntimeError as error:
            if "no locator available" not in str(error):
                raise
            return numba.njit(nogil=True, **options)(function)

    return decorate

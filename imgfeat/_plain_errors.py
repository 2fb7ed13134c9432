"""What goes wrong in a command, said in a line."""

import os
import sys
import warnings
from contextlib import contextmanager

import typer
from rich.text import Text

import imgfeat
from imgfeat._option_names import text_of
from imgfeat._patience import EXIT_CODE
from imgfeat._printing import err, print_warning
from imgfeat._progress import announcements


@contextmanager
def plain_errors(*, can_skip=False):
    """Say what a user can mend in a line, without a traceback.

    Parameters
    ----------
    can_skip : bool, default=False
        Whether the command has the option ``--skip-unreadable``.
    """
    try:
        with warnings.catch_warnings(), announcements():
            warnings.showwarning = print_warning
            yield
    except KeyboardInterrupt:
        err.print("Interrupted; files that were complete are kept, no other is left.")
        raise typer.Exit(EXIT_CODE) from None
    except BrokenPipeError:
        # Whoever read our output has seen enough; the interpreter must not try again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(1) from None
    except (ValueError, OSError, ModuleNotFoundError) as error:
        err.print(Text("error:", style="bold red"), text_of(error))
        if can_skip and isinstance(error, imgfeat.sources.ImageDecodeError):
            err.print("--skip-unreadable leaves out such files and lists them.")
        raise typer.Exit(2) from None

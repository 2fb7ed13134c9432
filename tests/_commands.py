"""Commands, as a user would type them."""

import csv
import io

from typer.testing import CliRunner

from imgfeat.cli import app

runner = CliRunner()


def run(*arguments, code=0):
    """Run one command; return its result after checking the exit code."""
    result = runner.invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


def rows_of(result):
    """The rows of the CSV that a command wrote to standard output."""
    return list(csv.DictReader(io.StringIO(result.stdout)))

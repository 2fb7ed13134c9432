"""Write docs/benchmarks.md: every figure of results/*.json, in tables.

python -m benchmarks.tables
"""

import ast
import json
import math
from itertools import groupby
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "benchmarks.md"
# Hashes, which say that nothing changed; no figures.
LEFT_OUT = {"fingerprints"}
# What a list longer than this holds is in the file.
LONGEST_LIST = 6
HEAD = """\
# Figures

`python -m benchmarks.tables` writes this page from `benchmarks/results/*.json`, as they
are: losses too, and what came out on a busy machine (`load_1min` above the number of
cores). How they are measured stands in
[benchmarks/README.md](https://github.com/imgfeat/imgfeat/blob/main/benchmarks/README.md).
Times are in seconds where a name ends in `_s`. A longer list stands in the file.
"""


def script_of(stem):
    """The script that writes ``results/STEM.json``: the longest name it begins with."""
    names = {path.stem for path in HERE.glob("*.py")}
    parts = stem.split("_")
    for n in range(len(parts), 0, -1):
        name = "_".join(parts[:n])
        for each in (name, f"bench_{name}"):
            if each in names:
                return each
    raise LookupError(f"No script of benchmarks/ writes results/{stem}.json.")


def about(script):
    """The first paragraph of what a script says of itself, in one line."""
    text = ast.get_docstring(ast.parse((HERE / f"{script}.py").read_text()))
    return " ".join(text.split("\n\n")[0].split())


def rows_of(results):
    """Rows of scalars: of a list of rows, or of a dict with a row for each name."""
    if isinstance(results, list):
        return [flat(row) for row in results]
    named = {key: value for key, value in results.items() if isinstance(value, dict)}
    rest = {key: value for key, value in results.items() if key not in named}
    rows = [{"": key, **flat(value)} for key, value in named.items()]
    return rows + ([flat(rest)] if rest else [])


def flat(row, prefix=""):
    """One level: ``{"a": {"b": 1}}`` is ``{"a.b": 1}``."""
    found = {}
    for key, value in row.items():
        if isinstance(value, dict):
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[prefix + key] = value
    # Names before figures.
    return {
        key: found[key] for key in sorted(found, key=lambda k: _is_figure(found[k]))
    }


def _is_figure(value):
    return not isinstance(value, str)


def cell(value):
    """A value as a cell: four digits of a number, a short list, no line ends."""
    if isinstance(value, bool) or value is None:
        return "-" if value is None else "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return _four_digits(value)
    if isinstance(value, list):
        if len(value) > LONGEST_LIST or any(isinstance(each, dict) for each in value):
            return f"{len(value)} values"
        return ", ".join(map(cell, value))
    text = " ".join(str(value).split()).replace("|", "\\|")
    return text if len(text) <= 60 else f"`{text[:24]}...`"


def _four_digits(value):
    if value == 0:
        return "0"
    if not 1e-4 <= abs(value) < 1e15:
        return f"{value:.1e}"
    decimals = max(0, 3 - math.floor(math.log10(abs(value))))
    return f"{value:,.{decimals}f}"


def table(rows):
    """Rows of the same columns, as Markdown; what is the same in all stands above."""
    first = rows[0]
    same = [key for key in first if all(row[key] == first[key] for row in rows)]
    columns = [key for key in first if key not in same]
    if not columns or len(rows) == 1:
        same, columns = [], list(first)
    lines = [_line(columns), _line(["---"] * len(columns))]
    lines += [_line([cell(row[key]) for key in columns]) for row in rows]
    if same:
        shared = ", ".join(f"{key} {cell(first[key])}" for key in same)
        lines[:0] = [f"In all of these: {shared}.", ""]
    return "\n".join(lines)


def _line(cells):
    return f"| {' | '.join(cells)} |"


def section(path):
    """All that a file of results says."""
    record = json.loads(path.read_text())
    where, script = record["environment"], script_of(path.stem)
    parts = [
        f"## {path.stem}",
        f"{about(script)} By `python -m benchmarks.{script}`.",
        f"{where['cpu']}, {where['cores']} cores, load {where['load_1min']}, "
        f"commit `{where['commit']}`, numpy {where['numpy']}, torch {where['torch']}.",
    ]
    rows = rows_of(record["results"])
    parts += [table(list(alike)) for _, alike in groupby(rows, key=tuple)]
    return "\n\n".join(parts) + "\n"


def write_page():
    """The whole page, as text."""
    paths = sorted((HERE / "results").glob("*.json"))
    sections = [section(path) for path in paths if path.stem not in LEFT_OUT]
    return "\n".join([HEAD, *sections])


if __name__ == "__main__":
    PAGE.write_text(write_page())
    print(PAGE)

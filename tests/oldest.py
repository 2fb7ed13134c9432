"""Print the lower bounds of setup.cfg as constraints for pip; see `make test-oldest`.

Standard library only: it runs before anything is installed.
"""

import configparser
import re
from pathlib import Path

SETUP = Path(__file__).parent.parent / "setup.cfg"
# What looks at the code, or runs it, is of today.
_TOOLS = {"dev", "docs", "test"}
SKIPPED = re.compile(r"imgfeat\[|$")  # an extra that takes in another, or nothing

# Of what those need themselves: torch 2.6 exports with onnxscript 0.2, which knows none
# newer. With newer ones of both, nets run in torch there, and say so.
_PARTNERS = ["protobuf<7"]


def lower_bounds(text):
    """The oldest version of each requirement in setup.cfg, as ``name==version``.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of str
    """
    found = configparser.ConfigParser()
    found.read_string(text)
    extras = dict(found["options.extras_require"])
    parts = [found["options"]["install_requires"]]
    parts += [part for name, part in extras.items() if name not in _TOOLS]
    lines = [line.partition(";")[0] for line in "\n".join(parts).split("\n")]
    requirement = re.compile(r"([\w-]+)(?:\[[\w,]+\])?(?:>=|==)([\w.]+)")
    bounds = [requirement.fullmatch(line) for line in lines if not SKIPPED.match(line)]
    return [f"{bound[1]}=={bound[2]}" for bound in bounds]


if __name__ == "__main__":
    print("\n".join(lower_bounds(SETUP.read_text()) + _PARTNERS))

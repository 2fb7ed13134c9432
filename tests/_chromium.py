"""What a page does in a browser, and what comes of clicks in it."""

import pytest

from tests._browser import chromium, find_chromium

# Hands over as text what the page offers as a file.
_CATCH = """
const files = [];
URL.createObjectURL = blob => { files.push(blob.text()); return "#"; };
"""


def open_page(page, tmp_path, script="tell(null)", width=1280):
    """Run `script` in a page; return what it told, and the browser's complaints.

    Parameters
    ----------
    page : Path
        An HTML file.
    tmp_path : Path
    script : str
        May await; ``files`` are promises of the texts that the page offered as files,
        and ``tell(value)`` says what is to be returned.
    width : int
        Of the window, in pixels.

    Returns
    -------
    value, list of dict
    """
    if find_chromium() is None:
        pytest.skip("there is no Chromium on this machine to open the page in")
    promise = f"(async () => {{ {_CATCH} {script} }})().catch(fail)"
    with chromium(tmp_path / "profile") as tab:
        tab.open(page, width)
        told = tab.ask(f"new Promise((tell, fail) => {{ {promise} }})")
        return told, tab.complaints()

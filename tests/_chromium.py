"""Pages in headless Chromium: what they say, and what a click does."""

import base64
import json
import re
import shutil
import subprocess

import pytest

# Hands over as text what the page offers as a file.
_CATCH = """
const files = [];
URL.createObjectURL = blob => { files.push(blob.text()); return "#"; };
function tell(value) {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  const text = Array.from(bytes, byte => String.fromCharCode(byte)).join("");
  document.body.dataset.told = btoa(text);
}
"""


def open_page(page, tmp_path, script="tell(null)", width=1280):
    """Run `script` in a page; return what it told, and what the console says.

    Parameters
    ----------
    page : Path
        An HTML file. It is opened as a copy that lets `script` run.
    tmp_path : Path
    script : str
        May await; ``files`` are promises of the texts that the page offered as files,
        and ``tell(value)`` says what is to be returned.
    width : int
        Of the window, in pixels.

    Returns
    -------
    value, list of str
    """
    browser = find_browser()
    html = page.read_text("utf-8", "surrogateescape")
    html, n_policies = re.subn(r"<meta http-equiv=.Content-Security[^>]*>", "", html)
    assert n_policies <= 1
    copy = tmp_path / "copy.html"
    html += f"<script>{_CATCH}(async () => {{ {script} }})();</script>"
    copy.write_text(html, "utf-8", "surrogateescape")
    done = _chromium(
        browser, tmp_path, f"--window-size={width},900", "--dump-dom", copy.as_uri()
    )
    told = re.search(r'data-told="([^"]*)"', done.stdout)
    assert told, done.stderr
    return json.loads(base64.b64decode(told[1])), _console(done)


def open_as_it_is(page, tmp_path):
    """What the console says of a page, its policy and all."""
    return _console(_chromium(find_browser(), tmp_path, "--dump-dom", page.as_uri()))


def find_browser():
    """The path of a Chromium; skips the test where there is none."""
    found = [shutil.which(name) for name in ("chromium", "chromium-browser", "chrome")]
    if not any(found):
        pytest.skip("there is no Chromium on this machine to open the page in")
    return next(filter(None, found))


def _chromium(browser, tmp_path, *arguments):
    options = [
        *("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
        *("--enable-logging=stderr", "--virtual-time-budget=3000"),
        f"--user-data-dir={tmp_path / 'profile'}",
    ]
    return subprocess.run(
        [browser, *options, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )


def _console(done):
    return [line for line in done.stderr.splitlines() if "CONSOLE" in line]

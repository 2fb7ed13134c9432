"""A page in headless Chromium, spoken to over its pipe: no driver, no port."""

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
DEADLINE_S = 60
# The browser reads file descriptor 3 and writes 4.
_AS_3_AND_4 = """
import fcntl, os, sys
high = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
os.dup2(high[0], 3)
os.dup2(high[1], 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


def find_chromium():
    """Where it lies, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextlib.contextmanager
def chromium(profile):
    """Start a browser, and end it.

    Parameters
    ----------
    profile : path
        A folder that it may fill.

    Yields
    ------
    Tab
    """
    read_end, to_browser = os.pipe()
    from_browser, write_end = os.pipe()
    command = [
        sys.executable, "-c", _AS_3_AND_4, str(read_end), str(write_end),
        find_chromium(), "--headless", "--no-sandbox", "--disable-gpu",
        "--disable-background-networking", "--no-first-run", "--hide-scrollbars",
        f"--user-data-dir={profile}", "--remote-debugging-pipe", "about:blank",
    ]  # fmt: skip
    browser = subprocess.Popen(
        command,
        pass_fds=(read_end, write_end),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(read_end)
    os.close(write_end)
    try:
        yield Tab(to_browser, from_browser)
    finally:
        browser.terminate()
        browser.wait(DEADLINE_S)
        os.close(to_browser)
        os.close(from_browser)


class Tab:
    """A tab of the browser.

    Attributes
    ----------
    events : list of dict
        What the browser has told so far.
    """

    def __init__(self, to_browser, from_browser):
        self._to, self._from = to_browser, from_browser
        self._waiting, self._n_sent, self._session = b"", 0, None
        self.events = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method, **params):
        """Send a command of the DevTools protocol and return its result."""
        self._n_sent += 1
        message = {"id": self._n_sent, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._n_sent:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]

    def open(self, path, width, *, height=900, dark=False, place=""):
        """Show a file, or what is at an address; return when it is loaded."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=width < 500,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self._go("about:blank")
        address = path if isinstance(path, str) else path.absolute().as_uri()
        self._go(f"{address}{place}")

    def ask(self, expression):
        """The value of an expression in the page."""
        found = self.call(
            "Runtime.evaluate",
            expression=expression, returnByValue=True, awaitPromise=True,
        )  # fmt: skip
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def press(self, key, code):
        """Press a key and let it go."""
        text = {"text": "\r"} if key == "Enter" else {}
        facts = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", **facts, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **facts)

    def complaints(self):
        """What the page and the browser have to say of errors."""
        said = [e for e in self.events if e["method"] == "Runtime.exceptionThrown"]
        said += [
            e
            for e in self.events
            if e["method"] in ("Log.entryAdded", "Runtime.consoleAPICalled")
        ]
        return [e["params"] for e in said]

    def fetched(self):
        """Addresses that the page has asked for."""
        asked = [e for e in self.events if e["method"] == "Network.requestWillBeSent"]
        return [e["params"]["request"]["url"] for e in asked]

    def picture(self, path, *, whole=True):
        """Save the page as PNG, as long as it is."""
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))

    def _go(self, address):
        self.events.clear()
        self.call("Page.navigate", url=address)
        deadline = time.monotonic() + DEADLINE_S
        while not any(e["method"] == "Page.loadEventFired" for e in self.events):
            assert time.monotonic() < deadline, f"{address} was not loaded in time"
            self.ask("0")

    def _next(self):
        while b"\0" not in self._waiting:
            ready, _, _ = select.select([self._from], [], [], DEADLINE_S)
            assert ready, "the browser does not answer"
            part = os.read(self._from, 1 << 16)
            assert part, "the browser ended"
            self._waiting += part
        message, _, self._waiting = self._waiting.partition(b"\0")
        message = json.loads(message)
        if "method" in message:
            self.events.append(message)
        return message

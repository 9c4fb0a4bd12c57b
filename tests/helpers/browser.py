"""A headless Chromium that is driven by its DevTools protocol."""

import base64
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from websockets.sync.client import connect

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--hide-scrollbars",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Page:
    """One page; `requests` holds the address of everything that it asked for."""

    def __init__(self, socket: Any):
        self._socket, self._count = socket, 0
        self.requests: list[str] = []
        self.problems: list[str] = []
        for domain in ("Page", "Runtime", "Network", "Log", "DOM"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **given: Any) -> Any:
        """Ask the browser, and wait for what it says."""
        self._count += 1
        self._socket.send(json.dumps({"id": self._count, "method": method, "params": given}))
        while True:
            message = json.loads(self._socket.recv(timeout=30))
            self._note(message)
            if message.get("id") == self._count:
                assert "error" not in message, message
                return message["result"]

    def _note(self, message: dict[str, Any]) -> None:
        given = message.get("params", {})
        if message.get("method") == "Network.requestWillBeSent":
            self.requests.append(given["request"]["url"])
        elif message.get("method") == "Log.entryAdded" and given["entry"]["level"] == "error":
            self.problems.append(given["entry"]["text"])
        elif message.get("method") == "Runtime.exceptionThrown":
            self.problems.append(str(given["exceptionDetails"]))

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def value(self, script: str) -> Any:
        """What a promise in the page comes to."""
        given = {"awaitPromise": True, "returnByValue": True}
        found = self.call("Runtime.evaluate", expression=script, **given)
        assert "exceptionDetails" not in found, found
        return found["result"]["value"]

    def wait(self, script: str, seconds: float = 30) -> Any:
        """The value of an expression once it is true."""
        end = monotonic() + seconds
        while not (value := self.run(script)):
            assert monotonic() < end, f"never true: {script}; {self.problems}"
            sleep(0.05)
        return value

    def look(self, width: int, dark: bool, height: int = 900) -> None:
        """As wide as a screen, in a theme."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height,
            deviceScaleFactor=1, mobile=width < 500,
        )  # fmt: skip
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[theme])

    def open(self, url: str) -> None:
        self.call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete'")

    def draw(self, *line: tuple[float, float]) -> None:
        """A stroke on the canvas through points in shares of its side."""
        box = self.run("{const b = $('pad').getBoundingClientRect(); [b.left, b.top, b.width]}")
        places = [(box[0] + x * box[2], box[1] + y * box[2]) for x, y in line]
        for kind, (x, y) in zip(
            ["mousePressed", *["mouseMoved"] * (len(places) - 1)], places, strict=True
        ):
            self.call(
                "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1,
                clickCount=1,
            )  # fmt: skip
        x, y = places[-1]
        self.call(
            "Input.dispatchMouseEvent", type="mouseReleased", x=x, y=y, button="left", clickCount=1
        )

    def choose(self, file: Path) -> None:
        """Give a file to the page's chooser."""
        document = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=document, selector="#file")["nodeId"]
        self.call("DOM.setFileInputFiles", files=[str(file)], nodeId=node)

    def shoot(self, to: Path) -> None:
        """The whole page as PNG."""
        found = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        to.write_bytes(base64.b64decode(found["data"]))


def press(text: str) -> str:
    """Press the button of this name; whether there is one that can be pressed."""
    return (
        "(() => { const one = [...document.querySelectorAll('button')].find((b) => "
        f"b.getClientRects().length && !b.disabled && b.textContent.trim() === {text!r}); "
        "if (!one) return false; one.click(); return true; })()"
    )


def labelled(name: str) -> str:
    """The element that a screen reader calls so."""
    return f"document.querySelector('[aria-label={json.dumps(name)}]')"


def blob(content: bytes) -> str:
    """A file's content, as an expression in the page."""
    text = base64.b64encode(content).decode()
    return f"new Blob([Uint8Array.from(atob('{text}'), (c) => c.charCodeAt(0))])"


@contextmanager
def opened(folder: Path) -> Iterator[Page]:
    """A browser with one empty page."""
    flags = [f"--user-data-dir={folder / 'profile'}", *FLAGS, "--remote-debugging-port=0"]
    command = [str(CHROMIUM), *flags, "about:blank"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            with connect(_page_of(process), max_size=None) as socket:
                yield Page(socket)
        finally:
            process.kill()


def _page_of(process: "subprocess.Popen[str]") -> str:
    """The address of the first page's debugger."""
    import httpx

    assert process.stderr
    for line in process.stderr:
        if found := re.search(r"ws://([^/]+)/", line):
            pages = httpx.get(f"http://{found[1]}/json").json()
            return next(one["webSocketDebuggerUrl"] for one in pages if one["type"] == "page")
    raise AssertionError("Chromium did not start")


# A window cannot be made as narrow as a phone, but a frame in it can.
PHONE = """<!doctype html><body><iframe id="frame" style="width:390px;height:800px;border:0"
srcdoc="{page}"></iframe><script>
onload = () => {{
  const page = document.getElementById("frame").contentDocument.documentElement;
  document.body.append("width " + page.scrollWidth + " of " + page.clientWidth);
}};
</script>"""


def chromium(folder: Path, *arguments: str) -> str:
    """What Chromium prints."""
    profile = f"--user-data-dir={folder / 'profile'}"
    command = [str(CHROMIUM), *FLAGS, profile, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout

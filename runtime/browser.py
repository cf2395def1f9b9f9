"""Find or unpack a Chromium, start it, and visit pages with it as a reader does."""

import os
import platform
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response, sync_playwright

from runtime.patience import PATIENCE_S
from runtime.toolchain import CACHE, ToolchainError, install, node, one_at_a_time, say

SYSTEM_BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
OTHER_BROWSERS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
)
BROWSER_ARGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --font-render-hinting=none"
).split()
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>/usr/share/fonts</dir><dir>{}</dir><cachedir>{}</cachedir>
  <alias><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
</fontconfig>
"""


def find() -> tuple[Path, dict[str, str]]:
    """Return a Chromium to start and the environment it needs.

    Looks at ``$CHROME``, then for a system Chromium or Chrome, then unpacks the one inside the
    npm package ``@sparticuz/chromium``, which is built for Linux on x86-64.

    Raises:
        ToolchainError: no browser is installed and none can be unpacked on this platform.
    """
    for name in (os.environ.get("CHROME"), *map(shutil.which, SYSTEM_BROWSERS), *OTHER_BROWSERS):
        if name and Path(name).is_file():
            return Path(name), dict(os.environ)
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise ToolchainError(
            f"No Chrome or Chromium found, and the packaged one runs on Linux x86-64 only (this is "
            f"{platform.system()} {platform.machine()}). Install Chrome, or set CHROME to its path."
        )
    source = install() / "@sparticuz" / "chromium" / "bin"
    with one_at_a_time():
        return _unpacked(source)


def _unpacked(source: Path) -> tuple[Path, dict[str, str]]:
    target = CACHE / "chromium"
    binary = target / "chromium"
    if not binary.is_file():
        say("unpacking Chromium from @sparticuz/chromium (about 5 s, once) …")
        target.mkdir(parents=True, exist_ok=True)
        for name in ("al2023.tar", "fonts.tar", "swiftshader.tar"):
            _unbrotli(source / f"{name}.br", target / name)
            with tarfile.open(target / name) as archive:
                archive.extractall(target, filter="data")
            (target / name).unlink()
        _unbrotli(source / "chromium.br", target / "chromium.part")
        (target / "chromium.part").chmod(0o755)
        (target / "fonts.conf").write_text(FONTS.format(target / "fonts", target / "fonts-cache"), encoding="utf-8")
        (target / "chromium.part").rename(binary)
    libraries = os.pathsep.join(filter(None, [str(target / "lib"), os.environ.get("LD_LIBRARY_PATH")]))
    return binary, {**os.environ, "LD_LIBRARY_PATH": libraries, "FONTCONFIG_FILE": str(target / "fonts.conf")}


def _unbrotli(source: Path, target: Path) -> None:
    script = (
        "const {createReadStream,createWriteStream}=require('fs');"
        "require('stream').pipeline(createReadStream(process.argv[1]),"
        "require('zlib').createBrotliDecompress(),createWriteStream(process.argv[2]),e=>{if(e)throw e})"
    )
    subprocess.run([node(), "-e", script, source, target], check=True)


MOBILE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start headless Chromium."""
    path, env = find()
    os.environ["PLAYWRIGHT_NODEJS_PATH"] = str(node())  # Playwright's own needs libatomic, which a bare Debian lacks
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(path), env={**env}, args=list(BROWSER_ARGS[1:]))
        yield browser
        browser.close()


class Visit:
    """One reader's visit: a fresh browser context that remembers requests and complaints.

    Attributes:
        page: the open tab.
        requests: every address that was asked for.
        complaints: console errors, uncaught errors and failed requests. One that the browser itself gave up, because the
            reader went on or because what was fetched ahead was not needed, is none.
    """

    def __init__(self, browser: Browser, **options: Any) -> None:
        options.setdefault("viewport", DESKTOP)
        self.context: BrowserContext = browser.new_context(**options)
        self.context.set_default_timeout(1000 * PATIENCE_S)
        self.page: Page = self.context.new_page()
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda r: self.requests.append(r.url))
        self.page.on("requestfailed", self._failed)
        self.page.on("response", self._answered)
        self.page.on("pageerror", lambda e: self.complaints.append(f"uncaught: {e}"))
        self.page.on("console", self._said)

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":
            self.complaints.append(f"failed: {request.url} {request.failure}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.complaints.append(f"{response.status}: {response.url}")

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"console: {message.text}")

    def __enter__(self) -> "Visit":
        return self

    def __exit__(self, *exception: object) -> None:
        self.context.close()

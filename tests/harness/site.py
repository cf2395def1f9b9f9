"""Build the site as readers get it, serve it on 127.0.0.1, and open it in real Chromium."""

import functools
import http.server
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.harness.patience import PATIENCE_S
from tools import toolchain

# The age of a fact is counted from here, so that no test changes with the calendar.
SITE_DATE = "2026-11-23"
PARTS = (
    "docs",
    "hooks",
    "overrides",
    "snippets",
    "experiments",
    "mkdocs.yml",
    "package-lock.json",
    "pyproject.toml",
    "LICENSE",
    "tests/snippets",
)
MOBILE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}


@dataclass(frozen=True)
class Site:
    """A built site.

    Attributes:
        folder: its files.
        url: where it is served, with a slash at the end.
    """

    folder: Path
    url: str

    def pages(self) -> list[str]:
        """Return the address of every page below ``url``; the home page is the empty text."""
        return sorted(
            str(p.relative_to(self.folder).parent).removeprefix(".") + "/" * (p.parent != self.folder)
            for p in self.folder.rglob("index.html")
        )


def build(target: Path, root: Path = toolchain.ROOT, **env: str) -> subprocess.CompletedProcess[str]:
    """Run ``mkdocs build --strict`` and return the finished process."""
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", target],
        cwd=root,
        capture_output=True,
        text=True,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "SITE_DATE": SITE_DATE, **env},
        check=False,
    )


def copy_project(target: Path) -> Path:
    """Copy what a build needs, so that a test can break it."""
    target.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        source = toolchain.ROOT / part
        if source.is_dir():
            shutil.copytree(
                source, target / part, ignore=shutil.ignore_patterns("node_modules", ".wrangler", ".dev.vars")
            )
        else:
            shutil.copy(source, target / part)
    return target


class _Quiet(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a folder on a free port of 127.0.0.1 and yield its address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start headless Chromium."""
    path, env = toolchain.browser()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(path), env=env, args=list(toolchain.BROWSER_ARGS[1:]))
        yield browser
        browser.close()


class Visit:
    """One reader's visit: a fresh browser context that remembers requests and complaints.

    Attributes:
        page: the open tab.
        requests: every address that was asked for.
        complaints: console errors, uncaught errors and failed requests.
    """

    def __init__(self, browser: Browser, **options: object) -> None:
        self.context: BrowserContext = browser.new_context(**{"viewport": DESKTOP, **options})
        self.context.set_default_timeout(1000 * PATIENCE_S)
        self.page: Page = self.context.new_page()
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda r: self.requests.append(r.url))
        self.page.on("requestfailed", lambda r: self.complaints.append(f"failed: {r.url} {r.failure}"))
        self.page.on("response", lambda r: r.status >= 400 and self.complaints.append(f"{r.status}: {r.url}"))
        self.page.on("pageerror", lambda e: self.complaints.append(f"uncaught: {e}"))
        self.page.on("console", lambda m: m.type == "error" and self.complaints.append(f"console: {m.text}"))

    def __enter__(self) -> "Visit":
        return self

    def __exit__(self, *exception: object) -> None:
        self.context.close()

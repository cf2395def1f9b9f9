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

from model.moved import load
from runtime import toolchain

# The age of a fact is counted from here, so that no test changes with the calendar.
SITE_DATE = "2026-11-23"
FOLDERS = "docs model runtime hooks overrides snippets experiments tests/snippets".split()
FILES = "mkdocs.yml package-lock.json pyproject.toml LICENSE".split()


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
        """Return the address of every page below ``url``, without those that moved; the home page is the empty text."""
        found = (p.relative_to(self.folder).parent.as_posix() for p in self.folder.rglob("index.html"))
        return sorted({"" if place == "." else f"{place}/" for place in found} - load().keys())


def mkdocs(target: Path, root: Path, *options: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run ``mkdocs build`` in a copy of the guide and return the finished process."""
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--site-dir", target, *options],
        cwd=root,
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", **env},
        check=False,
    )


def build(target: Path, root: Path = toolchain.ROOT, **env: str) -> subprocess.CompletedProcess[str]:
    """Build strictly, as tests do, and return the finished process."""
    return mkdocs(target, root, "--strict", **{"SITE_DATE": SITE_DATE, **env})


def copy_project(target: Path) -> Path:
    """Copy what a build needs, so that a test can break it."""
    target.mkdir(parents=True, exist_ok=True)
    left_out = shutil.ignore_patterns("node_modules", ".wrangler", ".dev.vars")
    for part in FOLDERS:
        shutil.copytree(toolchain.ROOT / part, target / part, ignore=left_out)
    for part in FILES:
        shutil.copy(toolchain.ROOT / part, target)
    return target


class _Quiet(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
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

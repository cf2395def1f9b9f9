"""How long a writer waits: from saving a page to seeing it in ``mkdocs serve``."""

import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from tools.bench.build import project

EDITED = ("docs/patterns/private-machine-api.md", "patterns/private-machine-api/")
STARTS_IN_S = 120
SHOWS_IN_S = 60


def _port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _wait(url: str, text: str, seconds: float) -> float:
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        try:
            with urllib.request.urlopen(url, timeout=seconds) as answer:  # noqa: S310 - an address on this machine, written above
                if text in answer.read().decode():
                    return time.perf_counter() - start
        except OSError:
            pass
        time.sleep(0.02)
    raise RuntimeError(f"{url} did not show {text!r} within {seconds} s")


def edits(root: Path, runs: int) -> float:
    """Return the median seconds from saving the longest page to its being served anew."""
    port = _port()
    command = [sys.executable, "-m", "mkdocs", "serve", "-q", "--dev-addr", f"127.0.0.1:{port}"]
    server = subprocess.Popen(command, cwd=root, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"})
    try:
        url = f"http://127.0.0.1:{port}/{EDITED[1]}"
        _wait(url, "Private machine API", STARTS_IN_S)
        page = root / EDITED[0]
        taken = []
        for number in range(runs):
            time.sleep(1.2)  # a server that still writes the last version would hide this one
            mark = f"Edited {number} times."
            page.write_text(page.read_text(encoding="utf-8") + f"\n{mark}\n", encoding="utf-8")
            taken.append(_wait(url, mark, SHOWS_IN_S))
        return statistics.median(taken)
    finally:
        server.terminate()
        server.wait(10)


def measure(runs: int) -> float:
    """Return the seconds of an edit in the site as it is."""
    with project() as root:
        return round(edits(root, runs), 2)

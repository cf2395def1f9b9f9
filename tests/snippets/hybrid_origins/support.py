"""Three real sites on this machine, for the Worker to choose from."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

KEY = "local-origin-key"
SITE = Path(__file__).with_name("site.py")
READY_S = 30


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Site:
    """One site; ``kill`` and ``start`` keep its address."""

    def __init__(self, name: str, tls: Path | None = None) -> None:
        self.name, self.port, self.tls = name, free_port(), tls
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        if self.process:
            return
        options = ["--tls", str(self.tls)] if self.tls else []
        command = [sys.executable, str(SITE), self.name, "--port", str(self.port), "--key", KEY, *options]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def wait(self) -> None:
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError(f"{self.name} does not start")

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def become(self, mode: str) -> None:
        httpx.put(f"{self.url}/_test/{mode}", timeout=20)

    def seen(self) -> dict:
        return httpx.get(f"{self.url}/_test/seen", timeout=20).json()


@contextmanager
def sites() -> Iterator[tuple[Site, ...]]:
    """Start the three sites; leave none behind."""
    started = tuple(Site(name) for name in ("aws", "gcp", "dc"))
    try:
        for site in started:
            site.start()
        for site in started:
            site.wait()
        yield started
    finally:
        for site in started:
            site.kill()


def origins(started: tuple[Site, ...]) -> str:
    """Return them as the Worker's variable takes them."""
    return " ".join(f"{site.name}={site.url}" for site in started)


@contextmanager
def beside() -> Iterator[dict[str, str]]:
    """Start the sites for the page's transcripts."""
    with sites() as started:
        yield {"ORIGINS": origins(started)}

"""Three real sites on this machine, for the Worker to choose from."""

import http.client
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

from tests.harness.patience import PATIENCE_S, until

KEY = "local-origin-key-0123456789abcdef"
SITE = Path(__file__).with_name("site.py")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Site:
    """One site; ``kill`` and ``start`` keep its address."""

    def __init__(self, name: str, tls: Path | None = None) -> None:
        self.name, self.port, self.tls = name, free_port(), tls
        self.url = self.front = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        if self.process:
            return
        options = ["--tls", str(self.tls)] if self.tls else []
        command = [sys.executable, str(SITE), self.name, "--port", str(self.port), "--key", KEY, *options]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def wait(self) -> None:
        def listens() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0

        until(listens, what=f"{self.name} starts")

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def become(self, mode: str) -> None:
        httpx.put(f"{self.url}/_test/{mode}", verify=False)

    def seen(self) -> dict:
        return httpx.get(f"{self.url}/_test/seen", verify=False).json()


class _Edge(BaseHTTPRequestHandler):
    """Says 521 and 520 for a dead site, as the edge does; `wrangler dev` says 500 and "fetch failed" instead."""

    target = 0

    def forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, answer, kind = 521, b"web server is down", "text/plain"
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", self.target, timeout=PATIENCE_S)) as site:
                site.connect()
                status = 520
                site.request(
                    self.command, self.path, body, {k: v for k, v in self.headers.items() if k.lower() != "connection"}
                )
                got = site.getresponse()
                status, answer, kind = got.status, got.read(), got.headers["Content-Type"]
        except (OSError, http.client.HTTPException):
            pass
        try:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)
        except OSError:
            pass  # whoever asked gave up

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = forward

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def edge(site: "Site") -> Iterator[None]:
    """Put the stand-in for the edge before a site and let ``front`` be its address."""
    handler = type("Edge", (_Edge,), {"target": site.port})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    site.front = f"http://127.0.0.1:{server.server_port}"
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def sites() -> Iterator[tuple[Site, ...]]:
    """Start the three sites; leave none behind."""
    started = tuple(Site(name) for name in ("aws", "gcp", "dc"))
    try:
        for site in started:
            site.start()
        for site in started:
            site.wait()
        with ExitStack() as stack:
            for site in started:
                stack.enter_context(edge(site))
            yield started
    finally:
        for site in started:
            site.kill()


def origins(started: tuple[Site, ...]) -> str:
    """Return them as the Worker's variable takes them."""
    return " ".join(f"{site.name}={site.front}" for site in started)


@contextmanager
def beside() -> Iterator[dict[str, str]]:
    """Start the sites for the page's transcripts."""
    with sites() as started:
        yield {"ORIGINS": origins(started)}
